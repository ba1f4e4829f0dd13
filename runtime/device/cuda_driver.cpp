#include "runtime/device/cuda_driver.h"

#include <dlfcn.h>
#include <mutex>
#include <optional>

namespace tailor::runtime {
namespace {

constexpr const char* kLibrary = "libcuda.so.1";

/// PTX 8.0, the oldest that artifacts hold, and graphs that are instantiated with flags.
constexpr int kOldestVersion = 12000;

std::string version_text(int version) {
  return concat(version / 1000, ".", version % 1000 / 10);
}

} // namespace

Status CudaDriver::load(void* library) {
  Status missing;
  const auto address_of = [&](const char* name) {
    void* address = dlsym(library, name);
    if (!address && missing.ok())
      missing = incompatible("the NVIDIA driver has no '", name, "', which this runtime needs")
                    .with_hint(concat("use a driver for CUDA ", version_text(kOldestVersion), " or newer"));
    return address;
  };
  const auto find = [&](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(address_of(name));
  };
  find(init, "cuInit");
  find(device_get_count, "cuDeviceGetCount");
  find(device_get, "cuDeviceGet");
  find(device_get_name, "cuDeviceGetName");
  find(device_get_attribute, "cuDeviceGetAttribute");
  find(primary_ctx_retain, "cuDevicePrimaryCtxRetain");
  find(primary_ctx_release, "cuDevicePrimaryCtxRelease_v2");
  find(ctx_set_current, "cuCtxSetCurrent");
  find(module_load_data_ex, "cuModuleLoadDataEx");
  find(module_unload, "cuModuleUnload");
  find(module_get_function, "cuModuleGetFunction");
  find(launch_kernel, "cuLaunchKernel");
  find(mem_get_info, "cuMemGetInfo_v2");
  find(mem_alloc, "cuMemAlloc_v2");
  find(mem_free, "cuMemFree_v2");
  find(mem_host_register, "cuMemHostRegister_v2");
  find(mem_host_unregister, "cuMemHostUnregister");
  find(mem_host_get_device_pointer, "cuMemHostGetDevicePointer_v2");
  find(memcpy_htod_async, "cuMemcpyHtoDAsync_v2");
  find(memcpy_dtoh_async, "cuMemcpyDtoHAsync_v2");
  find(memcpy_dtod_async, "cuMemcpyDtoDAsync_v2");
  find(memset_d32_async, "cuMemsetD32Async");
  find(memset_d8_async, "cuMemsetD8Async");
  find(stream_create, "cuStreamCreate");
  find(stream_destroy, "cuStreamDestroy_v2");
  find(stream_synchronize, "cuStreamSynchronize");
  find(stream_begin_capture, "cuStreamBeginCapture_v2");
  find(stream_end_capture, "cuStreamEndCapture");
  find(graph_instantiate, "cuGraphInstantiateWithFlags");
  find(graph_launch, "cuGraphLaunch");
  find(graph_destroy, "cuGraphDestroy");
  find(graph_exec_destroy, "cuGraphExecDestroy");
  find(get_error_name, "cuGetErrorName");
  find(get_error_string, "cuGetErrorString");
  return missing;
}

Result<const CudaDriver*> CudaDriver::open() {
  static std::mutex mutex;
  static std::optional<CudaDriver> driver;
  const std::lock_guard lock(mutex);
  if (driver) return &*driver;
  void* library = dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char* why = dlerror();
    return incompatible("no NVIDIA driver: ", why ? why : kLibrary)
        .with_hint("run it where nvidia-smi shows a device, or compile the program for target cpu");
  }
  CudaDriver found;
  int version = 0;
  // The version comes first: an old driver lacks functions, and its number says more than their names.
  if (auto get = reinterpret_cast<Error (*)(int*)>(dlsym(library, "cuDriverGetVersion"))) get(&version);
  if (version < kOldestVersion)
    return incompatible("the NVIDIA driver is for CUDA ", version_text(version), ", this runtime needs ",
                        version_text(kOldestVersion), " or newer")
        .with_hint("install a newer NVIDIA driver");
  TAILOR_RETURN_IF_ERROR_AS_IS(found.load(library));
  int devices = 0;
  const Error started = found.init(0);
  if (started == 0)
    TAILOR_RETURN_IF_ERROR_AS_IS(found.check(found.device_get_count(&devices), "counting devices"));
  if (started != 0 || devices == 0) {
    const Status why = found.check(started, "starting the NVIDIA driver");
    return incompatible(started != 0 ? why.message() : std::string("the NVIDIA driver knows no device"))
        .with_hint("run it where nvidia-smi shows a device, or compile the program for target cpu");
  }
  driver = found;
  return &*driver;
}

Status CudaDriver::check(Error error, const char* what) const {
  if (error == 0) return {};
  const char *name = nullptr, *text = nullptr;
  get_error_name(error, &name);
  get_error_string(error, &text);
  const std::string message =
      concat(what, ": ", name ? name : "unknown error", " (", error, ")", text ? concat(", ", text) : "");
  return error == kOutOfMemory ? resource_exhausted(message) : incompatible(message);
}

} // namespace tailor::runtime
