#pragma once
// Which layer a convolution of a command list belongs to, how it is computed and what was fused into it.

#include "runtime/artifact/spec.h"

#include <string>
#include <vector>

namespace tailor::tools {

struct ConvolutionLayer {
  std::string layer; ///< "layer1.0.conv2", by its weight; empty if that is no state
  std::string
      product; ///< "forward", "data gradient", "weight gradient", several of a launch with "and"; empty: none
  std::string algorithm; ///< "winograd_4x4"
  std::string fused;     ///< "batch_norm_apply and relu in the loads"; empty if nothing is
};

/// Products an algorithm makes for each one of the direct sum, which flops are counted of: Winograd's F(4 x 4, 3 x 3) makes
/// 36 for 144, F(2 x 2, 3 x 3) 16 for 36, stride 2 81 for 144 (docs/convolutions.md). 1 for every other.
double products_share(const std::string& algorithm);

/// One entry per command of `variant`, read from its ops, its weights and the remarks of the passes.
std::vector<ConvolutionLayer> convolution_layers(const runtime::ArtifactSpec& spec,
                                                 const runtime::Variant& variant);

} // namespace tailor::tools
