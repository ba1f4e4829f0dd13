// A double of NVIDIA's driver, libcuda.so.1 for tests: the entry points that runtime/device/cuda_driver.h asks for, on the CPU.
//
// TAILOR_CUDA_DOUBLE_IR names the LLVM IR that the PTX of a module was made of (tailor compile --emit llvm), or a folder with such
// files (*.ll); PTX that was made of other IR is refused, so stale code is an error. Work on a stream runs when the host waits for it and not before, so a
// missing wait shows; nothing runs while a stream is captured.
//
// TAILOR_CUDA_DOUBLE is a list of words with commas between:
//   order=forward|reverse|random   of blocks and threads
//   version=11080                  what the driver says it is
//   devices=0                      how many there are
//   sm=80                          the device's architecture (100 by default: runs everything)
//   free=N                         bytes of free memory
//   check=1                        kernels are watched: accesses outside of an operand, reads of what nobody wrote, races (watch.h)
//   alloc@n, launch@n   the n-th (from 1) allocation or kernel fails
//   graph@n             the device is lost in the n-th graph: the wait behind it fails, and all that follows

#include "backend/cuda/PtxEmission.h"
#include "tests/cuda_double/retarget.h"
#include "tests/cuda_double/settings.h"
#include "tests/cuda_double/simulator.h"
#include "tests/cuda_double/watch.h"

#include "llvm/AsmParser/Parser.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/SourceMgr.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

namespace {

using tailor::backend::testing::fails;
using tailor::backend::testing::HostKernels;
using tailor::backend::testing::Order;
using tailor::backend::testing::settings;
using tailor::backend::testing::Settings;
using tailor::backend::testing::watch;

using Error = int;
constexpr Error kDone = 0, kInvalidValue = 1, kOutOfMemory = 2, kNoDevice = 100, kInvalidPtx = 218,
                kNotFound = 500, kLaunchFailed = 719, kCaptureViolated = 901;

Order orderOfBlocks() {
  const std::string& order = settings().order;
  return order == "reverse" ? Order::reverse : order == "random" ? Order::random : Order::forward;
}

bool isWatched() {
  return settings().get("check", 0) != 0;
}

/// Bytes of the device that somebody other than a kernel has written.
void noteWritten(uint64_t address, size_t bytes) {
  if (isWatched()) watch().written(address, bytes);
}

bool lost = false; ///< nothing works any more

using Work = std::function<void()>;

} // namespace

// The handles of the interface.
struct Stream {
  std::vector<Work> queue, captured;
  bool capturing = false;
};
struct Graph {
  std::vector<Work> nodes;
};
struct Module {
  std::unique_ptr<HostKernels> kernels;
};
struct Function {
  const HostKernels* kernels;
  const HostKernels::Kernel* kernel;
  std::string name;
};

namespace {

Error enqueue(Stream* stream, Work work) {
  if (lost) return kLaunchFailed;
  (stream->capturing ? stream->captured : stream->queue).push_back(std::move(work));
  return kDone;
}

std::string readFile(const std::filesystem::path& path) {
  std::ifstream file(path);
  if (!file) Settings::die("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The host's form of the kernels in `ptx` if they are those of the LLVM IR in `text`, else null.
std::unique_ptr<HostKernels> kernelsOf(const std::string& ptx, const std::string& text) {
  llvm::LLVMContext context;
  llvm::SMDiagnostic diagnostic;
  std::unique_ptr<llvm::Module> module = llvm::parseAssemblyString(text, diagnostic, context);
  if (!module || !ptx.starts_with(tailor::backend::cuda::stampOf(*module))) return nullptr;
  return std::make_unique<HostKernels>(text, isWatched());
}

/// The same from TAILOR_CUDA_DOUBLE_IR.
std::unique_ptr<HostKernels> kernelsOf(const std::string& ptx) {
  const char* path = std::getenv("TAILOR_CUDA_DOUBLE_IR");
  if (!path) Settings::die("TAILOR_CUDA_DOUBLE_IR is not set");
  if (!std::filesystem::is_directory(path)) return kernelsOf(ptx, readFile(path));
  for (const auto& entry : std::filesystem::directory_iterator(path))
    if (entry.path().extension() == ".ll")
      if (auto found = kernelsOf(ptx, readFile(entry.path()))) return found;
  return nullptr;
}

} // namespace

extern "C" {

Error cuInit(unsigned) {
  return settings().get("devices", 1) > 0 ? kDone : kNoDevice;
}
Error cuDriverGetVersion(int* version) {
  *version = static_cast<int>(settings().get("version", 13000));
  return kDone;
}
Error cuDeviceGetCount(int* count) {
  *count = static_cast<int>(settings().get("devices", 1));
  return kDone;
}
Error cuDeviceGet(int* device, int ordinal) {
  *device = ordinal;
  return ordinal == 0 ? kDone : kInvalidValue;
}
Error cuDeviceGetName(char* name, int length, int) {
  std::snprintf(name, static_cast<size_t>(length), "simulated device");
  return kDone;
}
Error cuDeviceGetAttribute(int* value, int attribute, int) {
  const long sm = settings().get("sm", 100);
  if (attribute != 75 && attribute != 76) return kInvalidValue;
  *value = static_cast<int>(attribute == 75 ? sm / 10 : sm % 10);
  return kDone;
}
Error cuDevicePrimaryCtxRetain(void** context, int) {
  static int one;
  *context = &one;
  return kDone;
}
Error cuDevicePrimaryCtxRelease_v2(int) {
  return kDone;
}
Error cuCtxSetCurrent(void*) {
  return kDone;
}
Error cuModuleLoadDataEx(Module** module, const void* image, unsigned numOptions, int* options,
                         void** values) {
  auto loaded = std::make_unique<Module>();
  try {
    loaded->kernels = kernelsOf(static_cast<const char*>(image));
  } catch (const std::exception& exception) {
    Settings::die(exception.what());
  }
  if (!loaded->kernels) {
    for (unsigned i = 0; i < numOptions; ++i)
      if (options[i] == 5) std::strcpy(static_cast<char*>(values[i]), "not the PTX of TAILOR_CUDA_DOUBLE_IR");
    return kInvalidPtx;
  }
  *module = loaded.release();
  return kDone;
}
Error cuModuleUnload(Module* module) {
  delete module;
  return kDone;
}
Error cuModuleGetFunction(Function** function, Module* module, const char* name) {
  static std::map<std::pair<Module*, std::string>, Function> functions;
  try {
    Function& found = functions[{module, name}];
    found.kernels = module->kernels.get();
    found.kernel = &found.kernels->kernel(name);
    found.name = name;
    *function = &found;
    return kDone;
  } catch (const std::exception&) {
    return kNotFound;
  }
}
Error cuLaunchKernel(Function* function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX,
                     unsigned blockY, unsigned blockZ, unsigned sharedBytes, Stream* stream,
                     void** parameters, void** extra) {
  if (fails("launch")) return kLaunchFailed;
  if (gridX == 0 || gridY != 1 || gridZ != 1 || blockX == 0 || blockX > 1024 || blockY != 1 || blockZ != 1 ||
      sharedBytes != 0 || extra || (function->kernel->threads != 0 && function->kernel->threads != blockX))
    return kInvalidValue;
  std::vector<uint64_t> arguments; // taken now, as the driver does
  for (unsigned i = 0; i < function->kernel->numArguments; ++i)
    std::memcpy(&arguments.emplace_back(), parameters[i], sizeof(uint64_t));
  return enqueue(stream, [function, gridX, blockX, arguments] {
    function->kernels->launch(function->name, gridX, blockX, orderOfBlocks(), arguments);
  });
}
Error cuMemGetInfo_v2(size_t* free, size_t* total) {
  *total = size_t{1} << 34;
  *free = static_cast<size_t>(settings().get("free", 1l << 34));
  return kDone;
}
Error cuMemAlloc_v2(uint64_t* address, size_t bytes) {
  if (fails("alloc")) return kOutOfMemory;
  void* memory = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
  if (!memory) return kOutOfMemory;
  std::memset(memory, 0xFF, bytes); // no number: what nobody wrote shows
  *address = reinterpret_cast<uint64_t>(memory);
  if (isWatched()) watch().allocate(*address, bytes);
  return kDone;
}
Error cuMemFree_v2(uint64_t address) {
  if (isWatched()) watch().release(address);
  std::free(reinterpret_cast<void*>(address));
  return kDone;
}
Error cuMemHostRegister_v2(void* host, size_t, unsigned) {
  return reinterpret_cast<uint64_t>(host) % 4096 == 0 ? kDone : kInvalidValue;
}
Error cuMemHostUnregister(void*) {
  return kDone;
}
Error cuMemHostGetDevicePointer_v2(uint64_t* address, void* host, unsigned) {
  *address = reinterpret_cast<uint64_t>(host);
  return kDone;
}
// The host's bytes are read when the copy runs: who lets go of them before waiting loses them, as with pinned memory.
Error cuMemcpyHtoDAsync_v2(uint64_t destination, const void* source, size_t bytes, Stream* stream) {
  return enqueue(stream, [=] {
    std::memcpy(reinterpret_cast<void*>(destination), source, bytes);
    noteWritten(destination, bytes);
  });
}
Error cuMemcpyDtoHAsync_v2(void* destination, uint64_t source, size_t bytes, Stream* stream) {
  return enqueue(stream, [=] { std::memcpy(destination, reinterpret_cast<void*>(source), bytes); });
}
Error cuMemcpyDtoDAsync_v2(uint64_t destination, uint64_t source, size_t bytes, Stream* stream) {
  return enqueue(stream, [=] {
    std::memmove(reinterpret_cast<void*>(destination), reinterpret_cast<void*>(source), bytes);
    noteWritten(destination, bytes);
  });
}
Error cuMemsetD32Async(uint64_t destination, unsigned word, size_t count, Stream* stream) {
  return enqueue(stream, [=] {
    std::fill_n(reinterpret_cast<unsigned*>(destination), count, word);
    noteWritten(destination, count * sizeof word);
  });
}
Error cuMemsetD8Async(uint64_t destination, unsigned char byte, size_t count, Stream* stream) {
  return enqueue(stream, [=] {
    std::memset(reinterpret_cast<void*>(destination), byte, count);
    noteWritten(destination, count);
  });
}
/// A node of a graph too, as libraries enqueue theirs.
Error cuLaunchHostFunc(Stream* stream, void (*function)(void*), void* data) {
  return enqueue(stream, [=] {
    function(data);
    if (isWatched()) watch().everythingWritten();
  });
}
Error cuStreamCreate(Stream** stream, unsigned) {
  *stream = new Stream;
  return kDone;
}
Error cuStreamDestroy_v2(Stream* stream) {
  delete stream;
  return kDone;
}
Error cuStreamSynchronize(Stream* stream) {
  if (stream->capturing) return kCaptureViolated;
  if (lost) return kLaunchFailed;
  try {
    for (const Work& work : stream->queue)
      work();
  } catch (const std::exception& exception) {
    Settings::die(exception.what());
  }
  stream->queue.clear();
  return kDone;
}
Error cuStreamBeginCapture_v2(Stream* stream, int) {
  stream->capturing = true;
  stream->captured.clear();
  return kDone;
}
Error cuStreamEndCapture(Stream* stream, Graph** graph) {
  stream->capturing = false;
  *graph = new Graph{std::move(stream->captured)};
  return kDone;
}
Error cuGraphInstantiateWithFlags(Graph** exec, Graph* graph, unsigned long long) {
  *exec = new Graph(*graph);
  return kDone;
}
Error cuGraphLaunch(Graph* exec, Stream* stream) {
  if (fails("graph")) {
    lost = true;
    return kDone; // only a wait finds out
  }
  for (const Work& node : exec->nodes)
    if (Error error = enqueue(stream, node)) return error;
  return kDone;
}
Error cuGraphDestroy(Graph* graph) {
  delete graph;
  return kDone;
}
Error cuGraphExecDestroy(Graph* exec) {
  delete exec;
  return kDone;
}
Error cuGetErrorName(Error error, const char** name) {
  static const std::map<Error, const char*> names{
      {kInvalidValue, "CUDA_ERROR_INVALID_VALUE"},
      {kOutOfMemory, "CUDA_ERROR_OUT_OF_MEMORY"},
      {kNoDevice, "CUDA_ERROR_NO_DEVICE"},
      {kInvalidPtx, "CUDA_ERROR_INVALID_PTX"},
      {kNotFound, "CUDA_ERROR_NOT_FOUND"},
      {kLaunchFailed, "CUDA_ERROR_LAUNCH_FAILED"},
      {kCaptureViolated, "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED"}};
  auto found = names.find(error);
  *name = found == names.end() ? nullptr : found->second;
  return found == names.end() ? kInvalidValue : kDone;
}
Error cuGetErrorString(Error, const char** text) {
  *text = "said by the double of the driver";
  return kDone;
}

} // extern "C"
