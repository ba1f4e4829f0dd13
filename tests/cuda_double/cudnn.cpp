// A double of cuDNN, libcudnn.so.9 for tests: the entry points that runtime/device/cudnn.h asks for, on the CPU.
//
// Descriptors hold what they are told. A plan is made of an operation graph, in the JSON that cuDNN 9.19 writes, or loaded from such
// bytes; what runs is what the bytes say, element by element through the strides they give, in f64. Work runs when the stream of the
// handle does (cuLaunchHostFunc of the driver's double), so it is captured like a kernel.
//
// Words of TAILOR_CUDA_DOUBLE:
//   cudnn=91900   the version that it says it is
//   plan@n        the n-th plan that is loaded is refused
//   profile=0     what device and driver this is: a plan is taken where it was made for the same, as cuDNN holds its plans to the versions
//                 of the driver and of CUDA, the multiprocessors and the shared memory of a device
//   execute@n     the n-th call fails
//   engines=0     the heuristics offer only engines that programs cannot take

#include "runtime/base/options.h"
#include "tests/cuda_double/settings.h"

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <dlfcn.h>
#include <map>
#include <memory>
#include <vector>

namespace {

using tailor::backend::testing::fails;
using tailor::backend::testing::settings;
using tailor::backend::testing::Settings;
using tailor::runtime::OptionValue;

using Error = int;
constexpr Error kDone = 0, kOtherVersion = 1003, kBadParam = 2000, kNotSupported = 3000, kOtherDevice = 3007,
                kExecutionFailed = 5000;

thread_local std::string lastError;

Error error(Error code, std::string why) {
  lastError = std::move(why);
  return code;
}

long versionHere() {
  return settings().get("cudnn", 91900);
}

struct Tensor {
  std::array<std::int64_t, 4> size{}, stride{}; ///< N C H W, or O I H W
};

/// One convolution, as the bytes of a plan say it.
struct Work {
  bool bf16 = false;             ///< elements of all three, else f32
  int product = 0;               ///< 10 forward, 11 weight gradient, 12 data gradient
  std::array<Tensor, 3> tensors; ///< x, w, y
  std::array<std::int64_t, 2> low{}, stride{}, dilation{};
  std::int64_t workspace = 0;
};

} // namespace

/// What cuDNN's handles point to. Values of descriptors are copies of those they were set from.
struct Descriptor {
  int kind = 0;
  bool finalized = false;
  std::map<int, std::vector<unsigned char>> values;
  std::map<int, std::vector<Descriptor>> parts;
  std::string json;                 ///< of a plan
  std::shared_ptr<const Work> work; ///< of a plan

  template <class T> std::vector<T> list(int name) const {
    auto found = values.find(name);
    if (found == values.end()) return {};
    std::vector<T> out(found->second.size() / sizeof(T));
    std::memcpy(out.data(), found->second.data(), out.size() * sizeof(T));
    return out;
  }
  const Descriptor* part(int name) const {
    auto found = parts.find(name);
    return found == parts.end() || found->second.size() != 1 ? nullptr : &found->second.front();
  }
};
struct Handle {
  void* stream = nullptr;
};

namespace {

/// How big an element of an attribute is, by its type.
std::size_t sizeOf(int type) {
  switch (type) {
  case 3: // int64
  case 5: // double
  case 0: // handle
  case 6: // pointer
    return 8;
  case 2:  // bool
  case 24: // char
    return 1;
  default: // enumerations and float
    return 4;
  }
}

std::string listOf(const std::vector<std::int64_t>& values) {
  std::string text;
  for (std::int64_t value : values)
    text += (text.empty() ? "" : ",") + std::to_string(value);
  return "[" + text + "]";
}

struct Names {
  const char *operation, *mode, *x, *w, *y;
};
Names namesOf(int product) {
  switch (product) {
  case 10:
    return {"CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR", "CONV_FORWARD", "X", "W", "Y"};
  case 11:
    return {"CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR", "CONV_BWD_FILTER", "X", "dW",
            "dY"};
  default:
    return {"CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR", "CONV_BWD_DATA", "dX", "W", "dY"};
  }
}

std::string profileHere() {
  return "\"GPUProfile\":" + std::to_string(settings().get("profile", 0));
}

/// The JSON of a plan for an operation graph.
std::string jsonOf(const Descriptor& operation) {
  const int first = operation.kind == 10   ? 700
                    : operation.kind == 12 ? 706
                                           : 712; // alpha, beta, convolution, w, x, y
  const Descriptor *convolution = operation.part(first + 2),
                   *tensors[] = {operation.part(first + 4), operation.part(first + 3),
                                 operation.part(first + 5)};
  const Names names = namesOf(operation.kind);
  std::string text = "{\"cudnnVersion\":" + std::to_string(versionHere()) +
                     ",\"schemaVersion\":4,\"operationGraph\":{\"finalizeMode\":\"" + names.mode +
                     "\",\"tensors\":[";
  std::string ids[3];
  for (int i = 0; i < 3; ++i) {
    ids[i] = std::to_string(tensors[i]->list<std::int64_t>(906).at(0));
    const bool isFloat = tensors[i]->list<int>(901).at(0) == 0;
    text += std::string(i ? "," : "") + "{\"name\":\"" + ids[i] + "\",\"dataType\":\"" +
            (isFloat ? "CUDNN_DATA_FLOAT" : "CUDNN_DATA_BFLOAT16") +
            "\",\"dim\":" + listOf(tensors[i]->list<std::int64_t>(902)) +
            ",\"stride\":" + listOf(tensors[i]->list<std::int64_t>(903)) +
            ",\"isVirtual\":false,\"isByValue\":false,\"vectCount\":1,\"vectDim\":-1,\"ptrAlignment\":16,"
            "\"reordering\":\"CUDNN_TENSOR_REORDERING_NONE\"}";
  }
  const auto low = convolution->list<std::int64_t>(105), high = convolution->list<std::int64_t>(104);
  const std::string pads = low == high ? "\"pad\":" + listOf(low)
                                       : "\"pad_upper\":" + listOf(high) + ",\"pad_lower\":" + listOf(low);
  return text + "],\"nodes\":[{\"operation\":\"" + names.operation +
         "\",\"mode\":\"CUDNN_CROSS_CORRELATION\",\"mathPrec\":\"CUDNN_DATA_FLOAT\",\"alpha\":1.0,\"beta\":0."
         "0," +
         pads + ",\"stride\":" + listOf(convolution->list<std::int64_t>(103)) +
         ",\"dilation\":" + listOf(convolution->list<std::int64_t>(102)) + ",\"" + names.x + "\":\"" +
         ids[0] + "\",\"" + names.w + "\":\"" + ids[1] + "\",\"" + names.y + "\":\"" + ids[2] +
         "\"}]},\"engine\":{\"engineId\":1,\"smVersion\":900,\"knobChoices\":{}}," + profileHere() + "}";
}

/// What engine 1 asks for: an image once more, and on another device more than that.
std::int64_t workspaceOf(const Work& work) {
  const auto& size = work.tensors[0].size;
  return 4 * size[0] * size[1] * size[2] * size[3] + 4096 * settings().get("profile", 0);
}

/// Dies on bytes that are no plan: they were verified before.
std::shared_ptr<const Work> workOf(const std::string& json) {
  auto whole = OptionValue::from_json(json);
  if (!whole.ok()) Settings::die("a plan that is no JSON");
  auto member = [](const OptionValue& of, const char* name) -> const OptionValue& {
    const OptionValue* found = of.find(name);
    if (!found) Settings::die(std::string("a plan without '") + name + "'");
    return *found;
  };
  auto numbers = [&](const OptionValue& of, const char* name, auto& out) {
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] = *member(of, name).as_list()->at(i).as_int();
  };
  auto work = std::make_shared<Work>();
  const OptionValue& graph = member(*whole, "operationGraph");
  const OptionValue& node = member(graph, "nodes").as_list()->at(0);
  for (int product : {10, 11, 12})
    if (*member(node, "operation").as_string() == namesOf(product).operation) work->product = product;
  numbers(node, "stride", work->stride);
  numbers(node, "dilation", work->dilation);
  numbers(node, node.find("pad") ? "pad" : "pad_lower", work->low);
  const Names names = namesOf(work->product);
  const char* roles[] = {names.x, names.w, names.y};
  for (int role = 0; role < 3; ++role)
    for (const OptionValue& tensor : *member(graph, "tensors").as_list())
      if (member(tensor, "name") == member(node, roles[role])) {
        work->bf16 = member(tensor, "dataType") == OptionValue("CUDNN_DATA_BFLOAT16");
        numbers(tensor, "dim", work->tensors[role].size);
        numbers(tensor, "stride", work->tensors[role].stride);
      }
  work->workspace = workspaceOf(*work);
  return work;
}

/// The upper half of an f32, rounded to nearest even.
class Bf16 {
public:
  explicit Bf16(float value) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    bits_ = static_cast<std::uint16_t>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16); // of numbers
  }
  explicit operator float() const { return std::bit_cast<float>(std::uint32_t{bits_} << 16); }

private:
  std::uint16_t bits_ = 0;
};

/// The convolution at the three pointers: every product of x, w and y that a tap joins, added to the one that is made.
template <class Element> void run(const Work& work, std::array<void*, 3> memory, void* workspace) {
  const std::array<Element*, 3> pointers{static_cast<Element*>(memory[0]), static_cast<Element*>(memory[1]),
                                         static_cast<Element*>(memory[2])};
  std::memset(workspace, 0xFF,
              static_cast<std::size_t>(work.workspace)); // no number: what lies in it is gone
  const auto& [x, w, y] = work.tensors;
  const std::size_t made = work.product == 10 ? 2 : work.product == 12 ? 0 : 1;
  const Tensor& out = work.tensors[made];
  std::array<std::int64_t, 4> place{}; // strides of the sums
  std::int64_t count = 1;
  for (std::size_t dim = 4; dim-- > 0;)
    place[dim] = count, count *= out.size[dim];
  std::vector<double> sums(static_cast<std::size_t>(count));
  const std::int64_t groups = x.size[1] / w.size[1], outputsOfGroup = w.size[0] / groups;
  for (std::int64_t n = 0; n < y.size[0]; ++n)
    for (std::int64_t o = 0; o < y.size[1]; ++o)
      for (std::int64_t row = 0; row < y.size[2]; ++row)
        for (std::int64_t column = 0; column < y.size[3]; ++column)
          for (std::int64_t kh = 0; kh < w.size[2]; ++kh)
            for (std::int64_t kw = 0; kw < w.size[3]; ++kw) {
              const std::int64_t h = row * work.stride[0] + kh * work.dilation[0] - work.low[0],
                                 v = column * work.stride[1] + kw * work.dilation[1] - work.low[1];
              if (h < 0 || h >= x.size[2] || v < 0 || v >= x.size[3]) continue;
              // Along the channels of the group only x and w move on.
              const std::array<std::array<std::int64_t, 4>, 3> at{
                  {{n, o / outputsOfGroup * w.size[1], h, v}, {o, 0, kh, kw}, {n, o, row, column}}};
              std::array<std::int64_t, 3> start{}, step{};
              for (std::size_t role = 0; role < 3; ++role) {
                const auto& stride = role == made ? place : work.tensors[role].stride;
                for (std::size_t dim = 0; dim < 4; ++dim)
                  start[role] += at[role][dim] * stride[dim];
                step[role] = role == 2 ? 0 : stride[1];
              }
              const std::size_t one = made == 0 ? 1 : 0, other = made == 2 ? 1 : 2;
              const Element *a = pointers[one] + start[one], *b = pointers[other] + start[other];
              double* sum = sums.data() + start[made];
              for (std::int64_t i = 0; i < w.size[1]; ++i)
                sum[i * step[made]] += double(float(a[i * step[one]])) * double(float(b[i * step[other]]));
            }
  std::size_t next = 0;
  for (std::int64_t a = 0; a < out.size[0]; ++a)
    for (std::int64_t b = 0; b < out.size[1]; ++b)
      for (std::int64_t c = 0; c < out.size[2]; ++c)
        for (std::int64_t d = 0; d < out.size[3]; ++d)
          pointers[made][a * out.stride[0] + b * out.stride[1] + c * out.stride[2] + d * out.stride[3]] =
              Element(static_cast<float>(sums[next++]));
}

/// A call that waits in a stream; a graph runs it again and again.
struct Call {
  std::shared_ptr<const Work> work;
  std::array<void*, 3> pointers{};
  void* workspace = nullptr;
};

/// What an engine says of itself: 0 rounds to tf32, 2 has other bits each time, 1 is neither.
std::vector<int> notesOf(int engine) {
  if (engine == 0) return {0};
  if (engine == 2) return {4};
  return {};
}

Error give(std::int64_t room, std::int64_t* count, void* values, const void* from, std::size_t elements,
           std::size_t size) {
  *count = static_cast<std::int64_t>(elements);
  if (values) std::memcpy(values, from, std::min(static_cast<std::size_t>(room), elements) * size);
  return kDone;
}

} // namespace

extern "C" {

std::size_t cudnnGetVersion() {
  return static_cast<std::size_t>(versionHere());
}
const char* cudnnGetErrorString(Error code) {
  switch (code) {
  case kOtherVersion:
    return "CUDNN_STATUS_SERIALIZATION_VERSION_MISMATCH";
  case kOtherDevice:
    return "CUDNN_STATUS_NOT_SUPPORTED_ARCH_MISMATCH";
  case kNotSupported:
    return "CUDNN_STATUS_NOT_SUPPORTED";
  case kExecutionFailed:
    return "CUDNN_STATUS_EXECUTION_FAILED";
  default:
    return "CUDNN_STATUS_BAD_PARAM";
  }
}
void cudnnGetLastErrorString(char* text, std::size_t length) {
  std::snprintf(text, length, "%s", lastError.c_str());
}
Error cudnnCreate(Handle** handle) {
  *handle = new Handle;
  return kDone;
}
Error cudnnDestroy(Handle* handle) {
  delete handle;
  return kDone;
}
Error cudnnSetStream(Handle* handle, void* stream) {
  handle->stream = stream;
  return kDone;
}
Error cudnnBackendCreateDescriptor(int kind, Descriptor** descriptor) {
  *descriptor = new Descriptor;
  (*descriptor)->kind = kind;
  return kDone;
}
Error cudnnBackendDestroyDescriptor(Descriptor* descriptor) {
  delete descriptor;
  return kDone;
}
Error cudnnBackendSetAttribute(Descriptor* descriptor, int name, int type, std::int64_t count,
                               const void* values) {
  if (descriptor->finalized)
    return error(kBadParam, "said by the double of cuDNN: set after it was finalized");
  if (type == 15) { // descriptors
    auto& parts = descriptor->parts[name];
    parts.clear();
    for (std::int64_t i = 0; i < count; ++i) {
      const Descriptor* part = static_cast<Descriptor* const*>(values)[i];
      if (!part->finalized && part->kind != 3)
        return error(kBadParam, "said by the double of cuDNN: a part is not finalized");
      parts.push_back(*part);
    }
    return kDone;
  }
  const auto* bytes = static_cast<const unsigned char*>(values);
  descriptor->values[name].assign(bytes, bytes + static_cast<std::size_t>(count) * sizeOf(type));
  return kDone;
}
Error cudnnBackendFinalize(Descriptor* descriptor) {
  if (descriptor->kind == 5) { // a plan
    if (const Descriptor* configuration = descriptor->part(401)) {
      descriptor->json = jsonOf(configuration->parts.at(0).front());
    } else {
      const auto bytes = descriptor->list<char>(405);
      descriptor->json.assign(bytes.begin(), bytes.end());
      if (fails("plan")) return error(kNotSupported, "said by the double of cuDNN: the plan is refused");
      const std::string own = "{\"cudnnVersion\":" + std::to_string(versionHere()) + ",";
      if (!descriptor->json.starts_with(own))
        return error(kOtherVersion, "said by the double of cuDNN: a plan of another version");
      if (descriptor->json.find(profileHere() + "}") == std::string::npos)
        return error(kOtherDevice, "said by the double of cuDNN: a plan for another device");
    }
    descriptor->work = workOf(descriptor->json);
  }
  descriptor->finalized = true;
  return kDone;
}
Error cudnnBackendGetAttribute(Descriptor* descriptor, int name, int, std::int64_t room, std::int64_t* count,
                               void* values) {
  switch (name) {
  case 202: { // what the heuristics offer: configurations that know their engine and the operation
    const std::vector<int> engines =
        settings().get("engines", 1) > 0 ? std::vector{0, 2, 1} : std::vector{0, 2};
    *count = static_cast<std::int64_t>(engines.size());
    for (std::int64_t i = 0; values && i < std::min(room, *count); ++i) {
      Descriptor* configuration = static_cast<Descriptor**>(values)[i];
      configuration->parts[0] = {descriptor->part(201)->parts.at(801).front()};
      const std::int64_t engine = engines[static_cast<std::size_t>(i)];
      configuration->values[1301].assign(reinterpret_cast<const unsigned char*>(&engine),
                                         reinterpret_cast<const unsigned char*>(&engine + 1));
      configuration->finalized = true;
    }
    return kDone;
  }
  case 300: // the engine of a configuration
    *count = 1;
    (*static_cast<Descriptor**>(values))->values[1301] = descriptor->values[1301];
    return kDone;
  case 1301: {
    const auto engine = descriptor->list<std::int64_t>(1301);
    return give(room, count, values, engine.data(), 1, sizeof(std::int64_t));
  }
  case 1303: {
    const std::vector<int> notes = notesOf(static_cast<int>(descriptor->list<std::int64_t>(1301).at(0)));
    return give(room, count, values, notes.data(), notes.size(), sizeof(int));
  }
  case 1305:
    return give(room, count, values, nullptr, 0, sizeof(int));
  case 402:
    return give(room, count, values, &descriptor->work->workspace, 1, sizeof(std::int64_t));
  case 405:
    return give(room, count, values, descriptor->json.data(), descriptor->json.size(), 1);
  default:
    return error(kNotSupported, "said by the double of cuDNN: an attribute that it does not know");
  }
}
Error cudnnBackendExecute(Handle* handle, Descriptor* plan, Descriptor* pack) {
  if (fails("execute")) return error(kExecutionFailed, "said by the double of cuDNN: the call fails");
  static auto* enqueue = [] {
    void* driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    void* found = driver ? dlsym(driver, "cuLaunchHostFunc") : nullptr;
    if (!found) Settings::die("the double of the driver is not there");
    return reinterpret_cast<int (*)(void*, void (*)(void*), void*)>(found);
  }();
  const auto ids = pack->list<std::int64_t>(1000);
  const auto pointers = pack->list<void*>(1001);
  const auto workspace = pack->list<void*>(1003);
  if (ids != std::vector<std::int64_t>{1, 2, 3} || pointers.size() != 3 || workspace.size() != 1 ||
      (plan->work->workspace > 0 && !workspace[0]))
    return error(kBadParam, "said by the double of cuDNN: not the pointers of a convolution");
  // Graphs keep what they call as long as the process lives.
  static std::vector<std::unique_ptr<Call>> calls;
  calls.push_back(
      std::make_unique<Call>(Call{plan->work, {pointers[0], pointers[1], pointers[2]}, workspace[0]}));
  const int failed = enqueue(
      handle->stream,
      [](void* data) {
        const Call& call = *static_cast<Call*>(data);
        call.work->bf16 ? run<Bf16>(*call.work, call.pointers, call.workspace)
                        : run<float>(*call.work, call.pointers, call.workspace);
      },
      calls.back().get());
  return failed ? error(kExecutionFailed, "said by the double of cuDNN: the stream takes nothing") : kDone;
}

} // extern "C"
