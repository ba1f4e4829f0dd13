#pragma once
/// What TAILOR_CUDA_DOUBLE says to the doubles of the driver and of cuDNN: words with commas between, `name=value` or `name@n` (the n-th
/// call, from 1). The lists of words stand at the top of driver.cpp and cudnn.cpp.

#include <cstdio>
#include <cstdlib>
#include <map>
#include <sstream>
#include <string>

namespace tailor::backend::testing {

/// What TAILOR_CUDA_DOUBLE says.
struct Settings {
  std::map<std::string, long> values;
  std::string order = "forward";

  Settings() {
    const char* text = std::getenv("TAILOR_CUDA_DOUBLE");
    std::stringstream list(text ? text : "");
    for (std::string word; std::getline(list, word, ',');) {
      size_t at = word.find_first_of("=@");
      if (at == std::string::npos) die("TAILOR_CUDA_DOUBLE: '" + word + "' has no value");
      std::string name = word.substr(0, at), value = word.substr(at + 1);
      if (name == "order")
        order = value;
      else
        values[name] = std::atol(value.c_str());
    }
  }
  [[noreturn]] static void die(const std::string& why) {
    std::fprintf(stderr, "cuda double: %s\n", why.c_str());
    std::abort();
  }
  long get(const std::string& name, long otherwise) const {
    auto found = values.find(name);
    return found == values.end() ? otherwise : found->second;
  }
};

inline const Settings& settings() {
  static const Settings all;
  return all;
}

/// True for the call of `what` that is to fail.
inline bool fails(const std::string& what) {
  static std::map<std::string, long> calls;
  return ++calls[what] == settings().get(what, 0);
}

} // namespace tailor::backend::testing
