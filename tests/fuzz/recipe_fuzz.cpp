// Recipe text from outside: parse, merge, check and print every complaint without a crash.
#include "models/recipe/parse.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string text(reinterpret_cast<const char*>(bytes), size);
  auto read = [&](const std::string& path) -> tailor::runtime::Result<std::string> {
    if (path == "fuzz.toml" || path == "base.toml") return text;
    return tailor::runtime::not_found("no '", path, "'");
  };
  tailor::recipe::Recipe recipe = tailor::recipe::parse("fuzz.toml", {text.substr(0, 64)}, read);
  (void)recipe.messages();
  return 0;
}
