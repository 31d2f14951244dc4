#include "text/unicode_normal.h"

#include <algorithm>
#include <unordered_map>
#include <vector>

#include "text/unicode_decompositions.h"
#include "text/utf8.h"

namespace frugal {
namespace {

constexpr uint32_t kRaw = 1u << 31;  // marks a byte that begins no character
constexpr uint32_t kSyllables = 0xac00, kLead = 0x1100, kVowel = 0x1161, kTail = 0x11a7;  // Hangul
constexpr uint32_t kLeads = 19, kVowels = 21, kTails = 28;

struct Decomposition {
  const uint32_t* chars;
  uint32_t length;
  bool canonical;
};

struct Tables {
  std::unordered_map<uint32_t, uint8_t> combining;
  std::unordered_map<uint32_t, Decomposition> decompositions;
  std::unordered_map<uint64_t, uint32_t> compositions;  // first << 32 | second

  Tables() {
    for (size_t i = 0; i < kCombiningRunsSize; ++i) {
      const uint8_t k = kCombiningRuns[i] & 255;
      if (k == 0) continue;
      const uint32_t end = i + 1 < kCombiningRunsSize ? kCombiningRuns[i + 1] >> 8 : (kCombiningRuns[i] >> 8) + 1;
      for (uint32_t c = kCombiningRuns[i] >> 8; c < end; ++c) combining[c] = k;
    }
    for (size_t i = 0; i < kDecompositionsSize;) {
      const uint32_t head = kDecompositions[i], c = head & 0x1fffff, kind = (head >> 21) & 3, length = head >> 23;
      const uint32_t* chars = kDecompositions + i + 1;
      decompositions[c] = {chars, length, kind != 0};
      if (kind == 1) compositions[static_cast<uint64_t>(chars[0]) << 32 | chars[1]] = c;
      i += 1 + length;
    }
  }
  static const Tables& get() {
    static const Tables tables;
    return tables;
  }
  uint8_t class_of(uint32_t c) const {
    if (c < 0x300) return 0;
    auto it = combining.find(c);
    return it == combining.end() ? 0 : it->second;
  }
};

class Normaliser {
 public:
  explicit Normaliser(NormalForm form)
      : compatible_(form == NormalForm::kNfkc || form == NormalForm::kNfkd),
        compose_(form == NormalForm::kNfc || form == NormalForm::kNfkc) {}

  std::string run(std::string_view text) {
    while (!text.empty()) {
      const size_t n = utf8_length(text);
      const uint32_t c = decode_utf8(text.substr(0, n));
      n == 1 && c >= 0x80 ? put(c | kRaw) : decompose(c);
      text.remove_prefix(n);
    }
    order();
    flush();
    return out_;
  }

 private:
  void decompose(uint32_t c) {
    if (c < 0x80) return put(c);
    if (c >= kSyllables && c < kSyllables + kLeads * kVowels * kTails) {
      const uint32_t s = c - kSyllables;
      put(kLead + s / (kVowels * kTails));
      put(kVowel + s % (kVowels * kTails) / kTails);
      if (s % kTails != 0) put(kTail + s % kTails);
      return;
    }
    auto it = tables_.decompositions.find(c);
    if (it == tables_.decompositions.end() || (!it->second.canonical && !compatible_)) return put(c);
    for (uint32_t i = 0; i < it->second.length; ++i) decompose(it->second.chars[i]);
  }

  // The next character of the decomposed text: a starter ends the cluster before it, unless it joins that cluster's
  // (Hangul, some Indic vowels).
  void put(uint32_t c) {
    const uint8_t k = tables_.class_of(c);
    if (k == 0) {
      order();
      const bool bare = compose_ && cluster_.size() == 1 && cluster_[0].k == 0;
      if (const uint32_t joined = bare ? composed(cluster_[0].c, c) : 0) {
        cluster_[0].c = joined;
        return;
      }
      flush();
    }
    cluster_.push_back({c, k});
  }

  uint32_t composed(uint32_t a, uint32_t b) const {
    if (a >= kLead && a < kLead + kLeads && b >= kVowel && b < kVowel + kVowels)
      return kSyllables + ((a - kLead) * kVowels + (b - kVowel)) * kTails;
    if (a >= kSyllables && a < kSyllables + kLeads * kVowels * kTails && (a - kSyllables) % kTails == 0 && b > kTail &&
        b < kTail + kTails)
      return a + (b - kTail);
    auto it = tables_.compositions.find(static_cast<uint64_t>(a) << 32 | b);
    return it == tables_.compositions.end() ? 0 : it->second;
  }

  // Puts the cluster's marks in order, and composes them with its starter if the form says so.
  void order() {
    if (cluster_.size() < 2) return;
    const size_t first = cluster_[0].k == 0 ? 1 : 0;
    std::stable_sort(cluster_.begin() + static_cast<std::ptrdiff_t>(first), cluster_.end(),
                     [](const Mark& a, const Mark& b) { return a.k < b.k; });
    if (compose_ && first == 1) compose();
  }

  void flush() {
    for (const Mark& m : cluster_) m.c& kRaw ? void(out_ += static_cast<char>(m.c)) : append_utf8(m.c, out_);
    cluster_.clear();
  }

  void compose() {
    size_t kept = 1;
    uint8_t last = 0;  // class of the mark that stands before this one
    for (size_t i = 1; i < cluster_.size(); ++i) {
      const Mark m = cluster_[i];
      const bool blocked = kept > 1 && last >= m.k;
      if (const uint32_t c = blocked ? 0 : composed(cluster_[0].c, m.c)) {
        cluster_[0].c = c;
      } else {
        cluster_[kept++] = m;
        last = m.k;
      }
    }
    cluster_.resize(kept);
  }

  struct Mark {
    uint32_t c;
    uint8_t k;
  };
  const Tables& tables_ = Tables::get();
  bool compatible_, compose_;
  std::vector<Mark> cluster_;
  std::string out_;
};

}  // namespace

std::string normalise(std::string_view text, NormalForm form) {
  const bool ascii = std::all_of(text.begin(), text.end(), [](char c) { return (c & 0x80) == 0; });
  return ascii ? std::string(text) : Normaliser(form).run(text);
}

}  // namespace frugal
