#include "runtime/data/source.h"

#include "runtime/base/wording.h"
#include "runtime/options/data_keys.h"
#include "runtime/options/split_keys.h"

#include <numeric>

namespace tailor::runtime {

Result<RawTable> DataSource::read_file(const std::string& path, const DataSchema&, bool) const {
  return invalid_argument("'", path,
                          "': the data this program was compiled for are no files, and it reads none");
}

Result<std::shared_ptr<const DataSource>> make_source(const SourceRequest& request) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const DataKeys keys, read_keys<DataKeys>(request.options));
  if (const SourceSpec* spec = Registry<SourceSpec>::find(keys.format)) return spec->make(request);
  const std::string& key = key_name(&DataKeys::format);
  return invalid_argument(key, " = '", keys.format, "', expected ",
                          listed(component_names(SourceSpec::kKind), " | "))
      .about(key);
}

std::string way_to_validate(const Options& options) {
  const Result<DataKeys> keys = read_keys<DataKeys>(options);
  const SourceSpec* source = keys.ok() ? Registry<SourceSpec>::find(keys->format) : nullptr;
  if (!source) return "";
  std::string share, files;
  for (const KeySpec& key : source->keys) {
    if (key.key == key_name(&SplitKeys::val))
      share = concat("--set ", key.key, "=", SplitKeys::kValShare);
    else if (key.key.ends_with(".val"))
      files = concat(key.type == KeyType::kPath ? "a file with " : "files with ", key.key);
  }
  const Result<SplitKeys> split = read_keys<SplitKeys>(options);
  if (split.ok() && split->by == SplitBy::kFiles) share.clear();
  return concat(share, share.empty() || files.empty() ? "" : ", or ", files);
}

std::vector<std::int32_t> all_rows(std::int64_t num_rows) {
  std::vector<std::int32_t> rows(static_cast<std::size_t>(num_rows));
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

} // namespace tailor::runtime
