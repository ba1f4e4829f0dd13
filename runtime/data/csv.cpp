#include "runtime/data/csv.h"

#include <algorithm>
#include <cstring>

namespace tailor::runtime {
namespace {

constexpr std::size_t kBlockBytes = std::size_t{1} << 18;
constexpr std::string_view kSeparators = ";,\t|"; ///< looked for, in this order

/// Counts a candidate separator in each whole line of the head of a file, cells in quotes passed over.
std::vector<std::int64_t> count_per_line(std::string_view head, char separator, std::size_t max_lines) {
  std::vector<std::int64_t> counts;
  std::int64_t count = 0;
  bool quoted = false, any = false;
  for (const char c : head) {
    if (c == '"') quoted = !quoted;
    if (c == '\n' && !quoted) {
      if (any) counts.push_back(count);
      if (counts.size() == max_lines) return counts;
      count = 0, any = false;
      continue;
    }
    if (c != '\r' && c != ' ') any = true;
    if (c == separator && !quoted) ++count;
  }
  if (any) counts.push_back(count);
  return counts;
}

std::string describe_separator(char separator) {
  switch (separator) {
  case ',':
    return "comma";
  case ';':
    return "semicolon";
  case '\t':
    return "tab";
  }
  return concat("'", separator, "'");
}

} // namespace

Result<char> parse_separator(std::string_view text) {
  for (const auto& [name, separator] :
       {std::pair("auto", '\0'), std::pair("tab", '\t'), std::pair("\\t", '\t'), std::pair("\t", '\t'),
        std::pair("comma", ','), std::pair("semicolon", ';')})
    if (text == name) return separator;
  const auto inside_cells = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '"' ||
           c == '\'';
  };
  if (text.size() == 1 && text[0] > ' ' && text[0] < 0x7F && !inside_cells(text[0])) return text[0];
  return invalid_argument("separator '", text,
                          "', expected auto, tab or one character that is no letter, digit, quote or blank");
}

Result<std::unique_ptr<CsvRecords>> CsvRecords::open(std::unique_ptr<ByteSource> source, std::string name,
                                                     char separator) {
  if (separator == '"' || separator == '\n' || separator == '\r' || separator == ' ')
    return invalid_argument("'", name, "': a quote, blank or line end cannot separate cells");
  std::unique_ptr<CsvRecords> records(new CsvRecords);
  records->source_ = std::move(source);
  records->name_ = std::move(name);
  records->buffer_.resize(kBlockBytes);
  if (!records->refill()) return records->status_;
  const std::string_view head(records->buffer_.data(), records->end_);
  if (head.starts_with("\xEF\xBB\xBF")) records->begin_ = 3;
  if (head.find('\n') == std::string_view::npos && head.find('\r') != std::string_view::npos) {
    records->cr_only_ = true;
    std::replace(records->buffer_.begin(),
                 records->buffer_.begin() + static_cast<std::ptrdiff_t>(head.size()), '\r', '\n');
  }
  if (separator == 0)
    records->find_separator();
  else
    records->set_separator(separator);
  return records;
}

void CsvRecords::set_separator(char separator) {
  separator_ = separator;
  stops_.fill(false);
  for (const char c : {separator, '\n', '\0'})
    stops_[static_cast<unsigned char>(c)] = true;
}

void CsvRecords::find_separator() {
  constexpr std::size_t kLines = 50;
  const std::string_view head(buffer_.data() + begin_, end_ - begin_);
  char best = ',';
  std::int64_t best_lines = 0, best_count = 0;
  std::size_t num_lines = 0;
  for (const char candidate : kSeparators) {
    const std::vector<std::int64_t> counts = count_per_line(head, candidate, kLines);
    if (counts.empty() || counts[0] == 0) continue;
    // The candidate that cuts most lines into as many cells as the first one; then the one that cuts more. But
    // where another one does as well, a bar is text, and commas beside semicolons are those of 95,85.
    const std::int64_t lines = std::count(counts.begin(), counts.end(), counts[0]);
    const bool yields = candidate == '|' || (candidate == ',' && best == ';');
    if (lines > best_lines || (lines == best_lines && counts[0] > best_count && !yields)) {
      best = candidate, best_lines = lines, best_count = counts[0];
      num_lines = counts.size();
    }
  }
  set_separator(best);
  separator_reason_ = best_lines == 0 ? "no comma, semicolon, tab or | in the first line: one column"
                                      : concat(describe_separator(best), ": ", best_lines, " of the first ",
                                               num_lines, " lines have ", best_count, " of them");
}

/// Makes room and reads on; false after failed().
bool CsvRecords::refill() {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_, begin_ = 0;
  }
  if (end_ == buffer_.size()) {
    if (end_ >= kMaxRecordBytes + kBlockBytes) {
      failed(invalid_argument(name_, ":", line_, ":1: record is longer than ", kMaxRecordBytes,
                              " bytes, expected a line end"));
      return false;
    }
    buffer_.resize(std::min(end_ * 2, kMaxRecordBytes + kBlockBytes));
  }
  if (source_failure_.ok()) {
    const std::size_t had = end_;
    source_failure_ = read_ahead();
    if (cr_only_)
      std::replace(buffer_.begin() + static_cast<std::ptrdiff_t>(had),
                   buffer_.begin() + static_cast<std::ptrdiff_t>(end_), '\r', '\n');
    if (source_failure_.ok() || end_ > had) return true;
  }
  failed(std::move(source_failure_).with_context(concat(name_, ":", line_)));
  return false;
}

/// Fills the buffer as far as the source goes.
Status CsvRecords::read_ahead() {
  while (end_ < buffer_.size() && !source_ended_) {
    TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::size_t count,
                                  source_->read(buffer_.data() + end_, buffer_.size() - end_));
    source_ended_ = count == 0;
    end_ += count;
  }
  return {};
}

/// Passes over the rest of a malformed record; false after failed().
bool CsvRecords::skip_line() {
  for (;;) {
    const char* from = buffer_.data() + begin_;
    if (const void* found = std::memchr(from, '\n', end_ - begin_)) {
      begin_ = static_cast<std::size_t>(static_cast<const char*>(found) - buffer_.data()) + 1;
      ++line_;
      return true;
    }
    begin_ = end_;
    if (source_ended_) return true;
    if (!refill()) return false;
  }
}

CsvRecords::Scan CsvRecords::failed(Status status) {
  status_ = std::move(status);
  dead_ = true;
  return Scan::kFailed;
}

CsvRecords::Scan CsvRecords::malformed(const char* at, std::string what) {
  const auto offset = static_cast<std::int32_t>(at - (buffer_.data() + begin_));
  status_ = invalid_argument(where(offset), ": ", what);
  line_ += std::count<const char*>(buffer_.data() + begin_, at, '\n');
  begin_ = static_cast<std::size_t>(at - buffer_.data());
  if (!skip_line()) return Scan::kFailed;
  return Scan::kMalformed;
}

std::string CsvRecords::where(std::int32_t offset) const {
  return concat(name_, ":", record_line_, ":", offset + 1);
}

void CsvRecords::undo_quotes(CsvField& field) {
  char* text = const_cast<char*>(field.text.data());
  std::size_t kept = 0;
  for (std::size_t i = 0; i < field.text.size(); ++i) {
    text[kept++] = text[i];
    if (text[i] == '"') ++i; // the second of a pair
  }
  field.text = {text, kept};
}

/// One record from begin_. kMore: it does not end inside the buffer; nothing was consumed.
CsvRecords::Scan CsvRecords::scan() {
  fields_.clear();
  quoted_.clear();
  record_line_ = line_;
  const char* const start = buffer_.data() + begin_;
  const char* const end = buffer_.data() + end_;
  if (start == end) return source_ended_ ? Scan::kEnd : Scan::kMore;
  const auto is_blank = [&](char c) { return c == ' ' || c == '\r' || (c == '\t' && separator_ != '\t'); };
  std::int64_t num_lines = 1;
  bool any_quote = false;
  for (const char* p = start;; ++p) {
    const char* cell = p;
    while (p < end && is_blank(*p))
      ++p;
    const char* text_begin = p;
    const char* text_end = p;
    if (p < end && *p == '"') {
      any_quote = true;
      bool doubled = false;
      for (text_begin = ++p;; ++p) {
        while (p < end && *p != '"' && *p != '\n' && *p != '\0')
          ++p;
        if (p == end || *p == '\0') break;
        if (*p == '\n') {
          ++num_lines;
          continue;
        }
        if (p + 1 == end || p[1] != '"') break;
        doubled = true;
        ++p;
      }
      if (p == end || (p + 1 == end && !source_ended_)) {
        if (!source_ended_) return Scan::kMore;
        return failed(data_loss(where(static_cast<std::int32_t>(cell - start)),
                                ": this quote is never closed, expected '\"' before the end of the file"));
      }
      text_end = p;
      if (*p == '"') {
        if (doubled) quoted_.push_back(static_cast<std::uint32_t>(fields_.size()));
        ++p;
        while (p < end && is_blank(*p))
          ++p;
        if (p < end && *p != separator_ && *p != '\n' && *p != '\0')
          return malformed(p, "text after a closing quote, expected a separator or the end of the line");
      }
    } else {
      while (p < end && !stops_[static_cast<unsigned char>(*p)])
        ++p;
      text_end = p;
      while (text_end > text_begin && is_blank(text_end[-1]))
        --text_end;
    }
    if (p == end && !source_ended_) return Scan::kMore;
    if (p < end && *p == '\0')
      return failed(data_loss(where(static_cast<std::int32_t>(p - start)),
                              ": NUL byte, expected text (a binary file, or UTF-16)"));
    if (fields_.size() == kMaxFields)
      return failed(invalid_argument(where(static_cast<std::int32_t>(cell - start)), ": more than ",
                                     kMaxFields, " cells, expected a line end"));
    fields_.push_back({{text_begin, static_cast<std::size_t>(text_end - text_begin)},
                       static_cast<std::int32_t>(text_begin - start)});
    if (p < end && *p == separator_) continue;
    begin_ = static_cast<std::size_t>(p - buffer_.data()) + (p < end);
    line_ += num_lines;
    break;
  }
  if (fields_.size() == 1 && fields_[0].text.empty() && !any_quote) return Scan::kBlank;
  for (const std::uint32_t field : quoted_)
    undo_quotes(fields_[field]);
  return Scan::kRecord;
}

CsvRecords::Next CsvRecords::next() {
  while (!dead_) {
    switch (scan()) {
    case Scan::kRecord:
      return Next::kRecord;
    case Scan::kEnd:
      return Next::kEnd;
    case Scan::kMalformed:
      return Next::kMalformed;
    case Scan::kFailed:
      return Next::kFailed;
    case Scan::kBlank:
      break;
    case Scan::kMore:
      refill();
      break;
    }
  }
  return Next::kFailed;
}

} // namespace tailor::runtime
