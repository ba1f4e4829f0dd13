#pragma once

#include "frontend/components/head.h"
#include "frontend/nn/activation.h"
#include "frontend/nn/batch_norm.h"
#include "frontend/nn/dropout.h"
#include "frontend/nn/linear.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace tailor::models {

struct MlpOptions {
  std::int64_t numeric_columns = 0;
  std::vector<std::int64_t> category_sizes = {}; ///< one-hot, one block per column
  std::vector<std::int64_t> layers = {64, 64};
  std::int64_t outputs = 2; ///< K, or 1 for the one-logit form
  nn::Activation activation = nn::Activation::relu;
  bool batch_norm = false;
  double dropout = 0;
  Head head = Head::linear;
};

/// [Linear, (BatchNorm), activation, (Dropout)] x n, Linear. Numeric columns and one-hot categories are the
/// inputs. The last layer may be one of cosines (methods.md 2.4).
///
/// Names    fc0.weight, bn0.weight, ..., head.weight.
/// Init     U(+-1/sqrt(fan_in)).
/// Source   methods.md 11.3 (MLP).
class Mlp : public nn::Module {
public:
  explicit Mlp(const MlpOptions& options);

  /// Numbers and one-hot categories side by side: [N, inputs].
  Array inputs(const Batch& batch) const;
  /// Output of the last hidden layer: [N, layers.back()].
  Array features(const Batch& batch, const Context& context,
                 const std::source_location& where = std::source_location::current());
  /// The last layer on what features() gave: logits [N, outputs]; [N] when outputs is 1.
  Array logits(const Array& features, const Context& context,
               const std::source_location& where = std::source_location::current());
  /// logits(features()), of a batch or of what inputs() gave.
  Array operator()(const Batch& batch, const Context& context,
                   const std::source_location& where = std::source_location::current());
  Array operator()(const Array& inputs, const Context& context,
                   const std::source_location& where = std::source_location::current());

private:
  struct Block {
    Block(std::int64_t in, std::int64_t out, const MlpOptions& options);
    nn::Linear linear;
    std::unique_ptr<nn::BatchNorm> norm;
    nn::Dropout dropout;
  };
  Array hidden(Array x, const Context& context);

  MlpOptions options_;
  std::vector<std::unique_ptr<Block>> blocks_;
  std::unique_ptr<nn::Layer> head_;
};

} // namespace tailor::models
