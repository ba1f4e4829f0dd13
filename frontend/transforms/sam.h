#pragma once

#include "frontend/transforms/value_and_grad.h"
#include "runtime/options/words.h"

#include <functional>

namespace tailor {

enum class SamRadius : std::uint8_t {
  fixed,     ///< R = rho
  batch_mean ///< R = clip(rho * mean_n ascent[y_n], rho/4, 4 rho); ascent scaled so that balanced data give 1
};
/// Whose running statistics are kept.
enum class SamBatchNorm : std::uint8_t { first, both, second };

} // namespace tailor

template <> struct tailor::runtime::Words<tailor::SamRadius> {
  static constexpr std::pair<SamRadius, const char*> kAll[] = {{SamRadius::fixed, "fixed"},
                                                               {SamRadius::batch_mean, "batch_mean"}};
};
template <> struct tailor::runtime::Words<tailor::SamBatchNorm> {
  static constexpr std::pair<SamBatchNorm, const char*> kAll[] = {
      {SamBatchNorm::first, "first"}, {SamBatchNorm::both, "both"}, {SamBatchNorm::second, "second"}};
};

namespace tailor {

/// Options of sam(). `ascent` and `descent` are handed to the loss as its table, one after the other.
struct SamOptions {
  Array ascent = {};  ///< [K] f32
  Array descent = {}; ///< [K] f32
  Operand rho = 0.05; ///< f32 []
  SamRadius radius = SamRadius::fixed;
  Array labels = {};     ///< [N] i32 and
  Array valid = {};      ///< i32 []: only for batch_mean; the step's batch by default
  bool adaptive = false; ///< ASAM: n = |w| * g, e = R w^2 g / (n + 1e-12)
  bool same_rng = false; ///< both passes draw the same dropout masks
  SamBatchNorm bn_stats = SamBatchNorm::first;
};

struct SamResult {
  Gradients gradients; ///< of the descent loss at w'
  Array loss;          ///< descent loss at w'
  Array ascent_loss;   ///< ascent loss at w
  Array gradient_norm; ///< of the ascent gradient, over all parameters
  /// What the loss function returned beside the loss (LossAndAux): in the descent pass at w', and in the ascent pass at
  /// w, the weights as the step finds them. A training accuracy is `ascent_aux`.
  std::vector<Array> aux, ascent_aux;
};

/// Sharpness-aware minimisation with a table per pass.
///
///   g      = grad loss(ascent) at w
///   w'     = w + R g / (|g| + 1e-12)
///   result = grad loss(descent) at w'
///
/// The loss is traced once and called twice; w is never written, so there is nothing to restore. With
/// ascent equal to descent this is SAM; a table that favours rare classes gives SAM-A. An all-zero ascent
/// gradient gives the plain step.
///
/// Shapes   loss: table [K] f32 -> f32 [], or LossAndAux.
/// Errors   TraceError if the tables differ in shape or the loss reads no trainable parameter.
/// Source   methods.md 5: SAM (Foret et al.), ASAM, SAM-A (Shwartz-Ziv et al. 2023).
SamResult sam(const std::function<LossAndAux(const Array& table)>& loss, const SamOptions& options,
              const std::source_location& where = std::source_location::current());
/// The same for a loss without a table (plain SAM).
SamResult sam(const std::function<LossAndAux()>& loss, const SamOptions& options,
              const std::source_location& where = std::source_location::current());

} // namespace tailor
