// Any text as the options and the data schema of an artifact or a dump: read or refused, never a crash; what is read
// is written and read again as the same.
#include "runtime/base/options.h"
#include "runtime/data/schema.h"

#include <cstdint>

using namespace tailor::runtime;

namespace {

/// Numbers that JSON cannot hold are written as null, so the second text is the one that stays.
void expect_stable(const std::string& written, const auto& read) {
  const auto again = read(written);
  if (!again.ok() || again->to_json() != written) __builtin_trap();
}

void as_options(std::string_view text) {
  auto options = Options::from_json(text);
  if (!options.ok()) return;
  expect_stable(options->to_json(), [](const std::string& written) { return Options::from_json(written); });
  const std::vector<std::string> some_texts = {"1",  "-1e999", "[[",
                                               "\"", "nan",    std::string(text.substr(0, 64))};
  std::vector<std::string> keys;
  for (const auto& [key, option] : *options)
    keys.push_back(key);
  for (std::size_t i = 0; i < keys.size() && i < 4; ++i)
    for (const std::string& assigned : some_texts)
      (void)options->set_from_text(keys[i], assigned);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  as_options(text);
  if (const auto value = OptionValue::from_json(text); value.ok())
    expect_stable(value->to_json(),
                  [](const std::string& written) { return OptionValue::from_json(written); });
  if (const auto schema = schema_from_json(text); schema.ok()) {
    const std::string written = schema_to_json(*schema);
    const auto again = schema_from_json(written);
    if (!again.ok() || schema_to_json(*again) != written) __builtin_trap();
  }
  return 0;
}
