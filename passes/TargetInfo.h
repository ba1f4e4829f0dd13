// What a target can do, as plain data: passes ask this struct and never a backend.
#pragma once

#include <cstdint>
#include <string>

namespace tailor::passes {

struct TargetInfo {
  std::string name = "reference";    ///< as the user wrote it: "cpu:x86-64-v4", "reference"
  std::string backend = "reference"; ///< part before the colon
  std::string processor;             ///< part after the colon, empty for the reference
  int64_t vectorBytes = 32;          ///< width of one vector register
  int64_t vectorRegisters = 16;
  int64_t cacheLineBytes = 64; ///< alignment of every buffer and of every parameter in its group
  int64_t l1DataBytes = 32 << 10;
  int64_t l2Bytes = 1 << 20;
  bool nativeBf16 = false; ///< conversions and dot products in hardware
};

} // namespace tailor::passes
