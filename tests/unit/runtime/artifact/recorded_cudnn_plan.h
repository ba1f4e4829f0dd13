#pragma once
#include "runtime/artifact/spec.h"

namespace tailor::runtime {

/// What cuDNN 9.19 wrote of a plan for sm_90: y [1, 2, 2, 2] from x [1, 4, 4, 2] and w [2, 2, 3, 3], stride 2, one row
/// of padding above and one column to the right.
inline constexpr const char* kRecordedCudnnPlan =
    // clang-format off
    R"({"cudnnVersion":91900,"schemaVersion":4,"operationGraph":{"finalizeMode":"CONV_FORWARD","tensors":[{)"
    R"("name":"1","dataType":"CUDNN_DATA_FLOAT","dim":[1,2,4,4],"stride":[32,1,8,2],"isVirtual":false,"isBy)"
    R"(Value":false,"vectCount":1,"vectDim":-1,"ptrAlignment":16,"reordering":"CUDNN_TENSOR_REORDERING_NONE)"
    R"("},{"name":"2","dataType":"CUDNN_DATA_FLOAT","dim":[2,2,3,3],"stride":[18,9,3,1],"isVirtual":false,")"
    R"(isByValue":false,"vectCount":1,"vectDim":-1,"ptrAlignment":16,"reordering":"CUDNN_TENSOR_REORDERING_)"
    R"(NONE"},{"name":"3","dataType":"CUDNN_DATA_FLOAT","dim":[1,2,2,2],"stride":[8,1,4,2],"isVirtual":fals)"
    R"(e,"isByValue":false,"vectCount":1,"vectDim":-1,"ptrAlignment":16,"reordering":"CUDNN_TENSOR_REORDERI)"
    R"(NG_NONE"}],"nodes":[{"operation":"CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR","mode":"CU)"
    R"(DNN_CROSS_CORRELATION","mathPrec":"CUDNN_DATA_FLOAT","alpha":1.0,"beta":0.0,"pad_upper":[0,1],"pad_l)"
    R"(ower":[1,0],"stride":[2,2],"dilation":[1,1],"X":"1","W":"2","Y":"3"}]},"GPUProfile":{"maxGridSize":[)"
    R"(2147483647,65535,65535],"maxBlockSize":[1024,1024,64],"regsPerBlock":65536,"multiProcessorCount":132)"
    R"(,"warpSize":32,"maxSharedMemoryPerBlock":49152,"maxSharedMemoryPerBlockOptin":232448,"reservedShared)"
    R"(MemoryPerBlock":1024,"maxRegistersPerSM":65536,"maxCtasPerSM":32,"maxThreadsPerBlock":1024,"maxThrea)"
    R"(dsPerSM":2048,"pciDeviceId":0,"isTccDriver":0,"supportCoopLaunch":1,"totalGlobalMem":150000000000,"s)"
    R"(mClockRateKHz":1980000,"memClockRateKHz":3201000,"l2CacheSize":62914560,"cudaDeviceId":0,"deviceVer")"
    R"(:900,"driverVer":13000,"deviceName":"NVIDIA H200"},"engine":{"engineId":70,"smVersion":900,"knobChoi)"
    R"(ces":{"CUDNN_KNOB_TYPE_TILE_SIZE":12,"CUDNN_KNOB_TYPE_IDX_MODE":1}}})";
// clang-format on

/// The problem of it.
inline ConvPlan recorded_problem() {
  ConvPlan plan;
  plan.images = 1;
  plan.channels = plan.outputs = 2;
  plan.image = {4, 4};
  plan.output = {2, 2};
  plan.kernel = {3, 3};
  plan.strides = {2, 2};
  plan.padding_low = {1, 0};
  plan.padding_high = {0, 1};
  return plan;
}

inline LibraryPlan recorded_plan() {
  const std::string_view text = kRecordedCudnnPlan;
  return {"cudnn", "91900", {text.begin(), text.end()}, recorded_problem(), 70, 176};
}

} // namespace tailor::runtime
