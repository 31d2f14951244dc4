// MinHash signatures: of each of k random permutations of all n-grams ("shingles"), the least value in a document. Two
// documents agree in a share of their k values that estimates the Jaccard similarity of their sets of n-grams.
//
// A. Broder, "On the Resemblance and Containment of Documents", 1997. The permutations are datatrove 0.10.1's: ((x a +
// b) mod 2^64) mod (2^61 - 1), where the product wraps at 64 bits, a and b drawn as NumPy's RandomState(seed).randint
// draws them. Shingles are
//   fast    of the words in lower case without signs and accents, numbers as 0, by a rolling hash of word hashes
//   xxh64   datatrove's: simplify_text, words as asked for, n of them joined by a blank, xxHash64 of that
//   sha1    the same with the first eight bytes of SHA-1
// Cost: k multiplications a word, eight at a time where the machine has 512-bit vectors.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "data/scratch.h"

namespace frugal::data {

enum class ShingleHash { kFast, kXxh64, kSha1 };

class MinHasher {
 public:
  MinHasher(size_t hashes, size_t ngram, uint32_t seed, WordKind words, ShingleHash hash);

  // The least values into `out` (as many as hashes); false for a text of fewer words than an n-gram has.
  bool signature(std::string_view text, Scratch& scratch, std::vector<uint64_t>& out) const;
  // The hashed n-grams, in order.
  void shingles(std::string_view text, Scratch& scratch, std::vector<uint64_t>& out) const;

 private:
  void fast_shingles(std::string_view text, Scratch& scratch, std::vector<uint64_t>& out) const;
  void joined_shingles(std::string_view text, Scratch& scratch, std::vector<uint64_t>& out) const;

  size_t hashes_, ngram_;
  WordKind words_;
  ShingleHash hash_;
  std::vector<uint64_t> a_, b_;
};

}  // namespace frugal::data
