// What cuDNN writes of an execution plan (CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION), read for the problem that it computes:
//
//   {"cudnnVersion": 91900, "operationGraph": {"tensors": [{"name": "1", "dataType": "CUDNN_DATA_FLOAT", "dim": [N, C, H, W],
//    "stride": [...], ...}, ...], "nodes": [{"operation": "CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR", "pad": [1, 1],
//    "stride": [1, 1], "dilation": [1, 1], "X": "1", "W": "2", "Y": "3", ...}]}, "engine": {...}, ...}
//
// Paddings that differ are "pad_lower" and "pad_upper". Nothing here is shared with what builds the graph.
#include "runtime/artifact/conv_plan.h"
#include "runtime/base/options.h"

#include <algorithm>

namespace tailor::runtime {
namespace {

/// The tables of a plan, by member; the first thing that is not as it should be stays in status().
class PlanText {
public:
  Status status;

  const OptionValue* member(const OptionValue* of, std::string_view name) {
    const OptionValue* found = of ? of->find(name) : nullptr;
    if (!found && status.ok()) status = data_loss("it has no '", name, "'");
    return found;
  }
  void expect(const OptionValue* of, std::string_view name, const OptionValue& wanted) {
    const OptionValue* found = member(of, name);
    if (found && !(*found == wanted) && status.ok())
      status = data_loss("its '", name, "' is ", found->to_json().substr(0, 80), ", not ", wanted.to_json());
  }
  template <std::size_t N> std::array<std::int64_t, N> numbers(const OptionValue* of, std::string_view name) {
    std::array<std::int64_t, N> out{};
    const OptionValue* found = member(of, name);
    const OptionValue::List* list = found ? found->as_list() : nullptr;
    const bool right =
        list && list->size() == N && std::all_of(list->begin(), list->end(), [](const auto& v) {
          return v.as_int() && *v.as_int() >= 0 && *v.as_int() < std::int64_t{1} << 31;
        });
    if (!right) {
      if (status.ok()) status = data_loss("its '", name, "' is no list of ", N, " sizes");
      return out;
    }
    for (std::size_t i = 0; i < N; ++i)
      out[i] = *(*list)[i].as_int();
    return out;
  }
};

/// How each product names its operation and operands; `number` of a role is the name of its tensor.
struct Operation {
  const char* name;
  ConvProduct product;
  const char* roles[3]; ///< x, w, y
};
constexpr Operation kOperations[] = {
    {"CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR", ConvProduct::kForward, {"X", "W", "Y"}},
    {"CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR",
     ConvProduct::kDataGradient,
     {"dX", "W", "dY"}},
    {"CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR",
     ConvProduct::kWeightGradient,
     {"X", "dW", "dY"}}};
constexpr const char* kNumbers[] = {"1", "2",
                                    "3"}; ///< the tensors' names: those of the pointers they are given
/// What a plan may count on: operands of commands are 64-byte aligned, and a plan is asked for with that of a vector of 16 bytes.
constexpr std::int64_t kPointerAlignment = 16;

} // namespace

Result<ConvPlan> conv_plan_of_cudnn(std::string_view text) {
  TAILOR_ASSIGN_OR_RETURN(const OptionValue whole, OptionValue::from_json(text), "the plan is no JSON");
  PlanText plan;
  const OptionValue* graph = plan.member(&whole, "operationGraph");
  const OptionValue* nodes = plan.member(graph, "nodes");
  const OptionValue* tensors = plan.member(graph, "tensors");
  if (!plan.status.ok()) return plan.status;
  const OptionValue::List *node_list = nodes->as_list(), *tensor_list = tensors->as_list();
  if (!node_list || node_list->size() != 1 || !tensor_list || tensor_list->size() != 3)
    return data_loss("it is no plan of one operation on three tensors");
  const OptionValue& node = node_list->front();
  const OptionValue* name = plan.member(&node, "operation");
  if (!name) return plan.status;
  const auto operation = std::find_if(std::begin(kOperations), std::end(kOperations),
                                      [&](const Operation& o) { return *name == OptionValue(o.name); });
  if (operation == std::end(kOperations))
    return data_loss("its operation ", name->to_json().substr(0, 80), " is no convolution");

  ConvPlan out;
  out.product = operation->product;
  plan.expect(&node, "mode", "CUDNN_CROSS_CORRELATION");
  plan.expect(&node, "mathPrec", "CUDNN_DATA_FLOAT");
  plan.expect(&node, "alpha", 1.0);
  plan.expect(&node, "beta", 0.0);
  out.strides = plan.numbers<2>(&node, "stride");
  out.dilation = plan.numbers<2>(&node, "dilation");
  if (node.find("pad")) {
    out.padding_low = out.padding_high = plan.numbers<2>(&node, "pad");
  } else {
    out.padding_low = plan.numbers<2>(&node, "pad_lower");
    out.padding_high = plan.numbers<2>(&node, "pad_upper");
  }

  std::array<std::array<std::int64_t, 4>, 3> dims{}, strides{};
  for (std::size_t role = 0; role < 3; ++role) {
    plan.expect(&node, operation->roles[role], kNumbers[role]);
    const auto tensor = std::find_if(tensor_list->begin(), tensor_list->end(), [&](const OptionValue& t) {
      const OptionValue* own = t.find("name");
      return own && *own == OptionValue(kNumbers[role]);
    });
    if (tensor == tensor_list->end()) return data_loss("it has no tensor '", kNumbers[role], "'");
    const OptionValue* type = plan.member(&*tensor, "dataType");
    const bool is_bf16 = type && *type == OptionValue("CUDNN_DATA_BFLOAT16");
    if (type && !is_bf16 && !(*type == OptionValue("CUDNN_DATA_FLOAT")))
      return data_loss("its tensors are of ", type->to_json().substr(0, 80));
    const DType dtype = is_bf16 ? DType::kBF16 : DType::kF32;
    if (role > 0 && dtype != out.dtype) return data_loss("its tensors are of different types");
    out.dtype = dtype;
    plan.expect(&*tensor, "isVirtual", false);
    plan.expect(&*tensor, "isByValue", false);
    plan.expect(&*tensor, "vectCount", 1);
    plan.expect(&*tensor, "vectDim", -1);
    plan.expect(&*tensor, "ptrAlignment", kPointerAlignment);
    plan.expect(&*tensor, "reordering", "CUDNN_TENSOR_REORDERING_NONE");
    dims[role] = plan.numbers<4>(&*tensor, "dim");
    strides[role] = plan.numbers<4>(&*tensor, "stride");
  }
  if (!plan.status.ok()) return plan.status;

  const auto& [x, w, y] = dims;
  if (y[0] != x[0] || y[1] != w[0] || w[1] == 0 || x[1] % w[1] != 0)
    return data_loss("its tensors do not fit each other");
  out.images = x[0];
  out.channels = x[1];
  out.outputs = w[0];
  out.groups = x[1] / w[1];
  out.image = {x[2], x[3]};
  out.kernel = {w[2], w[3]};
  out.output = {y[2], y[3]};
  for (const auto& dim : dims)
    if (double(dim[0]) * double(dim[1]) * double(dim[2]) * double(dim[3]) > double(std::int64_t{1} << 46))
      return data_loss("its tensors are larger than any memory"); // products of sizes fit from here on
  const auto is_nhwc = [](const auto& dim, const auto& stride) {
    return stride == std::array{dim[2] * dim[3] * dim[1], std::int64_t{1}, dim[3] * dim[1], dim[1]};
  };
  if (!is_nhwc(x, strides[0]) || !is_nhwc(y, strides[2])) return data_loss("its images do not lie as NHWC");
  if (strides[1] != std::array{w[1] * w[2] * w[3], w[2] * w[3], w[3], std::int64_t{1}})
    return data_loss("its weights do not lie as OIHW");
  return out;
}

} // namespace tailor::runtime
