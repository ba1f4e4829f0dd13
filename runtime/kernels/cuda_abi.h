#pragma once
// What the kernels of an artifact for target cuda are launched with.
//
// A kernel of a `launch` command takes the addresses of the command's operands in their order; its grid and block stand in the
// artifact. Three more kernels belong to every such artifact. A step is begin_step, the commands, finish_step; the device counts
// steps itself, so that a graph of one step may be launched many times:
//
//   begin_step(control, ring, counters, ring_length, stride, bytes)
//       row = counters[0] % ring_length; control[0, bytes) = ring[row * stride, ...); counters[1] = counters[0]
//   read_slot(destination, slots, number, stride, offset, bytes)
//       destination[0, bytes) = slots[*number * stride + offset, ...)
//   finish_step(metrics, ring, counters, ring_length, stride, bytes)
//       row = counters[1] % ring_length; ring[row * stride, ...) = metrics[0, bytes); counters[0] = counters[1] + 1
//
// Addresses and sizes are 64 bits wide; *number is an i32, counters are i64. Sizes, strides and offsets are in bytes; bytes that
// are no whole number of words of 4 are copied one by one. Two counters, so that no thread reads what another one writes.

#include <cstdint>
#include <string_view>

namespace tailor::runtime {

inline constexpr std::string_view kBeginStepKernel = "tailor_begin_step";
inline constexpr std::string_view kReadSlotKernel = "tailor_read_slot";
inline constexpr std::string_view kFinishStepKernel = "tailor_finish_step";
inline constexpr std::uint32_t kRuntimeKernelArguments = 6;
/// Threads of their blocks; rows are copied by one block, slots by as many as the host thinks fit.
inline constexpr std::uint32_t kRuntimeKernelThreads = 256;

} // namespace tailor::runtime
