// Schema files.
#include "runtime/data/schema.h"

#include "runtime/base/options.h"
#include "runtime/data/cell_format.h"

#include <algorithm>

namespace tailor::runtime {
namespace {

constexpr const char* kSchemaFormat = "tailor-schema-2"; ///< 2: how numbers and missing values are written

Result<OptionValue> member(const OptionValue& table, std::string_view key) {
  const OptionValue* value = table.find(key);
  if (!value) return invalid_argument("schema has no '", key, "'");
  return *value;
}

Result<std::string> string_member(const OptionValue& table, std::string_view key) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const OptionValue value, member(table, key));
  if (!value.as_string())
    return invalid_argument("schema: '", key, "' is a ", value.kind_name(), ", expected a string");
  return *value.as_string();
}

Result<std::int32_t> int_member(const OptionValue& table, std::string_view key) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const OptionValue value, member(table, key));
  const std::int64_t* number = value.as_int();
  if (!number || *number < -1 || *number > INT32_MAX)
    return invalid_argument("schema: '", key, "' = ", value.to_json(), ", expected an integer from -1 to ",
                            INT32_MAX);
  return static_cast<std::int32_t>(*number);
}

Result<bool> bool_member(const OptionValue& table, std::string_view key) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const OptionValue value, member(table, key));
  if (!value.as_bool())
    return invalid_argument("schema: '", key, "' is a ", value.kind_name(), ", expected true or false");
  return *value.as_bool();
}

constexpr ColumnRole kRoles[] = {ColumnRole::kNumeric, ColumnRole::kCategorical, ColumnRole::kLabel,
                                 ColumnRole::kGroup,   ColumnRole::kTime,        ColumnRole::kId,
                                 ColumnRole::kDrop,    ColumnRole::kDate,        ColumnRole::kRowWeight};

} // namespace

std::string schema_to_json(const DataSchema& schema) {
  OptionValue::List columns, classes;
  for (const Column& column : schema.columns) {
    OptionValue::Table entry{
        {"name", column.name}, {"position", column.position}, {"role", to_string(column.role)}};
    if (column.role == ColumnRole::kCategorical) entry.emplace_back("capacity", column.capacity);
    if (!column.sign.empty()) entry.emplace_back("sign", column.sign);
    if (column.role == ColumnRole::kNumeric || column.role == ColumnRole::kDate)
      entry.emplace_back("missing_flag", column.missing_flag);
    if (column.role == ColumnRole::kDate) {
      entry.emplace_back("date_features", static_cast<std::int32_t>(column.date_features));
      entry.emplace_back("orders_rows", column.orders_rows);
    }
    if (column.role == ColumnRole::kDate || column.role == ColumnRole::kTime)
      entry.emplace_back("date_form", static_cast<std::int32_t>(column.date_form));
    columns.emplace_back(std::move(entry));
  }
  for (const std::string& name : schema.class_names)
    classes.emplace_back(name);
  const auto [decimal, thousands] = schema.number_format;
  return OptionValue(OptionValue::Table{{"format", kSchemaFormat},
                                        {"named", schema.named},
                                        {"columns", std::move(columns)},
                                        {"classes", std::move(classes)},
                                        {"positive_class", schema.positive_class},
                                        {"label_strip", schema.label_strip},
                                        {"missing", schema.missing},
                                        {"numeric", schema.numeric},
                                        {"decimal", std::string(1, decimal)},
                                        {"thousands", thousands ? std::string(1, thousands) : std::string()},
                                        {"missing_markers", OptionValue::List(schema.missing_markers.begin(),
                                                                              schema.missing_markers.end())}})
      .to_json();
}

Result<DataSchema> schema_from_json(std::string_view json) {
  TAILOR_ASSIGN_OR_RETURN(const OptionValue root, OptionValue::from_json(json), "reading a schema");
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::string format, string_member(root, "format"));
  if (format != kSchemaFormat)
    return incompatible("schema format '", format, "', expected '", kSchemaFormat, "'");
  DataSchema schema;
  TAILOR_ASSIGN_OR_RETURN_AS_IS(schema.named, bool_member(root, "named"));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(schema.positive_class, int_member(root, "positive_class"));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(schema.label_strip, string_member(root, "label_strip"));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(schema.missing, string_member(root, "missing"));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(schema.numeric, string_member(root, "numeric"));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::string decimal, string_member(root, "decimal"));
  TAILOR_ASSIGN_OR_RETURN(schema.number_format.decimal, parse_decimal(decimal), "schema: 'decimal'");
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::string thousands, string_member(root, "thousands"));
  TAILOR_ASSIGN_OR_RETURN(schema.number_format.thousands, parse_thousands(thousands), "schema: 'thousands'");
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const OptionValue markers, member(root, "missing_markers"));
  if (!markers.as_list())
    return invalid_argument("schema: 'missing_markers' is a ", markers.kind_name(), ", expected a list");
  schema.missing_markers.clear();
  for (const OptionValue& marker : *markers.as_list()) {
    if (!marker.as_string())
      return invalid_argument("schema: a missing marker is a ", marker.kind_name(), ", expected a string");
    schema.missing_markers.push_back(*marker.as_string());
  }
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const OptionValue columns, member(root, "columns"));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const OptionValue classes, member(root, "classes"));
  if (!columns.as_list() || !classes.as_list())
    return invalid_argument("schema: 'columns' and 'classes' are ", columns.kind_name(), " and ",
                            classes.kind_name(), ", expected lists");
  for (const OptionValue& entry : *columns.as_list()) {
    Column column;
    TAILOR_ASSIGN_OR_RETURN_AS_IS(column.name, string_member(entry, "name"));
    TAILOR_ASSIGN_OR_RETURN_AS_IS(column.position, int_member(entry, "position"));
    TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::string role, string_member(entry, "role"));
    const auto* found = std::find_if(std::begin(kRoles), std::end(kRoles),
                                     [&](ColumnRole candidate) { return role == to_string(candidate); });
    if (found == std::end(kRoles))
      return invalid_argument("schema: column '", column.name, "' has unknown role '", role, "'");
    column.role = *found;
    if (column.role == ColumnRole::kCategorical) {
      TAILOR_ASSIGN_OR_RETURN_AS_IS(column.capacity, int_member(entry, "capacity"));
    }
    if (column.role == ColumnRole::kNumeric || column.role == ColumnRole::kDate) {
      TAILOR_ASSIGN_OR_RETURN_AS_IS(column.missing_flag, bool_member(entry, "missing_flag"));
    }
    if (column.role != ColumnRole::kCategorical && entry.find("sign")) {
      TAILOR_ASSIGN_OR_RETURN_AS_IS(column.sign, string_member(entry, "sign"));
      TAILOR_RETURN_IF_ERROR(check_sign(column.sign), concat("schema: column '", column.name, "'"));
    }
    if (column.role == ColumnRole::kDate) {
      TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::int32_t features, int_member(entry, "date_features"));
      if (features < 0 || features >> kNumDateFeatures != 0)
        return invalid_argument("schema: column '", column.name, "' has date features ", features,
                                ", expected bits below ", 1 << kNumDateFeatures);
      column.date_features = static_cast<std::uint16_t>(features);
      TAILOR_ASSIGN_OR_RETURN_AS_IS(column.orders_rows, bool_member(entry, "orders_rows"));
    }
    if (column.role == ColumnRole::kDate || (column.role == ColumnRole::kTime && entry.find("date_form"))) {
      TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::int32_t form, int_member(entry, "date_form"));
      if (form < 0 || form >= kNumDateForms)
        return invalid_argument("schema: column '", column.name, "' has date form ", form, ", expected 0 to ",
                                kNumDateForms - 1);
      column.date_form = static_cast<DateForm>(form);
    }
    schema.columns.push_back(std::move(column));
  }
  for (const OptionValue& name : *classes.as_list()) {
    if (!name.as_string())
      return invalid_argument("schema: a class name is a ", name.kind_name(), ", expected a string");
    schema.class_names.push_back(*name.as_string());
  }
  schema.num_classes = static_cast<std::int32_t>(schema.class_names.size());
  TAILOR_RETURN_IF_ERROR_AS_IS(check_schema(schema));
  return schema;
}

} // namespace tailor::runtime
