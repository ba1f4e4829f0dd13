#include "backend/driver/FrontendServices.h"

#include "backend/driver/Evaluate.h"
#include "frontend/data.h"
#include "frontend/graph/error.h"
#include "runtime/base/log.h"
#include "runtime/data/open.h"

namespace tailor::backend {

void registerFrontendServices() {
  register_evaluator(evaluateArrays);
  data::register_schema_reader([](const runtime::Options& options, const Location& location) {
    auto read = [&]() -> runtime::Result<runtime::DataSchema> {
      TAILOR_ASSIGN_OR_RETURN_AS_IS(runtime::DataPlan plan, runtime::read_data_plan(options, ""));
      runtime::SchemaNotes notes;
      TAILOR_ASSIGN_OR_RETURN_AS_IS(runtime::DataSchema schema, schema_of(plan, &notes));
      for (const std::string& note : notes)
        runtime::log_info("note: " + note);
      return schema;
    };
    auto schema = read();
    if (!schema.ok()) throw TraceError("data", schema.status().message(), location, schema.status().hint());
    return *schema;
  });
}

} // namespace tailor::backend
