// Gopher's repetition rules: documents that say the same thing again and again are dropped.
//
// J. Rae et al., "Scaling Language Models: Methods, Analysis & Insights from Training Gopher", 2021, table A1. Limits
// on the share of duplicate paragraphs and lines (0.30 each) and of the characters in them (0.20 each), on the
// characters of the most frequent 2-, 3- and 4-gram of words (0.20, 0.18, 0.16), and on those of duplicate 5- to
// 10-grams (0.15, 0.14, 0.13, 0.12, 0.11, 0.10). As datatrove 0.10.1 reads it: occurrences after the first are
// duplicates; shares are of all characters of the text, white space included; the most frequent n-gram is the first of
// several, joined by blanks, times its count, even when that is 1; duplicate n-grams are found by a scan that jumps
// over one it has seen, and count without blanks. Deviation: n-grams are equal when their words are; datatrove compares
// the words run together ("a bc" and "ab c"), and so does words=spacy here. Cost: an n-gram can only occur twice where
// its (n-1)-grams do, so all words go through one table of pairs, and longer n-grams are looked at only where pairs,
// triples and fours repeat: about two table steps a word on ordinary text.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "data/hash.h"
#include "data/hash_set.h"
#include "data/op.h"
#include "data/rules/lines.h"
#include "data/scratch.h"

namespace frugal::data {
namespace {

constexpr size_t kFirstTop = 2, kTops = 3, kFirstDuplicate = 5, kDuplicates = 6;

struct Limits {
  double lines, line_characters;
  std::array<double, kTops> top;
  std::array<double, kDuplicates> duplicate;
};

// What one document needs; a worker keeps it for the next.
class NGrams {
 public:
  void set(std::string_view text, const Words& words, bool run_together) {
    words_ = &words;
    if (run_together) sum_up(text);
    run_together_ = run_together;
    before_.resize(words.size() + 1);
    before_[0] = 0;
    for (size_t i = 0; i < words.size(); ++i) before_[i + 1] = before_[i] + words[i].characters;
    runs_.assign(words.size() + 1, static_cast<uint32_t>(words.size()));  // every single word may repeat
  }

  // Characters of the most frequent n-gram, blanks between words included, times its count. For n = 2, 3, 4 in turn.
  size_t top(size_t n) {
    const Words& w = *words_;
    if (w.size() < n) return runs_.assign(w.size() + 1, 0), 0;
    const size_t positions = w.size() - n + 1;
    seen_.clear(n == 2 ? positions : candidates(n, positions));
    repeats_.assign(w.size() + 1, 0);
    size_t best = 1, first = 0;
    for (size_t i = 0; i < positions; ++i) {
      if (n > 2 && runs_[i] < 2) continue;
      const auto [count, at] = seen_.add(gram(i, n), static_cast<uint32_t>(i));
      if (count == 1) continue;
      repeats_[at] = repeats_[i] = 1;
      if (count > best || (count == best && at < first)) best = count, first = at;
    }
    for (size_t i = w.size() + 1; i-- > 0;) runs_[i] = repeats_[i] == 0 ? 0 : i < w.size() ? runs_[i + 1] + 1 : 1;
    longest_ = *std::max_element(runs_.begin(), runs_.end());
    return best * (characters(first, n) + n - 1);
  }

  // Characters in n-grams seen before, n >= 5, after top(4): runs_ tell where 4-grams repeat.
  size_t duplicate(size_t n) {
    const size_t words = words_->size(), need = run_together_ ? 0 : n - 3;
    if (longest_ < need || words < n) return 0;
    seen_.clear(words);
    size_t total = 0;
    for (size_t i = 0; i + n <= words;) {
      if (runs_[i] < need || seen_.add(run_together_ ? joined(i, n) : gram(i, n), 0).first == 1) {
        ++i;
        continue;
      }
      total += characters(i, n);
      i += n;
    }
    return total;
  }

 private:
  size_t candidates(size_t n, size_t positions) const {
    return n == 2 ? positions
                  : static_cast<size_t>(std::count_if(runs_.begin(),
                                                      runs_.begin() + static_cast<std::ptrdiff_t>(positions),
                                                      [](uint32_t r) { return r >= 2; }));
  }
  size_t characters(size_t i, size_t n) const { return before_[i + n] - before_[i]; }
  uint64_t gram(size_t i, size_t n) const {
    uint64_t h = (*words_)[i].hash;
    for (size_t j = i + 1; j < i + n; ++j)
      h = fold_multiply(h ^ 0x9E3779B97F4A7C15, (*words_)[j].hash ^ 0xD1B54A32D192ED03);
    return h;
  }

  // Polynomial hashes, modulo 2^61 - 1, of the bytes of all words before each, run together.
  static constexpr uint64_t kPrime = (uint64_t{1} << 61) - 1, kBase = 0x1F35A7BD3C4E5F11;
  static uint64_t times(uint64_t a, uint64_t b) {
    __extension__ using Wide = unsigned __int128;
    const Wide p = static_cast<Wide>(a) * b;
    const uint64_t sum = (static_cast<uint64_t>(p) & kPrime) + static_cast<uint64_t>(p >> 61);
    return sum >= kPrime ? sum - kPrime : sum;
  }
  void sum_up(std::string_view text) {
    sums_.assign(1, 0);
    powers_.assign(1, 1);
    bytes_.assign(1, 0);
    for (const Word& w : *words_) {
      uint64_t sum = sums_.back();
      for (char c : text.substr(w.begin, w.size)) {
        sum = (times(sum, kBase) + static_cast<unsigned char>(c) + 1) % kPrime;
        powers_.push_back(times(powers_.back(), kBase));
      }
      sums_.push_back(sum);
      bytes_.push_back(bytes_.back() + w.size);
    }
  }
  uint64_t joined(size_t i, size_t n) const {
    const uint64_t size = bytes_[i + n] - bytes_[i];
    return mix((sums_[i + n] + kPrime - times(sums_[i], powers_[size])) % kPrime + size);
  }

  const Words* words_ = nullptr;
  bool run_together_ = false;
  std::vector<uint64_t> sums_, powers_, bytes_;
  std::vector<size_t> before_;    // characters before each word
  std::vector<uint8_t> repeats_;  // by position: this n-gram occurs more than once
  std::vector<uint32_t> runs_;    // by position: how many n-grams from here on repeat, of the n looked at last
  uint32_t longest_ = 0;
  FirstSeen seen_;
};

struct Duplicates {
  double share = 0, characters = 0;
};

class GopherRepetition : public RowOp {
 public:
  GopherRepetition(const Limits& limits, WordKind kind) : limits_(limits), kind_(kind) {}
  std::vector<Column> columns() const override {
    return {{"dup_para_frac"}, {"dup_para_char_frac"}, {"dup_line_frac"}, {"dup_line_char_frac"}, {"top_2_gram"},
            {"top_3_gram"},    {"top_4_gram"},         {"dup_5_grams"},   {"dup_6_grams"},        {"dup_7_grams"},
            {"dup_8_grams"},   {"dup_9_grams"},        {"dup_10_grams"}};
  }
  std::vector<std::string> reasons() const override {
    return {"empty",
            "dup_para_frac",
            "dup_para_char_frac",
            "dup_line_frac",
            "dup_line_char_frac",
            "top_2_gram",
            "top_3_gram",
            "top_4_gram",
            "duplicated_5_n_grams",
            "duplicated_6_n_grams",
            "duplicated_7_n_grams",
            "duplicated_8_n_grams",
            "duplicated_9_n_grams",
            "duplicated_10_n_grams"};
  }

  void apply(Document& doc, Scratch& scratch) const override {
    const std::string_view text = doc.text();
    if (text.empty()) return doc.drop(0);
    static thread_local NGrams grams;
    const auto length = static_cast<double>(characters(text));
    size_t at = 0;
    const auto check = [&](double value, double limit) {
      doc.number(at++, value);
      if (value > limit) doc.drop(at);
    };
    split_at_breaks(strip(text), 2, scratch.lines);
    for (int lines = 0; lines < 2; ++lines) {
      const Duplicates d = duplicates(scratch.lines);
      check(d.share, limits_.lines);
      check(d.characters / length, limits_.line_characters);
      if (lines == 0) split_at_breaks(text, 1, scratch.lines);
    }
    grams.set(text, scratch.words(text, kind_), kind_ == WordKind::kSpacy);
    for (size_t n = 0; n < kTops; ++n) check(static_cast<double>(grams.top(n + kFirstTop)) / length, limits_.top[n]);
    for (size_t n = 0; n < kDuplicates; ++n)
      check(static_cast<double>(grams.duplicate(n + kFirstDuplicate)) / length, limits_.duplicate[n]);
  }

 private:
  static Duplicates duplicates(const std::vector<std::string_view>& pieces) {
    static thread_local HashCounter seen;
    seen.clear(pieces.size());
    Duplicates d;
    for (std::string_view piece : pieces) {
      if (seen.insert(hash_bytes(piece))) continue;
      ++d.share;
      d.characters += static_cast<double>(characters(piece));
    }
    d.share /= static_cast<double>(pieces.size());
    return d;
  }

  Limits limits_;
  WordKind kind_;
};

std::vector<ParamInfo> params() {
  std::vector<ParamInfo> list = {
      ParamInfo::real("lines", "greatest share of duplicate lines, and of paragraphs").preset("0.3").within(0, 1),
      ParamInfo::real("line_characters", "greatest share of characters in them").preset("0.2").within(0, 1)};
  static constexpr const char* kTopLimits[] = {"0.2", "0.18", "0.16"};
  static constexpr const char* kDuplicateLimits[] = {"0.15", "0.14", "0.13", "0.12", "0.11", "0.1"};
  for (size_t n = 0; n < kTops; ++n)
    list.push_back(
        ParamInfo::real(fmt::format("top{}", n + kFirstTop),
                        fmt::format("greatest share of characters in the most frequent {}-gram", n + kFirstTop))
            .preset(kTopLimits[n])
            .at_least(0));
  for (size_t n = 0; n < kDuplicates; ++n)
    list.push_back(
        ParamInfo::real(fmt::format("dup{}", n + kFirstDuplicate),
                        fmt::format("greatest share of characters in duplicate {}-grams", n + kFirstDuplicate))
            .preset(kDuplicateLimits[n])
            .at_least(0));
  list.push_back(words_param());
  return list;
}

const Register<MakeRowOp> kGopherRepetition(
    {.kind = "data",
     .role = "filter",
     .name = "gopher_repetition",
     .title = "Scaling Language Models: Methods, Analysis & Insights from Training Gopher",
     .authors = "Rae et al.",
     .year = 2021,
     .arxiv = "2112.11446",
     .help = "drops what repeats itself: duplicate lines and paragraphs, frequent and duplicate n-grams",
     .params = params()},
    [](const Args& a) {
      Limits l{a.real("lines"), a.real("line_characters"), {}, {}};
      for (size_t n = 0; n < kTops; ++n) l.top[n] = a.real(fmt::format("top{}", n + kFirstTop));
      for (size_t n = 0; n < kDuplicates; ++n) l.duplicate[n] = a.real(fmt::format("dup{}", n + kFirstDuplicate));
      return std::make_unique<GopherRepetition>(l, words_kind(a));
    });

}  // namespace
}  // namespace frugal::data
