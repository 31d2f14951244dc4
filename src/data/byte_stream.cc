#include "data/byte_stream.h"

#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace frugal::data {
namespace {

constexpr size_t kBuffer = 256 << 10;
constexpr std::string_view kGzip = "\x1f\x8b\x08", kZstd = "\x28\xb5\x2f\xfd";

class File {
 public:
  explicit File(const std::string& path) : path_(path), fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (fd_ < 0) fail(ErrorCode::kNotFound, "data", "cannot open '{}': {}", path, std::strerror(errno));
  }
  ~File() { ::close(fd_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  size_t read_at(uint64_t at, char* to, size_t room) const {
    const ssize_t n = ::pread(fd_, to, room, static_cast<off_t>(at));
    if (n < 0) fail(ErrorCode::kIo, "data", "cannot read '{}': {}", path_, std::strerror(errno));
    return static_cast<size_t>(n);
  }

 private:
  std::string path_;
  int fd_;
};

class PlainStream : public ByteStream {
 public:
  explicit PlainStream(const Part& part) : file_(part.path), at_(part.begin), end_(part.end) {}
  size_t read(char* to, size_t room, Faults&) override {
    const size_t n = file_.read_at(at_, to, std::min<uint64_t>(room, end_ - at_));
    at_ += n;
    return n;
  }

 private:
  File file_;
  uint64_t at_, end_;
};

// What the two packed forms share: an input buffer, and the search for the next member after a fault.
class PackedStream : public ByteStream {
 public:
  PackedStream(const std::string& path, std::string_view magic) : file_(path), magic_(magic), in_(kBuffer) {}
  bool broken() override { return std::exchange(broken_, false); }

  size_t read(char* to, size_t room, Faults& faults) override {
    while (true) {
      if (broken_) return 0;  // asked for first
      if (from_ == to_ && !pending_ && !refill()) {
        if (inside_) fault(faults, "compressed data ends early");
        inside_ = false;
        return 0;
      }
      if (!inside_ && !seek_member()) continue;
      size_t made = 0;
      if (!step(to, room, made)) {
        fault(faults, "compressed data broken");
        inside_ = false;
        if (from_ < to_) ++from_;  // not the same place again
      }
      pending_ = inside_ && made == room;
      if (made > 0) return made;
    }
  }

 protected:
  // Unpacks from [from_, to_) and moves from_; clears inside_ at a member's end; false: the data is wrong.
  virtual bool step(char* to, size_t room, size_t& made) = 0;
  virtual void start() = 0;  // a member begins at from_

  std::vector<char>& in() { return in_; }
  size_t from_ = 0, to_ = 0;
  bool inside_ = false;

 private:
  bool refill() {
    from_ = 0;
    to_ = file_.read_at(at_, in_.data(), in_.size());
    at_ += to_;
    return to_ > 0;
  }
  void fault(Faults& faults, const char* what) {
    ++faults[what];
    broken_ = true;
  }
  // Moves to the next place where a member seems to begin; false when the buffer holds none.
  bool seek_member() {
    keep_tail();
    const std::string_view rest(in_.data() + from_, to_ - from_);
    const size_t found = rest.find(magic_);
    if (found == std::string_view::npos) {
      from_ = to_;
      return false;
    }
    from_ += found;
    inside_ = true;
    start();
    return true;
  }
  // The magic bytes may lie across two fills.
  void keep_tail() {
    if (to_ - from_ >= magic_.size()) return;
    std::memmove(in_.data(), in_.data() + from_, to_ - from_);
    to_ -= from_;
    from_ = 0;
    const size_t more = file_.read_at(at_, in_.data() + to_, in_.size() - to_);
    at_ += more;
    to_ += more;
  }

  File file_;
  std::string_view magic_;
  std::vector<char> in_;
  uint64_t at_ = 0;
  bool broken_ = false, pending_ = false;  // pending: unpacked bytes may wait though the input is used up
};

class GzipStream : public PackedStream {
 public:
  explicit GzipStream(const std::string& path) : PackedStream(path, kGzip) {
    if (inflateInit2(&z_, 15 + 16) != Z_OK) throw std::bad_alloc();
  }
  ~GzipStream() override { inflateEnd(&z_); }

 private:
  void start() override { inflateReset(&z_); }
  bool step(char* to, size_t room, size_t& made) override {
    z_.next_in = reinterpret_cast<Bytef*>(in().data() + from_);
    z_.avail_in = static_cast<uInt>(to_ - from_);
    z_.next_out = reinterpret_cast<Bytef*>(to);
    z_.avail_out = static_cast<uInt>(std::min<size_t>(room, 1u << 30));
    const uInt before = z_.avail_out;
    const int status = inflate(&z_, Z_NO_FLUSH);
    made = before - z_.avail_out;
    from_ = to_ - z_.avail_in;
    if (status == Z_STREAM_END) inside_ = false;
    return status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR;
  }
  z_stream z_{};
};

class ZstdStream : public PackedStream {
 public:
  explicit ZstdStream(const std::string& path) : PackedStream(path, kZstd), z_(ZSTD_createDCtx()) {
    if (z_ == nullptr) throw std::bad_alloc();
  }
  ~ZstdStream() override { ZSTD_freeDCtx(z_); }

 private:
  void start() override { ZSTD_DCtx_reset(z_, ZSTD_reset_session_only); }
  bool step(char* to, size_t room, size_t& made) override {
    ZSTD_inBuffer in_buffer{in().data() + from_, to_ - from_, 0};
    ZSTD_outBuffer out{to, room, 0};
    const size_t status = ZSTD_decompressStream(z_, &out, &in_buffer);
    made = out.pos;
    from_ += in_buffer.pos;
    if (status == 0) inside_ = false;
    return ZSTD_isError(status) == 0;
  }
  ZSTD_DCtx* z_;
};

std::string first_bytes(const std::string& path) {
  std::string head(4, 0);
  head.resize(File(path).read_at(0, head.data(), head.size()));
  return head;
}

void gzip(std::string& bytes) {
  z_stream z{};
  if (deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) throw std::bad_alloc();
  std::string out(deflateBound(&z, bytes.size()), 0);
  z.next_in = reinterpret_cast<Bytef*>(bytes.data());
  z.avail_in = static_cast<uInt>(bytes.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  deflate(&z, Z_FINISH);
  out.resize(out.size() - z.avail_out);
  deflateEnd(&z);
  bytes = std::move(out);
}

}  // namespace

bool is_packed(const std::string& path) {
  const std::string head = first_bytes(path);
  return head.starts_with(kGzip) || head.starts_with(kZstd);
}

std::unique_ptr<ByteStream> open_stream(const Part& part) {
  const std::string head = first_bytes(part.path);
  if (head.starts_with(kGzip)) return std::make_unique<GzipStream>(part.path);
  if (head.starts_with(kZstd)) return std::make_unique<ZstdStream>(part.path);
  return std::make_unique<PlainStream>(part);
}

void pack_bytes(const std::string& name, std::string& bytes) {
  if (bytes.empty()) return;
  if (name.ends_with(".gz")) return gzip(bytes);
  if (!name.ends_with(".zst")) return;
  std::string out(ZSTD_compressBound(bytes.size()), 0);
  out.resize(ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), 3));
  bytes = std::move(out);
}

}  // namespace frugal::data
