// `--set-kernel PATTERN=ALGORITHM`: how convolutions are computed, instead of the target's own choice.
#pragma once

#include "backend/driver/Targets.h"

#include <string>
#include <string_view>
#include <vector>

namespace tailor::backend {

/// A pattern (`*` and `?`) names convolutions by any of
///
///   layer1.0.conv1                       the layer: the weight's name without its last part
///   layer1.0.conv1/conv2d_weight_grad    one of its ops: conv2d, conv2d_data_grad, conv2d_weight_grad
///   recipe.toml:13, net.cpp:40:12        the source line
///   conv2d_32x16x16x32_1f3a              the kernel, as `inspect --kernels` shows it
///
/// Of several patterns that match, the last counts; a kernel's name goes over the others.
class KernelChoices {
public:
  /// Errors   kInvalidArgument: no PATTERN=ALGORITHM, or an algorithm that the target has not.
  static runtime::Result<KernelChoices> read(const std::vector<std::string>& flags, const Target& target);

  /// In a module of phase `placed`, by layers and lines; before kernels that are equal become one.
  void choose(mlir::ModuleOp placed);
  /// In a module of phase `kernels`, by their names.
  void chooseKernels(mlir::ModuleOp kernels);

  /// kInvalidArgument for a pattern that nothing matched, with the names there are.
  [[nodiscard]] runtime::Status allMatched() const;

private:
  struct Choice {
    std::string flag, pattern, algorithm;
    bool matched = false;
  };
  void apply(mlir::Operation* convolution, llvm::ArrayRef<std::string> names);

  std::vector<Choice> choices_;
  std::vector<std::string> layers_, kernels_; ///< seen, for the hint
};

} // namespace tailor::backend
