#include "runtime/data/csv.h"

#include "data_testing.h"
#include "runtime/data/random.h"

#include <zlib.h>

namespace tailor::runtime {
namespace {

using Cells = std::vector<std::vector<std::string>>;
using Next = CsvRecords::Next;

struct ReadAll {
  Cells records;
  std::vector<std::int64_t> lines;
  std::vector<std::string> malformed;
  std::string failure; ///< empty: reached the end
};

ReadAll read_all(std::string_view bytes, char separator = ',') {
  ReadAll result;
  auto source = memory_byte_source(bytes);
  if (!source.ok()) {
    result.failure = source.status().message();
    return result;
  }
  auto records = CsvRecords::open(std::move(*source), "t.csv", separator);
  if (!records.ok()) {
    result.failure = records.status().message();
    return result;
  }
  for (;;) {
    const Next next = (*records)->next();
    if (next == Next::kEnd) return result;
    if (next == Next::kFailed) {
      result.failure = (*records)->status().message();
      EXPECT_EQ((*records)->next(), Next::kFailed) << "a failure of the file stays";
      return result;
    }
    if (next == Next::kMalformed) {
      result.malformed.push_back((*records)->status().message());
      continue;
    }
    result.lines.push_back((*records)->line());
    result.records.emplace_back();
    for (const CsvField& field : (*records)->fields())
      result.records.back().emplace_back(field.text);
  }
}

std::string gzip(std::string_view text) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(packed.size() - stream.avail_out);
  deflateEnd(&stream);
  return packed;
}

TEST(Csv, CutsCellsAndDropsBlanks) {
  const ReadAll read = read_all("a, b ,c\r\n1,\t2 , 3\n\n , ,\n");
  EXPECT_EQ(read.records, (Cells{{"a", "b", "c"}, {"1", "2", "3"}, {"", "", ""}}));
  EXPECT_EQ(read.lines, (std::vector<std::int64_t>{1, 2, 4}));
}

TEST(Csv, LastLineNeedsNoLineEnd) {
  EXPECT_EQ(read_all("1,2\n3,4").records, (Cells{{"1", "2"}, {"3", "4"}}));
  EXPECT_EQ(read_all("1,2\r").records, (Cells{{"1", "2"}}));
  EXPECT_EQ(read_all("1,").records, (Cells{{"1", ""}}));
}

TEST(Csv, UndoesQuotes) {
  const ReadAll read = read_all("\"a,b\" , \"say \"\"hi\"\"\",\"two\nlines\"\n\"\",x,\" y \"\n5\",a\"b,c\n");
  EXPECT_EQ(read.records,
            (Cells{{"a,b", "say \"hi\"", "two\nlines"}, {"", "x", " y "}, {"5\"", "a\"b", "c"}}));
  EXPECT_EQ(read.lines, (std::vector<std::int64_t>{1, 3, 4}));
}

TEST(Csv, TabsSeparateOnlyWhenTheyAreTheSeparator) {
  EXPECT_EQ(read_all("1\t\t 3\n", '\t').records, (Cells{{"1", "", "3"}}));
  EXPECT_EQ(read_all("1\t, 3\n", ',').records, (Cells{{"1", "3"}}));
}

TEST(Csv, FindsTheSeparator) {
  EXPECT_EQ(read_all("a;b;c\n1,5;2;3\n2,5;2;3\n", 0).records[1], (std::vector<std::string>{"1,5", "2", "3"}));
  EXPECT_EQ(read_all("a\tb\n1\t2\n", 0).records[1], (std::vector<std::string>{"1", "2"}));
  EXPECT_EQ(read_all("\"x;y;z\",b\n1,2\n", 0).records[0], (std::vector<std::string>{"x;y;z", "b"}));
  EXPECT_EQ(read_all("one\ntwo\n", 0).records, (Cells{{"one"}, {"two"}}));
}

TEST(Csv, SkipsAByteOrderMark) {
  EXPECT_EQ(read_all("\xEF\xBB\xBF"
                     "a,b\n")
                .records,
            (Cells{{"a", "b"}}));
}

TEST(Csv, AMalformedRecordIsReportedAndPassedOver) {
  const ReadAll read = read_all("1,2\n\"a\"b,2\n3,4\n");
  EXPECT_EQ(read.records, (Cells{{"1", "2"}, {"3", "4"}}));
  EXPECT_EQ(read.lines, (std::vector<std::int64_t>{1, 3}));
  ASSERT_EQ(read.malformed.size(), 1u);
  EXPECT_EQ(read.malformed[0],
            "t.csv:2:4: text after a closing quote, expected a separator or the end of the line");
}

TEST(Csv, NamesThePlaceOfWhatEndsReading) {
  EXPECT_THAT(read_all(std::string_view("1,2\n3,\0\n", 8)).failure,
              testing::HasSubstr("t.csv:2:3: NUL byte"));
  EXPECT_THAT(read_all(std::string_view("\"1\0\",2\n", 7)).failure,
              testing::HasSubstr("t.csv:1:3: NUL byte"));
  EXPECT_THAT(read_all("1,2\n3,\"4\n5,6\n").failure,
              testing::HasSubstr("t.csv:2:3: this quote is never closed"));
}

TEST(Csv, RecordsMayCrossBlocksUpToALimit) {
  const std::string wide(300000, 'x'); // longer than one block
  const ReadAll read = read_all(wide + ",1\n\"" + wide + "\n" + wide + "\",2\n");
  ASSERT_EQ(read.records.size(), 2u);
  EXPECT_EQ(read.records[0], (std::vector<std::string>{wide, "1"}));
  EXPECT_EQ(read.records[1], (std::vector<std::string>{wide + "\n" + wide, "2"}));
  const std::string giant(CsvRecords::kMaxRecordBytes * 2, 'x');
  EXPECT_THAT(read_all("a\n" + giant).failure,
              testing::HasSubstr("t.csv:2:1: record is longer than 4194304 bytes"));
  EXPECT_THAT(read_all(std::string(CsvRecords::kMaxFields + 1, ',')).failure,
              testing::HasSubstr("more than 65536 cells"));
}

TEST(Csv, ReadsGzipInSeveralMembers) {
  const std::string packed = gzip("1,2\n3,") + gzip("4\n") + std::string(5, '\0');
  EXPECT_EQ(read_all(packed).records, (Cells{{"1", "2"}, {"3", "4"}}));
}

TEST(Csv, DamagedGzipIsAnError) {
  std::string text;
  for (int i = 0; i < 5000; ++i)
    text += concat(i * 7919, ",", i, "\n");
  const std::string packed = gzip(text);
  EXPECT_THAT(read_all(std::string_view(packed).substr(0, packed.size() / 2)).failure,
              testing::HasSubstr("gzip data are cut short"));
  EXPECT_THAT(read_all(std::string_view(packed).substr(0, 5)).failure, testing::HasSubstr("cut short"));
  std::string flipped = packed;
  flipped[packed.size() / 2] ^= 0x10;
  EXPECT_THAT(read_all(flipped).failure, testing::HasSubstr("gzip data are damaged"));
  EXPECT_THAT(read_all(packed + "more").failure, testing::HasSubstr("gzip data are damaged"));
}

// What could be read is given first: a bad cell before the damage is met before it, and the damage has a line.
TEST(Csv, DamagedGzipHasALine) {
  DataRandom random(1, DataPurpose::kGenerate);
  std::string text;
  for (int i = 0; i < 2000; ++i)
    text += concat(static_cast<std::int64_t>(random.below(1u << 30)), ",", i, "\n");
  const std::string packed = gzip(text);
  std::string flipped = packed;
  for (std::size_t i = packed.size() / 2; i < packed.size() / 2 + 64; ++i)
    flipped[i] = static_cast<char>(flipped[i] ^ 0x55);
  for (const std::string& bytes : {packed.substr(0, packed.size() / 2), flipped}) {
    const ReadAll result = read_all(bytes);
    ASSERT_GT(result.records.size(), 100u);
    EXPECT_THAT(result.failure,
                testing::HasSubstr(concat("t.csv:", result.records.size() + 1, ": gzip data are ")));
  }
}

TEST(Csv, CarriageReturnsAloneEndLinesToo) {
  const ReadAll result = read_all("a,b\r1,2\r\r3,\"4\r5\"\r");
  EXPECT_EQ(result.records, (Cells{{"a", "b"}, {"1", "2"}, {"3", "4\n5"}}));
  EXPECT_EQ(result.lines, (std::vector<std::int64_t>{1, 2, 4}));
  EXPECT_EQ(read_all("a,b\r\n1,2\r\n").records, (Cells{{"a", "b"}, {"1", "2"}}));
}

TEST(Csv, OpeningNamesWhatIsWrong) {
  EXPECT_EQ(open_byte_source("/nowhere/x.csv").status().code(), StatusCode::kNotFound);
  EXPECT_THAT(open_byte_source("/tmp").status().message(), testing::HasSubstr("is a folder"));
  EXPECT_FALSE(CsvRecords::open(std::move(*memory_byte_source("a")), "t", '"').ok());
}

TEST(Csv, EmptyInputHasNoRecord) {
  EXPECT_TRUE(read_all("").records.empty());
  EXPECT_TRUE(read_all("\n \n\r\n").records.empty());
  EXPECT_EQ(read_all("").failure, "");
}

TEST(Csv, SeparatorsAreNamedOrFound) {
  for (const auto& [text, separator] : {std::pair("auto", '\0'), std::pair("tab", '\t'), std::pair("|", '|'),
                                        std::pair("semicolon", ';'), std::pair("^", '^')}) {
    const Result<char> parsed = parse_separator(text);
    ASSERT_TRUE(parsed.ok()) << text;
    EXPECT_EQ(*parsed, separator);
  }
  for (const char* text : {"", "a", "7", "'", "\"", " ", "||", "\x01", "\xC3\xA9"})
    EXPECT_FALSE(parse_separator(text).ok()) << text;
  const auto found = [](std::string_view bytes) {
    return (*CsvRecords::open(std::move(*memory_byte_source(bytes)), "t.csv", 0))->separator();
  };
  EXPECT_EQ(found("a|b|c\n1,5|2|3\n2,5|2|3\n"), '|');
  EXPECT_EQ(found("a|b,c|d\n1|2,3|4\n"), ','); // a bar may be text
  EXPECT_EQ(found("abc\n"), ',');
}

} // namespace
} // namespace tailor::runtime
