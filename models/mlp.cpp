#include "models/mlp.h"

#include "frontend/nn/categorical.h"
#include "frontend/ops/shaping.h"

#include <numeric>

namespace tailor::models {

namespace {

std::int64_t input_width(const MlpOptions& options) {
  return std::accumulate(options.category_sizes.begin(), options.category_sizes.end(),
                         options.numeric_columns);
}

std::int64_t last_width(const MlpOptions& options) {
  return options.layers.empty() ? input_width(options) : options.layers.back();
}

} // namespace

Mlp::Block::Block(std::int64_t in, std::int64_t out, const MlpOptions& options)
    : linear(in, out), norm(options.batch_norm ? std::make_unique<nn::BatchNorm>(out) : nullptr),
      dropout(options.dropout) {}

Mlp::Mlp(const MlpOptions& options) : options_(options), head_(last_width(options), options.outputs) {
  std::int64_t width = input_width(options);
  for (std::size_t i = 0; i < options.layers.size(); ++i) {
    blocks_.push_back(std::make_unique<Block>(width, options.layers[i], options));
    add("fc" + std::to_string(i), blocks_.back()->linear);
    if (blocks_.back()->norm) add("bn" + std::to_string(i), *blocks_.back()->norm);
    width = options.layers[i];
  }
  add("head", head_);
}

Array Mlp::inputs(const Batch& batch) const {
  std::vector<Array> parts;
  if (options_.numeric_columns > 0) parts.push_back(batch.numeric);
  if (!options_.category_sizes.empty())
    parts.push_back(nn::one_hot_columns(batch.category, options_.category_sizes));
  return concat(parts, 1);
}

Array Mlp::features(const Batch& batch, const Context& context, const std::source_location& where) {
  LocationScope scope(make_location(where));
  Array x = inputs(batch);
  for (const std::unique_ptr<Block>& block : blocks_) {
    x = block->linear(x, context);
    if (block->norm) x = (*block->norm)(x, context);
    x = block->dropout(nn::activate(options_.activation, x), context);
  }
  return x;
}

Array Mlp::logits(const Array& features, const Context& context, const std::source_location& where) {
  LocationScope scope(make_location(where));
  Array logits = head_(features, context);
  return options_.outputs == 1 ? reshape(logits, {logits.shape()[0]}) : logits;
}

Array Mlp::operator()(const Batch& batch, const Context& context, const std::source_location& where) {
  LocationScope scope(make_location(where));
  return logits(features(batch, context), context);
}

} // namespace tailor::models
