#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace tailor::runtime {

/// "customerID" and "Customer_id" -> {"customer", "id"}; "card1" -> {"card", "1"}. Lower case; letters outside
/// ASCII belong to their word.
std::vector<std::string> words_of_name(std::string_view name);

/// The name says that the column identifies something: its last word is id, key, uuid, index, ... or it is
/// "customerid" and the like.
bool is_identifier_name(std::string_view name);
/// ... and nothing but a row of this file: index, row, "Unnamed: 0".
bool is_row_number_name(std::string_view name);

/// What the column identifies when that turns up in many rows, all of which belong together: 0 for a patient,
/// 1 for a customer, ... in the order in which one is chosen to split by; -1 for none. "customer_id",
/// "CustomerID", "patient" do; "customer_age" does not.
int entity_rank(std::string_view name);

/// The name says that the column tells when: time, date, timestamp, ...
bool is_time_name(std::string_view name);

} // namespace tailor::runtime
