#pragma once
#include "runtime/base/result.h"
#include "runtime/options/table_keys.h"

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tailor::runtime {

/// Bytes in order. Files may be gzip (recognised by their first two bytes, several members allowed).
class ByteSource {
public:
  virtual ~ByteSource() = default;
  /// Fills up to `capacity` bytes; 0 only at the end. kDataLoss if the gzip stream is damaged or cut short.
  virtual Result<std::size_t> read(char* to, std::size_t capacity) = 0;
};

/// kNotFound if there is no such file, kInvalidArgument for a directory.
Result<std::unique_ptr<ByteSource>> open_byte_source(const std::string& path);
/// Over memory that the caller keeps alive; gzip is recognised as in a file.
Result<std::unique_ptr<ByteSource>> memory_byte_source(std::string_view bytes);

/// How a table is written down. `separator` 0 and `header` kAuto are found by looking at the file.
struct CsvFormat {
  char separator = 0;
  HeaderLine header = HeaderLine::kAuto;
};

/// "auto" (0), "tab", "comma", "semicolon", or the character itself: printable ASCII that is no letter,
/// digit, quote or blank (those occur inside cells).
Result<char> parse_separator(std::string_view text);

/// One cell of a record: blanks around it are gone, quotes undone. Valid until the next record is read.
struct CsvField {
  std::string_view text;
  std::int32_t offset = 0; ///< byte offset of the cell in its line, 0-based
};

/// Splits a table into records and cells, one block of the file in memory at a time.
///
/// Format    separator as parse_separator takes it; a cell may be quoted with `"` (doubled inside; may hold
///           separators and line ends); blanks around an unquoted cell are dropped; lines end with LF, CRLF
///           or, where the first 256 KiB hold no LF, CR; blank lines and a byte order mark are skipped.
/// Errors    kDataLoss or kInvalidArgument, always `file:line:column: what, what was expected`: a NUL byte,
///           a quote that is not closed, text after a closing quote, a record above 4 MiB or 65536 cells,
///           damaged gzip and read errors, with the line up to which the file could be read. Text after a closing quote spoils its record only (kMalformed): next() goes on
///           with the following line. After any other error (kFailed) every further call gives it again.
class CsvRecords {
public:
  static constexpr std::size_t kMaxRecordBytes = std::size_t{4} << 20;
  static constexpr std::size_t kMaxFields = 65536;

  /// `name` is what messages call the file. Reads the first block to find the separator when it is 0.
  static Result<std::unique_ptr<CsvRecords>> open(std::unique_ptr<ByteSource> source, std::string name,
                                                  char separator);

  enum class Next { kRecord, kEnd, kMalformed, kFailed };
  Next next();

  std::span<const CsvField> fields() const { return fields_; }
  /// Line on which the record starts, from 1.
  std::int64_t line() const { return record_line_; }
  /// After kMalformed or kFailed.
  const Status& status() const { return status_; }
  const std::string& name() const { return name_; }
  char separator() const { return separator_; }
  /// Why that separator: "given", or the counts that decided.
  const std::string& separator_reason() const { return separator_reason_; }
  /// `file:line:column`, the column of byte `offset` of the current record.
  std::string where(std::int32_t offset) const;

private:
  enum class Scan { kRecord, kBlank, kMore, kEnd, kMalformed, kFailed };

  CsvRecords() = default;
  Scan scan();
  bool refill();
  Status read_ahead();
  bool skip_line();
  void find_separator();
  void set_separator(char separator);
  void undo_quotes(CsvField& field);
  Scan malformed(const char* at, std::string what);
  Scan failed(Status status);

  std::unique_ptr<ByteSource> source_;
  std::string name_;
  char separator_ = ',';
  std::string separator_reason_ = "given";
  std::array<bool, 256> stops_{}; ///< characters that end an unquoted cell
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0; ///< unread bytes of buffer_
  bool source_ended_ = false, dead_ = false;
  bool cr_only_ = false;  ///< lines end with CR, which is replaced as it comes in
  Status source_failure_; ///< found while reading ahead: given when the records before it have been
  std::int64_t line_ = 1, record_line_ = 1;
  std::vector<CsvField> fields_;
  std::vector<std::uint32_t> quoted_; ///< fields with doubled quotes inside
  Status status_;
};

/// Reads a decimal number as the nearest f64: sign, digits, point, exponent; the whole text must be one.
/// kNotNumber also for hexadecimal; kNotFinite for `inf` and `infinity`; kOutOfRange for a size above the
/// range of f32, in which features are stored (too small for f64 rounds to 0).
enum class NumberParse { kOk, kNotNumber, kOutOfRange, kNotFinite };
NumberParse parse_number(std::string_view text, double& value);

} // namespace tailor::runtime
