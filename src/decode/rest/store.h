// The datastore of REST: a corpus as token ids with a suffix array, in one mapped file.
//
//   header (64 bytes)  magic, bytes of a token, tokens that an order covers, vocabulary, counts, tokenizer's
//   fingerprint tokens             2 bytes each where the vocabulary allows, else 4; a separator behind every document
//   positions          u32 each: where suffixes begin, sorted; none at a separator
//
// Suffixes are sorted by their first kOrdered tokens only, which is as far as any search and continuation together
// look: sorting takes five rounds of doubling (Manber and Myers 1990), each within the groups that are still equal,
// instead of as many as the longest repetition needs. Building holds 16 bytes a token; the file 6 or 8.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/mapped_file.h"

namespace frugal {

class RestStore {
 public:
  static constexpr int kOrdered = 32;

  // Throws Error(kBadInput) when the file is no store, cut short or inconsistent.
  explicit RestStore(const std::string& path);
  RestStore(std::span<const std::byte> bytes, const std::string& name);  // bytes outlive it
  static bool is_store(std::span<const std::byte> bytes);
  uint64_t fingerprint() const { return fingerprint_; }
  int64_t vocab() const { return vocab_; }
  int64_t tokens() const { return static_cast<int64_t>(count_); }

  struct Hits {
    uint64_t first = 0, last = 0;  // places in the order
    uint64_t count() const { return last - first; }
  };
  // Suffixes that begin with pattern; pattern of at most kOrdered tokens.
  Hits find(std::span<const int32_t> pattern) const;
  // At most `most` tokens behind the pattern's `skip` tokens at that place, ending where the document does.
  void continuation(uint64_t place, size_t skip, size_t most, std::vector<int32_t>& out) const;

 private:
  void read(const std::string& name);
  int64_t token(uint64_t at) const;  // kEnd at a separator and behind the end
  uint64_t position(uint64_t place) const;
  int compare(uint64_t place, std::span<const int32_t> pattern) const;

  std::unique_ptr<MappedFile> file_;
  std::span<const std::byte> bytes_;
  size_t width_ = 0;
  uint64_t count_ = 0, suffixes_ = 0, fingerprint_ = 0;
  int64_t vocab_ = 0;
  const std::byte *tokens_ = nullptr, *positions_ = nullptr;
};

class RestBuilder {
 public:
  RestBuilder(int64_t vocab, uint64_t fingerprint) : vocab_(vocab), fingerprint_(fingerprint) {}
  // Throws Error when an id is outside the vocabulary or there are more tokens than a store holds (2^32 - 1).
  void add(std::span<const int32_t> document);
  void write(const std::string& path) const;
  size_t tokens() const { return tokens_.size(); }

 private:
  int64_t vocab_;
  uint64_t fingerprint_;
  std::vector<uint32_t> tokens_;  // separators: vocab_
};

}  // namespace frugal
