#pragma once
#include "runtime/base/result.h"

#include <cstddef>
#include <cstdint>

namespace tailor::runtime {

/// The entry points of NVIDIA's driver that the runtime uses, found when they are first needed: nothing links the driver, so
/// programs for other targets never open it. Types are those of the driver's documented binary interface.
class CudaDriver {
public:
  using Error = int; ///< 0: done
  using Device = int;
  using Address = std::uint64_t;
  struct ContextHandle;
  struct ModuleHandle;
  struct FunctionHandle;
  struct StreamHandle;
  struct GraphHandle;
  struct GraphExecHandle;

  /// The driver of this machine, opened once and ready.
  /// Errors   kIncompatible: there is no driver, no device, or the driver is too old; what was looked for and found.
  static Result<const CudaDriver*> open();

  /// kResourceExhausted where the device has no memory, else kIncompatible: the driver's own words and what was asked of it.
  Status check(Error error, const char* what) const;

  // Named after the driver's functions. The suffixes are versions of their interface.
  Error (*init)(unsigned flags);
  Error (*device_get_count)(int* count);
  Error (*device_get)(Device* device, int ordinal);
  Error (*device_get_name)(char* name, int length, Device device);
  Error (*device_get_attribute)(int* value, int attribute, Device device);
  Error (*primary_ctx_retain)(ContextHandle** context, Device device);
  Error (*primary_ctx_release)(Device device); // v2
  Error (*ctx_set_current)(ContextHandle* context);
  Error (*module_load_data_ex)(ModuleHandle** module, const void* image, unsigned num_options, int* options,
                               void** values);
  Error (*module_unload)(ModuleHandle* module);
  Error (*module_get_function)(FunctionHandle** function, ModuleHandle* module, const char* name);
  Error (*launch_kernel)(FunctionHandle* function, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                         unsigned block_x, unsigned block_y, unsigned block_z, unsigned shared_bytes,
                         StreamHandle* stream, void** parameters, void** extra);
  Error (*mem_get_info)(std::size_t* free, std::size_t* total);              // v2
  Error (*mem_alloc)(Address* address, std::size_t bytes);                   // v2
  Error (*mem_free)(Address address);                                        // v2
  Error (*mem_host_register)(void* host, std::size_t bytes, unsigned flags); // v2
  Error (*mem_host_unregister)(void* host);
  Error (*mem_host_get_device_pointer)(Address* address, void* host, unsigned flags); // v2
  Error (*memcpy_htod_async)(Address destination, const void* source, std::size_t bytes,
                             StreamHandle* stream); // v2
  Error (*memcpy_dtoh_async)(void* destination, Address source, std::size_t bytes,
                             StreamHandle* stream); // v2
  Error (*memcpy_dtod_async)(Address destination, Address source, std::size_t bytes,
                             StreamHandle* stream); // v2
  Error (*memset_d32_async)(Address destination, unsigned word, std::size_t count, StreamHandle* stream);
  Error (*memset_d8_async)(Address destination, unsigned char byte, std::size_t count, StreamHandle* stream);
  Error (*stream_create)(StreamHandle** stream, unsigned flags);
  Error (*stream_destroy)(StreamHandle* stream); // v2
  Error (*stream_synchronize)(StreamHandle* stream);
  Error (*stream_begin_capture)(StreamHandle* stream, int mode); // v2
  Error (*stream_end_capture)(StreamHandle* stream, GraphHandle** graph);
  Error (*graph_instantiate)(GraphExecHandle** exec, GraphHandle* graph,
                             unsigned long long flags); // WithFlags
  Error (*graph_launch)(GraphExecHandle* exec, StreamHandle* stream);
  Error (*graph_destroy)(GraphHandle* graph);
  Error (*graph_exec_destroy)(GraphExecHandle* exec);
  Error (*get_error_name)(Error error, const char** name);
  Error (*get_error_string)(Error error, const char** text);

  // Values of the driver's enumerations.
  static constexpr Error kOutOfMemory = 2;
  static constexpr int kComputeCapabilityMajor = 75, kComputeCapabilityMinor = 76;
  static constexpr unsigned kStreamNonBlocking = 1;
  static constexpr int kCaptureThreadLocal = 1, kCaptureRelaxed = 2;
  static constexpr unsigned kHostRegisterPortable = 1, kHostRegisterDeviceMap = 2;
  static constexpr int kJitErrorLogBuffer = 5, kJitErrorLogBytes = 6;

private:
  Status load(void* library);
};

} // namespace tailor::runtime
