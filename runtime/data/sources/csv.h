#pragma once
#include "runtime/data/source.h"
#include "runtime/data/table_plan.h"

namespace tailor::runtime {

/// A table in csv or csv.gz, with splits cut from it or in files of their own.
std::shared_ptr<const DataSource> make_csv_source(TablePlan plan);

} // namespace tailor::runtime
