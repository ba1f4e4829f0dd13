#pragma once
#include "runtime/options/key_set.h"

#include <cstdint>
#include <string>
#include <vector>

namespace tailor::runtime {

struct ModelKeys {
  std::string name = "mlp";
  std::vector<std::int64_t> layers = {64, 64};
  std::string activation = "relu";
  bool batch_norm = false;
  double dropout = 0.0;
  std::string output = "softmax";

  static const KeySet<ModelKeys>& keys();
};

struct MethodKeys {
  std::vector<std::string> use = {"erm"};
  std::string loss = "cross_entropy";
  std::string weighted_table = "inv_max";
  double weighted_beta = 0.9999;
  std::string weighted_reduction = "weighted_mean";
  double logit_adjustment_tau = 1.0;
  double smoothing_eps = 0.1;
  std::string smoothing_profile = "uniform";
  double smoothing_eps_max = 0.5;
  double sam_rho = 0.05;
  bool sam_adaptive = false;
  std::string sam_bn_stats = "first";
  bool sam_same_rng = false;
  double sam_a_rho = 0.05;
  std::string sam_a_table = "inv_max";
  double sam_a_beta = 0.9999;
  std::string sam_a_radius = "fixed";
  bool sam_a_adaptive = false;
  std::string sam_a_bn_stats = "first";
  bool sam_a_same_rng = false;
  double ema_decay = 0.999;
  bool ema_warmup = true;
  std::string ema_bn = "avg";

  static const KeySet<MethodKeys>& keys();
};

struct OptimizerKeys {
  std::string name = "sgd";
  double lr = 0.1;
  double momentum = 0.9;
  bool nesterov = false;
  double weight_decay = 0.0002;
  std::string decay_filter = "all";
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;

  static const KeySet<OptimizerKeys>& keys();
};

} // namespace tailor::runtime
