#pragma once

#include <memory>

namespace tailor {

/// Lets a program that refers to its owner find out whether that still exists. A copy of the owner is another
/// one: it starts a life of its own.
class Lifetime {
public:
  Lifetime() = default;
  Lifetime(const Lifetime&) {}
  Lifetime& operator=(const Lifetime&) { return *this; }

  /// Expires with the owner.
  std::weak_ptr<const void> watch() const { return token_; }

private:
  std::shared_ptr<const void> token_ = std::make_shared<char>();
};

} // namespace tailor
