// What fastText's training, model files and predictions agree on: how a text is cut into words and how they are hashed.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace frugal::data {

constexpr std::string_view kFastTextEnd = "</s>", kFastTextPrefix = "__label__";
constexpr int32_t kFastTextMagic = 793712314;
constexpr uint32_t kFastTextHashStart = 2166136261u;

// FNV-1a over signed bytes, as the format has it: bytes beyond ASCII spread their sign.
inline uint32_t fasttext_step(uint32_t h, char c) {
  return (h ^ static_cast<uint32_t>(static_cast<int32_t>(static_cast<signed char>(c)))) * 16777619u;
}
inline uint32_t fasttext_hash(std::string_view word) {
  uint32_t h = kFastTextHashStart;
  for (char c : word) h = fasttext_step(h, c);
  return h;
}

inline bool fasttext_blank(char c) { return c == ' ' || (c >= 9 && c <= 13) || c == 0; }

// Calls visit(word) for each word between white space, and for the end of the text.
template <typename Visit>
void for_each_fasttext_word(std::string_view text, Visit visit) {
  for (size_t at = 0; at < text.size();) {
    while (at < text.size() && fasttext_blank(text[at])) ++at;
    const size_t begin = at;
    while (at < text.size() && !fasttext_blank(text[at])) ++at;
    if (at > begin) visit(text.substr(begin, at - begin));
  }
  visit(kFastTextEnd);
}

// Calls visit(bucket) for each run of two to `longest` words, in the reference's order; hashes: of the words.
template <typename Visit>
void for_each_word_ngram(const std::vector<int32_t>& hashes, int32_t longest, uint64_t buckets, Visit visit) {
  for (size_t i = 0; i < hashes.size(); ++i) {
    auto h = static_cast<uint64_t>(static_cast<int64_t>(hashes[i]));
    for (size_t j = i + 1; j < hashes.size() && j < i + static_cast<size_t>(longest); ++j) {
      h = h * 116049371 + static_cast<uint64_t>(static_cast<int64_t>(hashes[j]));
      visit(static_cast<uint32_t>(h % buckets));
    }
  }
}

}  // namespace frugal::data
