#include "decode/rest/store.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/byte_reader.h"
#include "base/error.h"
#include "io/output_file.h"

namespace frugal {
namespace {

constexpr char kMagic[8] = {'f', 'r', 'g', 'l', 'R', 'E', 'S', 'T'};
constexpr uint32_t kVersion = 1;
constexpr size_t kHeader = 64;
constexpr int64_t kEnd = -1;

size_t width_of(int64_t vocab) { return vocab < 0xFFFF ? 2 : 4; }  // the separator is one more value
uint64_t padded(uint64_t bytes) { return (bytes + 7) / 8 * 8; }

// Places of all suffixes of documents, sorted by their first RestStore::kOrdered tokens, of equals the earlier one
// first.
std::vector<uint32_t> sorted_suffixes(const std::vector<uint32_t>& tokens, uint32_t separator) {
  std::vector<uint32_t> order, rank(tokens.size(), 0), fresh;
  for (size_t i = 0; i < tokens.size(); ++i)
    if (tokens[i] != separator) order.push_back(static_cast<uint32_t>(i));
  std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return tokens[a] < tokens[b]; });
  for (size_t i = 0; i < order.size(); ++i)
    rank[order[i]] =
        i > 0 && tokens[order[i]] == tokens[order[i - 1]] ? rank[order[i - 1]] : static_cast<uint32_t>(i + 1);
  for (size_t known = 1; known < RestStore::kOrdered; known *= 2) {
    auto next = [&](uint32_t at) { return at + known < tokens.size() ? rank[at + known] : 0; };  // 0: the document ends
    for (size_t first = 0, last; first < order.size(); first = last) {
      for (last = first + 1; last < order.size() && rank[order[last]] == rank[order[first]];) ++last;
      if (last - first == 1) continue;
      const auto begin = order.begin() + static_cast<std::ptrdiff_t>(first),
                 end = order.begin() + static_cast<std::ptrdiff_t>(last);
      std::sort(begin, end, [&](uint32_t a, uint32_t b) { return std::pair(next(a), a) < std::pair(next(b), b); });
      fresh.clear();
      for (size_t i = first; i < last; ++i)
        fresh.push_back(i > first && next(order[i]) == next(order[i - 1]) ? fresh.back()
                                                                          : static_cast<uint32_t>(i + 1));
      for (size_t i = first; i < last; ++i) rank[order[i]] = fresh[i - first];
    }
  }
  return order;
}

}  // namespace

void RestBuilder::add(std::span<const int32_t> document) {
  if (document.empty()) return;
  if (tokens_.size() + document.size() + 1 > 0xFFFFFFFFu)
    fail(ErrorCode::kUnsupported, "store", "more than {} tokens in one store", 0xFFFFFFFFu);
  for (int32_t id : document) {
    if (id < 0 || id >= vocab_)
      fail(ErrorCode::kBadInput, "store", "token id {} is outside the vocabulary of {}", id, vocab_);
    tokens_.push_back(static_cast<uint32_t>(id));
  }
  tokens_.push_back(static_cast<uint32_t>(vocab_));
}

void RestBuilder::write(const std::string& path) const {
  const std::vector<uint32_t> order = sorted_suffixes(tokens_, static_cast<uint32_t>(vocab_));
  const size_t width = width_of(vocab_);
  OutputFile out(path);
  auto put = [&](auto value) { out.write(&value, sizeof value); };
  out.write(kMagic, sizeof kMagic);
  for (uint32_t value :
       {kVersion, static_cast<uint32_t>(width), uint32_t{RestStore::kOrdered}, static_cast<uint32_t>(vocab_)})
    put(value);
  for (uint64_t value : {uint64_t{tokens_.size()}, uint64_t{order.size()}, fingerprint_, uint64_t{0}, uint64_t{0}})
    put(value);
  std::string bytes(padded(tokens_.size() * width), '\0');
  for (size_t i = 0; i < tokens_.size(); ++i) std::memcpy(&bytes[i * width], &tokens_[i], width);  // little-endian
  out.write(bytes.data(), bytes.size());
  out.write(order.data(), order.size() * sizeof(uint32_t));
  out.commit();
}

RestStore::RestStore(const std::string& path) : file_(std::make_unique<MappedFile>(path)), bytes_(file_->bytes()) {
  read(path);
}

RestStore::RestStore(std::span<const std::byte> bytes, const std::string& name) : bytes_(bytes) { read(name); }

bool RestStore::is_store(std::span<const std::byte> bytes) {
  return bytes.size() >= sizeof kMagic && std::memcmp(bytes.data(), kMagic, sizeof kMagic) == 0;
}

void RestStore::read(const std::string& name) {
  ByteReader in(bytes_, "store", name);
  if (in.left() < kHeader || in.text(sizeof kMagic, "the beginning") != std::string(kMagic, sizeof kMagic))
    fail(ErrorCode::kBadInput, "store", "{} is no datastore; `frugal store build` makes one", name);
  const auto version = in.number<uint32_t>("version");
  if (version != kVersion)
    fail(ErrorCode::kUnsupported, "store", "{} has version {}, expected {}", name, version, kVersion);
  width_ = in.number<uint32_t>("width");
  const auto ordered = in.number<uint32_t>("order");
  vocab_ = in.number<uint32_t>("vocabulary");
  count_ = in.number<uint64_t>("tokens");
  suffixes_ = in.number<uint64_t>("suffixes");
  fingerprint_ = in.number<uint64_t>("fingerprint");
  if (width_ != width_of(vocab_) || ordered != kOrdered || suffixes_ > count_ || count_ > 0xFFFFFFFFu)
    fail(ErrorCode::kBadInput, "store",
         "{} contradicts itself: {}-byte tokens for a vocabulary of {}, {} suffixes of {} tokens", name, width_, vocab_,
         suffixes_, count_);
  const uint64_t expected = kHeader + padded(count_ * width_) + suffixes_ * sizeof(uint32_t);
  if (bytes_.size() != expected)
    fail(ErrorCode::kBadInput, "store", "{} has {} bytes, expected {}: it was cut short or changed", name,
         bytes_.size(), expected);
  tokens_ = bytes_.data() + kHeader;
  positions_ = tokens_ + padded(count_ * width_);
}

int64_t RestStore::token(uint64_t at) const {
  if (at >= count_) return kEnd;
  uint32_t value = 0;
  std::memcpy(&value, tokens_ + at * width_, width_);
  return value < vocab_ ? static_cast<int64_t>(value) : kEnd;
}

uint64_t RestStore::position(uint64_t place) const {
  uint32_t value;
  std::memcpy(&value, positions_ + place * sizeof value, sizeof value);
  return value;
}

// Of the suffix at that place with the pattern: below, equal as far as it goes, above.
int RestStore::compare(uint64_t place, std::span<const int32_t> pattern) const {
  const uint64_t at = position(place);
  for (size_t i = 0; i < pattern.size(); ++i)
    if (const int64_t t = token(at + i); t != pattern[i]) return t < pattern[i] ? -1 : 1;
  return 0;
}

RestStore::Hits RestStore::find(std::span<const int32_t> pattern) const {
  auto first_not = [&](auto below) {
    uint64_t low = 0, high = suffixes_;
    while (low < high) {
      const uint64_t middle = low + (high - low) / 2;
      if (below(compare(middle, pattern)))
        low = middle + 1;
      else
        high = middle;
    }
    return low;
  };
  const uint64_t first = first_not([](int c) { return c < 0; });
  return {first, std::max(first, first_not([](int c) { return c <= 0; }))};  // a damaged file may be in no order
}

void RestStore::continuation(uint64_t place, size_t skip, size_t most, std::vector<int32_t>& out) const {
  out.clear();
  const uint64_t at = position(place) + skip;
  for (size_t i = 0; i < most; ++i) {
    const int64_t t = token(at + i);
    if (t == kEnd) return;
    out.push_back(static_cast<int32_t>(t));
  }
}

}  // namespace frugal
