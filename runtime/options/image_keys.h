#pragma once
#include "runtime/options/key_set.h"

#include <vector>

namespace tailor::runtime {

/// How the bytes of images are normalised: DataSchema::image_mean.
struct ImageKeys {
  std::vector<double> mean;
  std::vector<double> deviation;

  static const KeySet<ImageKeys>& keys();
};

} // namespace tailor::runtime
