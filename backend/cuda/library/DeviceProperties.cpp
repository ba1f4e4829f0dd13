#include "backend/cuda/library/DeviceProperties.h"

#include "llvm/ADT/STLExtras.h"

namespace tailor::backend::cuda {
namespace {

/// [guide]: table "Technical Specifications per Compute Capability" of NVIDIA's CUDA C++ Programming Guide 13.0.
/// [sheet]: the device's data sheet or architecture white paper, SXM form.
struct Device {
  const char *architecture, *name;
  long computeCapability; ///< 900 for sm_90
  long multiprocessors;   ///< [sheet] 108, 132, 148
  long memoryBytes;       ///< [sheet] 80, 141, 180 GB
  long l2Bytes;           ///< [sheet] 40, 60 and 126 MiB
  long clockKHz;          ///< of multiprocessors, at most [sheet]
  long memoryClockKHz;    ///< [sheet] bandwidth / (2 x bus): 2039, 4800, 8000 GB/s; 640, 768, 1024 bytes
  long sharedOptinBytes;  ///< of a block, at most [guide] 163, 227, 227 KiB
};
constexpr Device kDevices[] = {
    {"sm_80", "NVIDIA A100-SXM4-80GB", 800, 108, 80l * 1000 * 1000 * 1000, 40 << 20, 1410000, 1593000,
     163 << 10},
    {"sm_90", "NVIDIA H200", 900, 132, 141l * 1000 * 1000 * 1000, 60 << 20, 1980000, 3125000, 227 << 10},
    {"sm_100", "NVIDIA B200", 1000, 148, 180l * 1000 * 1000 * 1000, 126 << 20, 1965000, 3906000, 227 << 10}};

/// [guide] The same for all three: launches, registers and threads; 48 KiB of shared memory without asking, of which the
/// driver keeps 1 KiB a block. Bus, driver (CUDA 13.0) and ordinal are those of a plain machine.
constexpr const char* kCommon =
    R"("maxGridSize": [2147483647, 65535, 65535], "maxBlockSize": [1024, 1024, 64], "warpSize": 32, )"
    R"("regsPerBlock": 65536, "maxRegistersPerSM": 65536, "maxThreadsPerBlock": 1024, "maxThreadsPerSM": 2048, )"
    R"("maxCtasPerSM": 32, "maxSharedMemoryPerBlock": 49152, "reservedSharedMemoryPerBlock": 1024, )"
    R"("supportCoopLaunch": 1, "isTccDriver": 0, "pciDeviceId": 0, "cudaDeviceId": 0, "driverVer": 13000)";

} // namespace

std::string devicePropertiesOf(llvm::StringRef architecture) {
  const Device* device =
      llvm::find_if(kDevices, [&](const Device& known) { return known.architecture == architecture; });
  if (device == std::end(kDevices)) return "";
  std::string json = std::string("{\"deviceName\": \"") + device->name + "\", " + kCommon;
  auto add = [&](const char* key, long value) {
    json += std::string(", \"") + key + "\": " + std::to_string(value);
  };
  add("deviceVer", device->computeCapability);
  add("multiProcessorCount", device->multiprocessors);
  add("totalGlobalMem", device->memoryBytes);
  add("l2CacheSize", device->l2Bytes);
  add("smClockRateKHz", device->clockKHz);
  add("memClockRateKHz", device->memoryClockKHz);
  add("maxSharedMemoryPerBlockOptin", device->sharedOptinBytes);
  return json + "}";
}

} // namespace tailor::backend::cuda
