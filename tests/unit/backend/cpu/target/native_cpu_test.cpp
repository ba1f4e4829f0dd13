// What `cpu:native` becomes on machines that are not this one.
#include "backend/cpu/target/NativeCpu.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace tailor::backend {
namespace {

llvm::StringMap<bool> machine_with(const std::vector<std::string>& features) {
  llvm::StringMap<bool> host;
  for (const std::string& feature : features)
    host[feature] = true;
  return host;
}

TEST(NativeCpu, AnUnknownNameGoesByItsInstructions) {
  // qemu-x86_64 -cpu max, and other virtual machines, are called so.
  for (const char* name : {"generic", "x86-64", "k8-sse3", "no-such-processor", ""}) {
    EXPECT_EQ(nativeCpu(name, machine_with(codeFeatures("x86-64-v3"))), "x86-64-v3") << name;
    EXPECT_EQ(nativeCpu(name, machine_with(codeFeatures("x86-64-v4"))), "x86-64-v4") << name;
    EXPECT_EQ(nativeCpu(name, machine_with(codeFeatures("znver4"))), "x86-64-v4") << name;
  }
}

TEST(NativeCpu, AKnownNameStandsIfTheMachineHasAllOfIt) {
  EXPECT_EQ(nativeCpu("znver4", machine_with(codeFeatures("znver4"))), "znver4");
  EXPECT_EQ(nativeCpu("haswell", machine_with(codeFeatures("haswell"))), "haswell");
  // Hidden by the hypervisor: all of AVX-512, or one set that code for the name would use.
  EXPECT_EQ(nativeCpu("znver4", machine_with(codeFeatures("znver3"))), "x86-64-v3");
  std::vector<std::string> most = codeFeatures("znver4");
  std::erase(most, "avx512vnni");
  EXPECT_EQ(nativeCpu("znver4", machine_with(most)), "x86-64-v4");
  // Wider than its name.
  EXPECT_EQ(nativeCpu("haswell", machine_with(codeFeatures("znver4"))), "x86-64-v4");
}

TEST(NativeCpu, FeaturesAreThoseOfTheCodeGenerator) {
  // Two lists of LLVM's differ in these.
  for (auto [cpu, feature] : {std::pair("alderlake", "avx2"), std::pair("znver4", "cmov")}) {
    const std::vector<std::string> features = codeFeatures(cpu);
    EXPECT_TRUE(std::find(features.begin(), features.end(), feature) != features.end()) << cpu << feature;
  }
  EXPECT_TRUE(codeFeatures("no-such-processor").empty());
}

TEST(NativeCpu, OlderMachinesHaveNone) {
  std::vector<std::string> most = codeFeatures("x86-64-v3");
  std::erase(most, "bmi2");
  EXPECT_EQ(nativeCpu("haswell", machine_with(most)), "");
  EXPECT_EQ(nativeCpu("ivybridge", machine_with(codeFeatures("ivybridge"))), "");
}

} // namespace
} // namespace tailor::backend
