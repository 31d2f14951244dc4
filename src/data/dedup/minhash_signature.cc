#include "data/dedup/minhash_signature.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <random>

#include "data/hash.h"
#include "data/sha1.h"
#include "data/words/simplify.h"

namespace frugal::data {
namespace {

constexpr uint64_t kPrime = (uint64_t{1} << 61) - 1;
constexpr size_t kBlock = 16;  // permutations done together

// NumPy's legacy randint for 64-bit numbers in [low, kPrime): two 32-bit draws, masked, tried again when too large.
uint64_t draw(std::mt19937& random, uint64_t low) {
  for (;;) {
    const uint64_t high = random();
    const uint64_t value = ((high << 32) | random()) & kPrime;
    if (value <= kPrime - 1 - low) return value + low;
  }
}

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define FRUGAL_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default"), optimize("O3")))
#else
#define FRUGAL_CLONES
#endif

// Lowers least[k] to the least permuted value of n shingles, for every k.
FRUGAL_CLONES void lower_minima(const uint64_t* shingles, size_t n, const uint64_t* a, const uint64_t* b,
                                uint64_t* least, size_t hashes) {
  for (size_t from = 0; from < hashes; from += kBlock) {
    uint64_t low[kBlock];
    for (size_t k = 0; k < kBlock; ++k) low[k] = ~uint64_t{0};
    for (size_t i = 0; i < n; ++i) {
      const uint64_t x = shingles[i];
      for (size_t k = 0; k < kBlock; ++k) {
        uint64_t v = x * a[from + k] + b[from + k];
        v = (v & kPrime) + (v >> 61);  // below 2^61 + 7: at most one prime too much
        v = std::min(v, v - kPrime);
        low[k] = std::min(low[k], v);
      }
    }
    for (size_t k = 0; k < kBlock; ++k) least[from + k] = low[k];
  }
}

// A word's hash whatever its case, accents and, in numbers, digits; eight ASCII letters at a time.
uint64_t word_hash(std::string_view word, bool alpha, std::string& room) {
  constexpr uint64_t kHigh = 0x8080808080808080, kOnes = 0x0101010101010101;
  if (word.size() <= 16) {
    uint64_t w[2] = {load_up_to_8(word.data(), word.size()),
                     word.size() > 8 ? load_up_to_8(word.data() + word.size() - 8, 8) : 0};
    if (((w[0] | w[1]) & kHigh) == 0) {
      if (!alpha) return '0';
      for (uint64_t& v : w) {  // bit 5 of every byte in 'A'..'Z'
        const uint64_t from_a = v + kOnes * (0x80 - 'A'), above_z = v + kOnes * (0x80 - 'Z' - 1);
        v |= ((from_a & ~above_z) & kHigh) >> 2;
      }
      return fold_multiply(w[0] ^ 0x9E3779B97F4A7C15, w[1] ^ 0xD1B54A32D192ED03 ^ word.size());
    }
  }
  simplify_text(word, room);
  return hash_bytes(room);
}

}  // namespace

MinHasher::MinHasher(size_t hashes, size_t ngram, uint32_t seed, WordKind words, ShingleHash hash)
    : hashes_(hashes), ngram_(ngram), words_(words), hash_(hash) {
  std::mt19937 random(seed);
  for (size_t i = 0; i < hashes; ++i) a_.push_back(draw(random, 1));
  for (size_t i = 0; i < hashes; ++i) b_.push_back(draw(random, 0));
  a_.resize((hashes + kBlock - 1) / kBlock * kBlock);  // whole blocks
  b_.resize(a_.size());
}

void MinHasher::fast_shingles(std::string_view text, Scratch& scratch, std::vector<uint64_t>& out) const {
  constexpr uint64_t kBase = 0xD1B54A32D192ED03;
  std::vector<uint64_t>& words = scratch.hashes_a;
  words.clear();
  for (const Word& w : scratch.words(text, words_))
    if ((w.flags & Word::kSymbolsOnly) == 0)
      words.push_back(word_hash(text.substr(w.begin, w.size), (w.flags & Word::kAlpha) != 0, scratch.text_b));
  if (words.size() < ngram_) return;
  uint64_t power = 1, rolling = 0;
  for (size_t i = 0; i < ngram_; ++i) power *= kBase;
  for (size_t i = 0; i < words.size(); ++i) {
    rolling = rolling * kBase + words[i];
    if (i >= ngram_) rolling -= words[i - ngram_] * power;
    if (i + 1 >= ngram_) out.push_back(mix(rolling));
  }
}

void MinHasher::joined_shingles(std::string_view text, Scratch& scratch, std::vector<uint64_t>& out) const {
  simplify_text(text, scratch.text_a);
  const std::string_view simple = scratch.text_a;
  scratch.splitter(words_).split(simple, scratch.other_words);
  const Words& words = scratch.other_words;
  std::string& joined = scratch.text_b;
  for (size_t i = 0; i + ngram_ <= words.size(); ++i) {
    joined.clear();
    for (size_t j = i; j < i + ngram_; ++j)
      joined.append(j == i ? "" : " ").append(simple.substr(words[j].begin, words[j].size));
    out.push_back(hash_ == ShingleHash::kSha1 ? sha1_64(joined) : XXH64(joined.data(), joined.size(), 0));
  }
}

void MinHasher::shingles(std::string_view text, Scratch& scratch, std::vector<uint64_t>& out) const {
  out.clear();
  if (hash_ == ShingleHash::kFast)
    fast_shingles(text, scratch, out);
  else
    joined_shingles(text, scratch, out);
}

bool MinHasher::signature(std::string_view text, Scratch& scratch, std::vector<uint64_t>& out) const {
  shingles(text, scratch, scratch.hashes_b);
  if (scratch.hashes_b.empty()) return false;
  out.resize(a_.size());
  lower_minima(scratch.hashes_b.data(), scratch.hashes_b.size(), a_.data(), b_.data(), out.data(), out.size());
  out.resize(hashes_);
  return true;
}

}  // namespace frugal::data
