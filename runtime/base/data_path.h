#pragma once
#include <string>

namespace tailor::runtime {

/// A path of data as a recipe in `folder` wrote it: "recipes/./fraud.csv". The "/./" changes no path; it keeps where the
/// recipe's own words begin, so that another folder can take the place of the recipe's. An absolute path, or one of a
/// recipe in the current folder, stays as it is.
std::string data_path_of(const std::string& folder, const std::string& path);

/// Where that is: below `folder` instead of the recipe's, or, if `folder` is "", where it always was.
std::string locate_data(const std::string& folder, const std::string& path);

/// Whether another `folder` makes locate_data() another path of it: not of an absolute path that no recipe wrote as a
/// relative one.
bool starts_in_folder(const std::string& path);

} // namespace tailor::runtime
