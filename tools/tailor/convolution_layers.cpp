#include "tools/tailor/convolution_layers.h"

#include <algorithm>
#include <map>
#include <string_view>

namespace tailor::tools {
namespace {

using runtime::ArtifactSpec;
using runtime::Command;
using runtime::OpRecord;

const OpRecord* find_op(const ArtifactSpec& spec, std::int32_t id) {
  const auto at = std::lower_bound(spec.ops.begin(), spec.ops.end(), id,
                                   [](const OpRecord& op, std::int32_t id) { return op.id < id; });
  return at != spec.ops.end() && at->id == id ? &*at : nullptr;
}

/// "forward" for "tailor.conv2d"; empty for an op that is no convolution.
std::string product_of(const OpRecord& op) {
  if (op.name == "tailor.conv2d") return "forward";
  if (op.name == "tailor.conv2d_data_grad") return "data gradient";
  if (op.name == "tailor.conv2d_weight_grad") return "weight gradient";
  return "";
}

/// The convolutions a launch or a library call computes, several where kernels are launched side by side; its prepare and its
/// combine are commands beside it.
std::vector<const OpRecord*> convolutions_of(const ArtifactSpec& spec, const Command& command) {
  std::vector<const OpRecord*> found;
  if (command.kernel < 0 && command.plan < 0) return found;
  if (command.kernel >= 0) {
    const std::string& family = spec.kernels[static_cast<std::size_t>(command.kernel)].family;
    if (family == "prepare" || family == "combine") return found;
  }
  for (const std::int32_t id : command.ops)
    if (const OpRecord* op = find_op(spec, id); op != nullptr && !product_of(*op).empty())
      found.push_back(op);
  return found;
}

/// "data gradient and weight gradient", each once.
std::string products_of(const std::vector<const OpRecord*>& convolutions) {
  std::vector<std::string> products;
  for (const OpRecord* op : convolutions)
    if (const std::string product = product_of(*op);
        std::find(products.begin(), products.end(), product) == products.end())
      products.push_back(product);
  std::string text;
  for (const std::string& product : products)
    text += (text.empty() ? "" : " and ") + product;
  return text;
}

/// The forward op, which names the layer of all three products.
std::int32_t root_of(const OpRecord& op) {
  return op.vjp_of >= 0 ? op.vjp_of : op.id;
}

/// "layer1.0.conv2" for a command that reads the state "layer1.0.conv2.weight".
std::string layer_read_by(const ArtifactSpec& spec, const Command& command) {
  constexpr std::string_view kWeight = ".weight";
  for (const runtime::Operand& operand : command.operands) {
    if (operand.space != runtime::Space::kState || operand.access != runtime::Access::kRead) continue;
    for (const runtime::State& state : spec.states)
      if (state.offset == operand.offset && state.shape.size() == 4 && state.name.ends_with(kWeight))
        return state.name.substr(0, state.name.size() - kWeight.size());
  }
  return "";
}

/// "winograd_4x4" of "kernel 'conv2d_...' by winograd_4x4: rejected ...", or "cudnn, engine 70".
std::string algorithm_of(const ArtifactSpec& spec, const Command& command) {
  if (command.plan >= 0) {
    const runtime::LibraryPlan& plan = spec.library_plans[static_cast<std::size_t>(command.plan)];
    return plan.library + ", engine " + std::to_string(plan.engine);
  }
  const std::string start =
      "kernel '" + spec.kernels[static_cast<std::size_t>(command.kernel)].name + "' by ";
  for (const runtime::Remark& remark : spec.remarks)
    if (remark.reason == "algorithm" && remark.message.starts_with(start))
      return remark.message.substr(start.size(), remark.message.find(':') - start.size());
  return "";
}

/// "batch_norm_apply and relu in the loads" of "bn1, conv2: batch_norm_apply and relu in the loads of conv2d, in forward",
/// the remark about the largest part of the command's ops.
std::string fused_into(const ArtifactSpec& spec, const Command& command, const OpRecord& convolution) {
  const auto holds = [](const std::vector<std::int32_t>& ids, std::int32_t id) {
    return std::find(ids.begin(), ids.end(), id) != ids.end();
  };
  const runtime::Remark* found = nullptr;
  for (const runtime::Remark& remark : spec.remarks) {
    if (remark.pass != "fuse-convolutions" || remark.kind != runtime::RemarkKind::kPassed ||
        !holds(remark.ops, convolution.id) ||
        !std::all_of(remark.ops.begin(), remark.ops.end(),
                     [&](std::int32_t id) { return holds(command.ops, id); }))
      continue;
    if (found == nullptr || remark.ops.size() > found->ops.size()) found = &remark;
  }
  if (found == nullptr) return "";
  std::string text = found->message;
  if (const std::size_t layers = text.find(": "); layers != std::string::npos) text.erase(0, layers + 2);
  if (const std::size_t of = text.rfind(" of conv2d"); of != std::string::npos) text.erase(of);
  return text;
}

} // namespace

double products_share(const std::string& algorithm) {
  if (algorithm == "winograd_4x4") return 36.0 / 144;
  if (algorithm == "winograd_2x2") return 16.0 / 36;
  if (algorithm == "winograd_4x4_stride_2") return 81.0 / 144;
  return 1;
}

std::vector<ConvolutionLayer> convolution_layers(const ArtifactSpec& spec, const runtime::Variant& variant) {
  std::map<std::int32_t, std::string> layers; // by forward op
  for (const Command& command : variant.commands)
    for (const OpRecord* op : convolutions_of(spec, command))
      if (op->vjp_of < 0)
        if (std::string layer = layer_read_by(spec, command); !layer.empty()) layers[op->id] = layer;
  std::vector<ConvolutionLayer> result(variant.commands.size());
  for (std::size_t i = 0; i < result.size(); ++i) {
    const Command& command = variant.commands[i];
    const std::vector<const OpRecord*> convolutions = convolutions_of(spec, command);
    if (convolutions.empty()) continue;
    const auto layer = layers.find(root_of(*convolutions.front()));
    result[i] = {layer == layers.end() ? "" : layer->second, products_of(convolutions),
                 algorithm_of(spec, command), fused_into(spec, command, *convolutions.front())};
  }
  return result;
}

} // namespace tailor::tools
