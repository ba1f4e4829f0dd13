#pragma once
// The base recipes that come with the program: the files of models/recipes/base, compiled in.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tailor::recipe {

/// What a recipe may write after `base =` without a path: "tabular".
std::vector<std::string> built_in_bases();

/// The TOML text of one, or nothing.
std::optional<std::string_view> built_in_base(std::string_view name);

/// `text` can only be the name of a built-in base: it has neither a folder nor an ending.
bool names_built_in_base(std::string_view text);

/// Stands for the file in messages and origins: "<built-in>/tabular.toml".
std::string built_in_path(std::string_view name);

} // namespace tailor::recipe
