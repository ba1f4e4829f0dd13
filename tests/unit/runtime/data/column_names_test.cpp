#include "runtime/data/column_names.h"

#include "data_testing.h"

namespace tailor::runtime {
namespace {

using testing::ElementsAre;

TEST(ColumnNames, AreCutIntoWords) {
  EXPECT_THAT(words_of_name("customerID"), ElementsAre("customer", "id"));
  EXPECT_THAT(words_of_name("Customer_id"), ElementsAre("customer", "id"));
  EXPECT_THAT(words_of_name("IDNumber"), ElementsAre("id", "number"));
  EXPECT_THAT(words_of_name("card1"), ElementsAre("card", "1"));
  EXPECT_THAT(words_of_name("Unnamed: 0"), ElementsAre("unnamed", "0"));
  EXPECT_THAT(words_of_name("größe"), ElementsAre("größe"));
  EXPECT_THAT(words_of_name(" -"), testing::IsEmpty());
}

TEST(ColumnNames, SayWhatTheyIdentify) {
  for (const char* name :
       {"id", "ID", "PassengerId", "transaction_id", "row", "uuid", "Unnamed: 0", "customerid"})
    EXPECT_TRUE(is_identifier_name(name)) << name;
  for (const char* name : {"humidity", "paid", "valid", "identity", "age", "column 3", "blood_group", ""})
    EXPECT_FALSE(is_identifier_name(name)) << name;
  EXPECT_LT(entity_rank("patient_id"), entity_rank("lesion_id"));
  for (const char* name : {"customer", "CustomerID", "user_no", "patientnr"})
    EXPECT_GE(entity_rank(name), 0) << name;
  for (const char* name : {"customer_age", "card_type", "merchant_id", "cardinality", "id"})
    EXPECT_EQ(entity_rank(name), -1) << name;
}

TEST(ColumnNames, SayWhen) {
  for (const char* name : {"Time", "event_date", "TransactionDT", "timestamp", "created when"})
    EXPECT_TRUE(is_time_name(name)) << name;
  for (const char* name : {"sometimes", "update", "days_in_hospital", "stepfather"})
    EXPECT_FALSE(is_time_name(name)) << name;
}

} // namespace
} // namespace tailor::runtime
