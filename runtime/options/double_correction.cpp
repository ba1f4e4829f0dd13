#include "runtime/options/double_correction.h"

#include "runtime/base/option_condition.h"
#include "runtime/base/status.h"
#include "runtime/options/program_keys.h"

#include <algorithm>

namespace tailor::runtime {

std::string double_correction_text(std::string_view method, std::string_view sampler, std::string_view key) {
  return concat("the class weights of '", method, "' and sampler '", sampler,
                "' correct the class frequencies twice; ", key, " = true says that this is meant");
}

std::vector<std::string> double_corrections(const Options& options, std::string_view sampler) {
  std::vector<std::string> texts;
  const std::string& use = key_name(&MethodKeys::use);
  const std::string section = use.substr(0, use.find('.') + 1);
  const Result<std::vector<std::string>> used = options.get_strings(use);
  if (!used.ok()) return texts; // a C++ program: no recipe's methods
  for (const std::string& method : *used) {
    const std::string key = concat(section, method, ".", kTwice);
    const Option* option = options.find(key);
    if (option && option->value == OptionValue(false) && !unmet_condition(options, key))
      texts.push_back(double_correction_text(method, sampler, key));
  }
  return texts;
}

} // namespace tailor::runtime
