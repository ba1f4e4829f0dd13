// Files and memory as byte streams, gzip undone on the way.
#include "runtime/data/csv.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

namespace tailor::runtime {
namespace {

class FileSource final : public ByteSource {
public:
  explicit FileSource(int descriptor) : descriptor_(descriptor) {}
  ~FileSource() override { ::close(descriptor_); }

  Result<std::size_t> read(char* to, std::size_t capacity) override {
    for (;;) {
      const ssize_t count = ::read(descriptor_, to, capacity);
      if (count >= 0) return static_cast<std::size_t>(count);
      if (errno != EINTR) return data_loss("cannot read: ", std::strerror(errno));
    }
  }

private:
  int descriptor_;
};

class MemorySource final : public ByteSource {
public:
  explicit MemorySource(std::string_view bytes) : rest_(bytes) {}

  Result<std::size_t> read(char* to, std::size_t capacity) override {
    const std::size_t count = std::min(capacity, rest_.size());
    std::copy_n(rest_.data(), count, to);
    rest_.remove_prefix(count);
    return count;
  }

private:
  std::string_view rest_;
};

/// Gives `prefix` first, then what `inner` still holds: undoes the look at the first bytes.
class PrefixedSource final : public ByteSource {
public:
  PrefixedSource(std::string prefix, std::unique_ptr<ByteSource> inner)
      : prefix_(std::move(prefix)), inner_(std::move(inner)) {}

  Result<std::size_t> read(char* to, std::size_t capacity) override {
    if (given_ == prefix_.size()) return inner_->read(to, capacity);
    const std::size_t count = std::min(capacity, prefix_.size() - given_);
    std::copy_n(prefix_.data() + given_, count, to);
    given_ += count;
    return count;
  }

private:
  std::string prefix_;
  std::size_t given_ = 0;
  std::unique_ptr<ByteSource> inner_;
};

class GzipSource final : public ByteSource {
public:
  explicit GzipSource(std::unique_ptr<ByteSource> inner) : inner_(std::move(inner)), input_(kInputBytes) {}
  ~GzipSource() override { inflateEnd(&stream_); }

  Status start() {
    if (inflateInit2(&stream_, 15 + 16) != Z_OK) return resource_exhausted("no memory for gzip");
    return {};
  }

  Result<std::size_t> read(char* to, std::size_t capacity) override {
    stream_.next_out = reinterpret_cast<Bytef*>(to);
    stream_.avail_out = static_cast<uInt>(std::min<std::size_t>(capacity, 1u << 30));
    const uInt wanted = stream_.avail_out;
    while (stream_.avail_out == wanted && !ended_) {
      if (stream_.avail_in == 0) {
        TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::size_t count, inner_->read(input_.data(), input_.size()));
        if (count == 0) {
          if (!between_members_)
            return data_loss("gzip data are cut short after ", total_in_, " bytes (", total_out_,
                             " bytes of text)");
          ended_ = true;
          break;
        }
        stream_.next_in = reinterpret_cast<Bytef*>(input_.data());
        stream_.avail_in = static_cast<uInt>(count);
      }
      if (between_members_) {
        // A further member, or the zero bytes some writers pad with.
        if (*stream_.next_in == 0) {
          ++stream_.next_in, --stream_.avail_in;
          continue;
        }
        if (inflateReset(&stream_) != Z_OK) return internal_error("inflateReset failed");
        between_members_ = false;
      }
      const uInt in_before = stream_.avail_in, out_before = stream_.avail_out;
      const int code = inflate(&stream_, Z_NO_FLUSH);
      total_in_ += in_before - stream_.avail_in;
      total_out_ += out_before - stream_.avail_out;
      if (code == Z_STREAM_END)
        between_members_ = true;
      else if (stream_.avail_out < wanted) // what came before the damage first; it is met again
        break;
      else if (code == Z_MEM_ERROR)
        return resource_exhausted("no memory for gzip");
      else if (code != Z_OK && code != Z_BUF_ERROR)
        return data_loss("gzip data are damaged near byte ", total_in_, stream_.msg ? ": " : "",
                         stream_.msg ? stream_.msg : "");
    }
    return static_cast<std::size_t>(wanted - stream_.avail_out);
  }

private:
  static constexpr std::size_t kInputBytes = std::size_t{1} << 16;
  std::unique_ptr<ByteSource> inner_;
  std::vector<char> input_;
  z_stream stream_{};
  std::int64_t total_in_ = 0, total_out_ = 0;
  bool between_members_ = false, ended_ = false;
};

Result<std::unique_ptr<ByteSource>> undo_gzip(std::unique_ptr<ByteSource> source) {
  std::string prefix;
  while (prefix.size() < 2) {
    char bytes[2];
    TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::size_t count, source->read(bytes, 2 - prefix.size()));
    if (count == 0) break;
    prefix.append(bytes, count);
  }
  const bool gzip = prefix == "\x1f\x8b";
  std::unique_ptr<ByteSource> whole = std::make_unique<PrefixedSource>(std::move(prefix), std::move(source));
  if (!gzip) return whole;
  auto unpacked = std::make_unique<GzipSource>(std::move(whole));
  TAILOR_RETURN_IF_ERROR_AS_IS(unpacked->start());
  return std::unique_ptr<ByteSource>(std::move(unpacked));
}

} // namespace

Result<std::unique_ptr<ByteSource>> open_byte_source(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    if (errno == ENOENT) return not_found("'", path, "': no such file");
    return not_found("'", path, "': ", std::strerror(errno));
  }
  auto file = std::make_unique<FileSource>(descriptor);
  struct stat info {};
  if (::fstat(descriptor, &info) == 0 && S_ISDIR(info.st_mode))
    return invalid_argument("'", path, "' is a folder; expected a csv or csv.gz file");
  TAILOR_ASSIGN_OR_RETURN(auto source, undo_gzip(std::move(file)), concat("'", path, "'"));
  return source;
}

Result<std::unique_ptr<ByteSource>> memory_byte_source(std::string_view bytes) {
  return undo_gzip(std::make_unique<MemorySource>(bytes));
}

} // namespace tailor::runtime
