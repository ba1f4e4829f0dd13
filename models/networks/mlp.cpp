#include "models/networks/mlp.h"

#include "frontend/components/model.h"
#include "frontend/nn/categorical.h"
#include "frontend/ops/shaping.h"
#include "runtime/options/key_set.h"

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

Mlp::Mlp(const MlpOptions& options)
    : options_(options), head_(make_head(options.head, last_width(options), options.outputs)) {
  std::int64_t width = input_width(options);
  for (std::size_t i = 0; i < options.layers.size(); ++i) {
    blocks_.push_back(std::make_unique<Block>(width, options.layers[i], options));
    add("fc" + std::to_string(i), blocks_.back()->linear);
    if (blocks_.back()->norm) add("bn" + std::to_string(i), *blocks_.back()->norm);
    width = options.layers[i];
  }
  add("head", *head_);
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
  return hidden(inputs(batch), context);
}

Array Mlp::hidden(Array x, const Context& context) {
  for (const std::unique_ptr<Block>& block : blocks_) {
    x = block->linear(x, context);
    if (block->norm) x = (*block->norm)(x, context);
    x = block->dropout(nn::activate(options_.activation, x), context);
  }
  return x;
}

Array Mlp::logits(const Array& features, const Context& context, const std::source_location& where) {
  LocationScope scope(make_location(where));
  Array logits = (*head_)(features, context);
  return options_.outputs == 1 ? reshape(logits, {logits.shape()[0]}) : logits;
}

Array Mlp::operator()(const Batch& batch, const Context& context, const std::source_location& where) {
  LocationScope scope(make_location(where));
  return logits(features(batch, context), context);
}

Array Mlp::operator()(const Array& inputs, const Context& context, const std::source_location& where) {
  LocationScope scope(make_location(where));
  return logits(hidden(inputs, context), context);
}

namespace {

struct MlpKeys {
  std::vector<std::int64_t> layers = MlpOptions().layers;
  nn::Activation activation = MlpOptions().activation;
  bool batch_norm = MlpOptions().batch_norm;
  double dropout = MlpOptions().dropout;

  static const runtime::KeySet<MlpKeys>& keys();
};

const runtime::KeySet<MlpKeys>& MlpKeys::keys() {
  using runtime::key;
  static const runtime::KeySet<MlpKeys> set{
      "model.",
      {
          key("layers", &MlpKeys::layers,
              {.stage = runtime::kCompiled,
               .min = 1,
               .max = 65536,
               .text = "hidden widths",
               .source = "methods 11.3"}),
          key("activation", &MlpKeys::activation,
              {.stage = runtime::kCompiled,
               .text = "activation of the hidden layers",
               .source = "methods 11.3"}),
          key("batch_norm", &MlpKeys::batch_norm,
              {.stage = runtime::kCompiled,
               .text = "batch normalisation before each activation",
               .source = "methods 4.5"}),
          key("dropout", &MlpKeys::dropout,
              {.stage = runtime::kCompiled,
               .min = 0,
               .max = 0.99,
               .text = "share of the activations that dropout sets to 0 in training",
               .source = "methods 11.3"}),
      }};
  return set;
}

std::unique_ptr<Network> make_mlp(const ModelRequest& request) {
  const MlpKeys keys = component_keys<MlpKeys>(request.options);
  const std::vector<std::int32_t> capacities = request.schema.category_capacities();
  return as_network(std::make_unique<Mlp>(
      MlpOptions{.numeric_columns = request.schema.num_numeric(),
                 .category_sizes = std::vector<std::int64_t>(capacities.begin(), capacities.end()),
                 .layers = keys.layers,
                 .outputs = request.outputs,
                 .activation = keys.activation,
                 .batch_norm = keys.batch_norm,
                 .dropout = keys.dropout,
                 .head = component_keys<HeadKeys>(request.options).head}));
}

const Registered<ModelSpec> registered{{.name = "mlp",
                                        .text = "hidden layers on numbers and one-hot categories",
                                        .source = "methods 11.3",
                                        .keys = all_keys<MlpKeys, HeadKeys>(),
                                        .input = InputKind::table,
                                        .make = make_mlp}};

} // namespace

} // namespace tailor::models
