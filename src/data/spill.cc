#include "data/spill.h"

#include <filesystem>

#include "base/error.h"
#include "data/byte_stream.h"

namespace frugal::data {
namespace {

constexpr uint64_t kMagic = 0x31534c4c49505346;

struct Header {
  uint64_t magic = kMagic;
  uint64_t bytes = 0;  // all of it, header included
  uint64_t first_row = 0;
  uint64_t rows = 0;
};

template <typename T>
void put(std::string& out, const T& value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}
void put_texts(std::string& out, const std::vector<std::string_view>& texts, const Batch& b) {
  for (size_t r = 0; r < b.rows(); ++r)
    if (b.verdict[r] == kKept) put(out, static_cast<uint64_t>(texts[r].size())), out.append(texts[r]);
}

// Reads what put() wrote; a file cut short (by a full disk, say) is an error, not a crash.
class Cursor {
 public:
  explicit Cursor(std::string_view bytes) : at_(bytes.data()), end_(at_ + bytes.size()) {}
  template <typename T>
  T take() {
    T value;
    std::memcpy(&value, bytes(sizeof value), sizeof value);
    return value;
  }
  std::string_view text() {
    const auto n = take<uint64_t>();
    return {bytes(n), n};
  }

 private:
  const char* bytes(uint64_t n) {
    if (n > static_cast<uint64_t>(end_ - at_))
      fail(ErrorCode::kBadInput, "data", "found a damaged intermediate file, expected a whole one: start anew");
    return std::exchange(at_, at_ + n);
  }
  const char *at_, *end_;
};

class SpillReader : public BlockReader {
 public:
  explicit SpillReader(const Part& part) : stream_(open_stream(part)) {}
  bool next(RawBlock& block, Faults& faults) override {
    Header header;
    if (read(reinterpret_cast<char*>(&header), sizeof header, faults) == 0) return false;
    if (header.magic != kMagic || header.bytes < sizeof header || header.bytes > (uint64_t{1} << 40))
      fail(ErrorCode::kBadInput, "data", "found a damaged intermediate file: start anew");
    block.bytes.resize(header.bytes + kPadding);
    std::memcpy(block.bytes.data(), &header, sizeof header);
    block.size = sizeof header + read(block.bytes.data() + sizeof header, header.bytes - sizeof header, faults);
    return true;
  }

 private:
  size_t read(char* to, size_t bytes, Faults& faults) {
    size_t done = 0;
    while (done < bytes) {
      const size_t n = stream_->read(to + done, bytes - done, faults);
      if (n == 0) break;
      done += n;
    }
    return done;
  }
  std::unique_ptr<ByteStream> stream_;
};

class SpillSource : public Source {
 public:
  SpillSource(std::vector<std::string> files, std::vector<Column> columns)
      : files_(std::move(files)), columns_(std::move(columns)) {}
  std::vector<Part> parts() const override {
    std::vector<Part> parts;
    for (const std::string& f : files_) parts.push_back({f, 0, std::filesystem::file_size(f)});
    return parts;
  }
  std::unique_ptr<BlockReader> open(const Part& part) const override { return std::make_unique<SpillReader>(part); }

  void parse(RawBlock block, Batch& batch, Faults&) const override {
    read_spilled({block.bytes.data(), block.size}, columns_, batch);
    batch.arena.adopt(std::move(block.bytes));  // the views stay: a moved vector keeps its memory
  }

 private:
  std::vector<std::string> files_;
  std::vector<Column> columns_;
};

}  // namespace

void spill_batch(const Batch& b, const std::vector<Column>& columns, std::string& out) {
  Header header;
  for (uint16_t v : b.verdict) header.rows += v == kKept ? 1 : 0;
  const size_t begin = out.size();
  put(out, header);
  put_texts(out, b.text, b);
  put_texts(out, b.id, b);
  put_texts(out, b.meta, b);
  for (size_t c = 0; c < columns.size(); ++c) {
    if (columns[c].is_text) {
      put_texts(out, b.labels[c], b);
      continue;
    }
    for (size_t r = 0; r < b.rows(); ++r)
      if (b.verdict[r] == kKept) put(out, b.numbers[c][r]);
  }
  header.bytes = out.size() - begin;
  std::memcpy(out.data() + begin, &header, sizeof header);
}

void read_spilled(std::string_view spilled, const std::vector<Column>& columns, Batch& batch) {
  Cursor in(spilled);
  const auto header = in.take<Header>();
  std::vector<std::string_view> texts[3];
  for (auto& list : texts)
    for (uint64_t r = 0; r < header.rows; ++r) list.push_back(in.text());
  for (uint64_t r = 0; r < header.rows; ++r) batch.add(texts[0][r], texts[1][r], texts[2][r]);
  batch.first_row = header.first_row;
  batch.set_columns(columns);
  for (size_t c = 0; c < columns.size(); ++c) {
    for (uint64_t r = 0; r < header.rows; ++r) {
      if (columns[c].is_text)
        batch.labels[c][r] = in.text();
      else
        batch.numbers[c][r] = in.take<double>();
    }
  }
}

void set_first_row(std::string& spilled, uint64_t first_row) {
  std::memcpy(spilled.data() + offsetof(Header, first_row), &first_row, sizeof first_row);
}

std::unique_ptr<Source> spill_source(std::vector<std::string> files, std::vector<Column> columns) {
  return std::make_unique<SpillSource>(std::move(files), std::move(columns));
}

}  // namespace frugal::data
