#include "data/web/warc.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace frugal::data {
namespace {

constexpr std::string_view kMark = "WARC/";
constexpr size_t kLongestHeader = 64 << 10, kRead = 256 << 10;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

std::string_view header_field(std::string_view header, std::string_view name) {
  for (size_t at = 0; at < header.size();) {
    const size_t end = std::min(header.find('\n', at), header.size());
    std::string_view line = header.substr(at, end - at);
    at = end + 1;
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos || !same_name(line.substr(0, colon), name)) continue;
    line.remove_prefix(colon + 1);
    while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
    while (!line.empty() && static_cast<unsigned char>(line.back()) <= ' ') line.remove_suffix(1);
    return line;
  }
  return {};
}

// Makes `bytes` bytes from at_ on available; false when the stream ends, or is cut, before.
bool WarcCutter::fill(size_t bytes, Faults& faults) {
  if (left().size() >= bytes) return true;
  if (at_ > 0) {
    data_.erase(data_.begin(), data_.begin() + static_cast<std::ptrdiff_t>(at_));
    at_ = 0;
  }
  while (data_.size() < bytes && !ended_ && !cut_) {
    const size_t size = data_.size(),
                 want = std::max(kRead, std::min(bytes - size, size + kRead));  // grows with what is there
    data_.resize(size + want);
    const size_t n = stream_->read(data_.data() + size, want, faults);
    data_.resize(size + n);
    if (stream_->broken())
      cut_ = true;
    else
      ended_ = n == 0;
  }
  return data_.size() >= bytes;
}

// Moves to the next "WARC/" at the start of a line.
bool WarcCutter::find_start(Faults& faults) {
  bool counted = false;
  for (;;) {
    while (fill(1, faults) && static_cast<unsigned char>(data_[at_]) <= ' ') ++at_;
    if (fill(kMark.size(), faults) && left().starts_with(kMark)) return true;
    if (left().size() < kMark.size()) {
      at_ = data_.size();
      if (ended_) return false;
      cut_ = false;
      continue;
    }
    if (!std::exchange(counted, true)) ++faults["bytes between records"];
    const size_t line = left().find('\n');
    at_ = line == std::string_view::npos ? data_.size() : at_ + line + 1;
  }
}

// Bytes up to and with the empty line; 0: there is none.
size_t WarcCutter::find_header_end(Faults& faults) {
  for (size_t room = 1024;; room *= 4) {
    const bool enough = fill(room, faults);
    const std::string_view seen = left().substr(0, kLongestHeader);
    const size_t wide = seen.find("\r\n\r\n"), narrow = seen.find("\n\n");
    if (wide != std::string_view::npos || narrow != std::string_view::npos)
      return wide < narrow ? wide + 4 : narrow + 2;
    if (!enough || room >= kLongestHeader) return 0;
  }
}

bool WarcCutter::skip(size_t bytes, Faults& faults) {
  while (bytes > 0 && fill(1, faults)) {
    const size_t n = std::min(bytes, left().size());
    at_ += n;
    bytes -= n;
  }
  return bytes == 0;
}

// Behind a record two line ends stand, then the next one or the end.
void WarcCutter::check_end(Faults& faults) const {
  std::string_view rest = left();
  while (!rest.empty() && (rest.front() == '\r' || rest.front() == '\n')) rest.remove_prefix(1);
  if (!rest.empty() && !rest.starts_with(kMark.substr(0, std::min(rest.size(), kMark.size()))))
    ++faults["wrong record length"];
}

bool WarcCutter::next(WarcRecord& record, Faults& faults) {
  while (find_start(faults)) {
    const size_t header = find_header_end(faults);
    if (header == 0) {
      ++faults["record header without end"];
      at_ += kMark.size();
      continue;
    }
    const std::string_view length = header_field(left().substr(0, header), "Content-Length");
    uint64_t body = 0;
    const auto [end, error] = std::from_chars(length.data(), length.data() + length.size(), body);
    if (length.empty() || error != std::errc() || end != length.data() + length.size()) {
      ++faults["record without length"];
      at_ += header;
      continue;
    }
    if (body > longest_) {
      ++faults["record too long"];
      at_ += header;
      skip(static_cast<size_t>(body), faults);
      continue;
    }
    if (!fill(header + static_cast<size_t>(body) + 4 + kMark.size(), faults) && left().size() < header + body) {
      ++faults["record cut short"];
      at_ += kMark.size();  // another may begin inside
      if (cut_) at_ = data_.size();
      continue;
    }
    const size_t begin = at_;
    at_ += header + static_cast<size_t>(body);
    check_end(faults);
    record.header = {data_.data() + begin, header};
    record.body = {data_.data() + begin + header, static_cast<size_t>(body)};
    return true;
  }
  return false;
}

}  // namespace frugal::data
