#pragma once

#include "frontend/graph/location.h"
#include "frontend/graph/shape.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tailor {

struct State;

/// How the runtime fills a state before the first step. Random rules draw from the run's seed.
struct InitRule {
  enum class Kind : std::uint8_t { zeros, ones, constant, uniform, normal, truncated_normal, copy_of };
  Kind kind = Kind::zeros;
  double value =
      0; ///< constant: the value; uniform: U(-value, value); normal: std; truncated_normal: std, cut at 2 std
  std::shared_ptr<const State> source; ///< copy_of

  static InitRule zeros() { return {}; }
  static InitRule ones() { return {Kind::ones, 0, nullptr}; }
  static InitRule constant(double value) { return {Kind::constant, value, nullptr}; }
  static InitRule uniform(double bound) { return {Kind::uniform, bound, nullptr}; }
  static InitRule normal(double std) { return {Kind::normal, std, nullptr}; }
  static InitRule truncated_normal(double std) { return {Kind::truncated_normal, std, nullptr}; }
  static InitRule copy_of(std::shared_ptr<const State> source) {
    return {Kind::copy_of, 0, std::move(source)};
  }
};

/// What a state group is for; the words of the dialect. A generator is a network that stays as it was copied.
enum class StateKind : std::uint8_t { net, projector, optimizer, ema, batchnorm, fitted, generator };
std::string_view to_string(StateKind kind);

/// One tensor that lives across steps: a parameter, a buffer, an optimizer slot, a fitted table.
struct State {
  enum class Role : std::uint8_t {
    parameter, ///< trained
    buffer,    ///< written by the step without a gradient (running statistics)
    slot,      ///< belongs to an optimizer or an average
    fitted     ///< computed from the training split when training starts
  };
  std::string group; ///< "net"; set when the module is given to a program
  std::string name;  ///< "fc0.weight": the checkpoint key inside the group
  TensorType type;
  InitRule init;
  Role role = Role::parameter;
  bool norm_or_bias = false; ///< left out by weight-decay filter no_norm_bias
  Location location;
};

/// States that are laid out, saved and frozen together.
struct StateGroup {
  std::string name;
  StateKind kind = StateKind::net;
  bool trainable = false;
  std::vector<std::shared_ptr<const State>> states;
  Location location;
};

} // namespace tailor
