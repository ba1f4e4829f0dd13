#include "runtime/device/cpu_features.h"

#include <algorithm>
#include <cstdint>
#include <iterator>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace tailor::runtime {
#if defined(__x86_64__)
namespace {

enum class Register { kEax, kEbx, kEcx, kEdx };
/// Register state the operating system must save for the instructions to be usable.
enum class Saves { kNothing, kYmm, kZmm };

struct Feature {
  const char* name;
  unsigned leaf, subleaf;
  Register where;
  int bit;
  Saves saves = Saves::kNothing;
};

// Intel SDM volume 2, CPUID; AMD APM volume 3, appendix E.
constexpr Feature kFeatures[] = {
    {"cx8", 1, 0, Register::kEdx, 8},
    {"cmov", 1, 0, Register::kEdx, 15},
    {"mmx", 1, 0, Register::kEdx, 23},
    {"fxsr", 1, 0, Register::kEdx, 24},
    {"sse", 1, 0, Register::kEdx, 25},
    {"sse2", 1, 0, Register::kEdx, 26},
    {"sse3", 1, 0, Register::kEcx, 0},
    {"pclmul", 1, 0, Register::kEcx, 1},
    {"ssse3", 1, 0, Register::kEcx, 9},
    {"fma", 1, 0, Register::kEcx, 12, Saves::kYmm},
    {"cx16", 1, 0, Register::kEcx, 13},
    {"sse4.1", 1, 0, Register::kEcx, 19},
    {"sse4.2", 1, 0, Register::kEcx, 20},
    {"crc32", 1, 0, Register::kEcx, 20},
    {"movbe", 1, 0, Register::kEcx, 22},
    {"popcnt", 1, 0, Register::kEcx, 23},
    {"aes", 1, 0, Register::kEcx, 25},
    {"avx", 1, 0, Register::kEcx, 28, Saves::kYmm},
    {"f16c", 1, 0, Register::kEcx, 29, Saves::kYmm},
    {"bmi", 7, 0, Register::kEbx, 3},
    {"avx2", 7, 0, Register::kEbx, 5, Saves::kYmm},
    {"bmi2", 7, 0, Register::kEbx, 8},
    {"avx512f", 7, 0, Register::kEbx, 16, Saves::kZmm},
    {"avx512dq", 7, 0, Register::kEbx, 17, Saves::kZmm},
    {"adx", 7, 0, Register::kEbx, 19},
    {"avx512ifma", 7, 0, Register::kEbx, 21, Saves::kZmm},
    {"avx512cd", 7, 0, Register::kEbx, 28, Saves::kZmm},
    {"avx512bw", 7, 0, Register::kEbx, 30, Saves::kZmm},
    {"avx512vl", 7, 0, Register::kEbx, 31, Saves::kZmm},
    {"avx512vbmi", 7, 0, Register::kEcx, 1, Saves::kZmm},
    {"avx512vbmi2", 7, 0, Register::kEcx, 6, Saves::kZmm},
    {"gfni", 7, 0, Register::kEcx, 8},
    {"vaes", 7, 0, Register::kEcx, 9, Saves::kYmm},
    {"vpclmulqdq", 7, 0, Register::kEcx, 10, Saves::kYmm},
    {"avx512vnni", 7, 0, Register::kEcx, 11, Saves::kZmm},
    {"avx512bitalg", 7, 0, Register::kEcx, 12, Saves::kZmm},
    {"avx512vpopcntdq", 7, 0, Register::kEcx, 14, Saves::kZmm},
    {"avx512fp16", 7, 0, Register::kEdx, 23, Saves::kZmm},
    {"avxvnni", 7, 1, Register::kEax, 4, Saves::kYmm},
    {"avx512bf16", 7, 1, Register::kEax, 5, Saves::kZmm},
    {"sahf", 0x80000001u, 0, Register::kEcx, 0},
    {"lzcnt", 0x80000001u, 0, Register::kEcx, 5},
    {"sse4a", 0x80000001u, 0, Register::kEcx, 6},
    {"prfchw", 0x80000001u, 0, Register::kEcx, 8},
    {"64bit", 0x80000001u, 0, Register::kEdx, 29},
};

/// XCR0: which register state the operating system saves.
std::uint64_t saved_register_state() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  constexpr unsigned kOsxsave = 1u << 27;
  if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & kOsxsave)) return 0;
  unsigned low = 0, high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low | static_cast<std::uint64_t>(high) << 32;
}

bool host_has(const Feature& feature) {
  unsigned registers[4] = {};
  if (!__get_cpuid_count(feature.leaf, feature.subleaf, &registers[0], &registers[1], &registers[2],
                         &registers[3]))
    return false;
  if (!(registers[static_cast<int>(feature.where)] >> feature.bit & 1)) return false;
  constexpr std::uint64_t kYmmState = 0x6, kZmmState = 0xE6;
  const std::uint64_t needed = feature.saves == Saves::kZmm   ? kZmmState
                               : feature.saves == Saves::kYmm ? kYmmState
                                                              : 0;
  return (saved_register_state() & needed) == needed;
}

const Feature* find_feature(const std::string& name) {
  const auto found = std::find_if(std::begin(kFeatures), std::end(kFeatures),
                                  [&](const Feature& f) { return name == f.name; });
  return found == std::end(kFeatures) ? nullptr : found;
}

} // namespace

Status check_host_features(const std::vector<std::string>& features) {
  std::string missing;
  for (const std::string& name : features) {
    const Feature* feature = find_feature(name);
    if (!feature) return incompatible("this runtime cannot tell whether the CPU has '", name, "'");
    if (!host_has(*feature)) missing += (missing.empty() ? "" : ", ") + name;
  }
  if (missing.empty()) return {};
  return incompatible("this CPU lacks ", missing);
}
#else
Status check_host_features(const std::vector<std::string>& features) {
  if (features.empty()) return {};
  return incompatible("the code is for x86-64 (", features.front(),
                      "), this machine is another architecture");
}
#endif

} // namespace tailor::runtime
