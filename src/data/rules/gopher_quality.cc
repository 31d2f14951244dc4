// Gopher's quality rules: documents whose surface does not look like prose are dropped.
//
// J. Rae et al., "Scaling Language Models: Methods, Analysis & Insights from Training Gopher", 2021, appendix A.1.1.
// Kept iff: 50 to 100,000 words; mean word length 3 to 10 characters; at most 0.1 "#" and at most 0.1 ellipses a word;
// at most 90 % of lines begin with a bullet and at most 30 % end in an ellipsis; at least 80 % of words hold a letter;
// at least two of the, be, to, of, and, that, have, with occur. As datatrove 0.10.1 reads it: words of signs alone
// count neither as words nor for their length, but do count in the shares; "#" and ellipses (... and U+2026) are tested
// apart; bullets are U+2022 and "-"; stop words are distinct and in the case given. Deviation: an empty document has
// mean length, shares and all 0, where datatrove divides by nothing. Cost: one pass over the words, one over the lines.
#include <array>

#include "data/hash.h"
#include "data/op.h"
#include "data/rules/lines.h"
#include "data/scratch.h"

namespace frugal::data {
namespace {

constexpr std::string_view kEllipsis = "\xe2\x80\xa6", kBullet = "\xe2\x80\xa2";
constexpr std::array<std::string_view, 8> kStopWords = {"the", "be", "to", "of", "and", "that", "have", "with"};

struct Limits {
  double min_words, max_words, min_length, max_length, symbols, bullets, ellipsis_lines, alpha, stop_words;
};

class GopherQuality : public RowOp {
 public:
  GopherQuality(const Limits& limits, WordKind kind) : limits_(limits), kind_(kind) {
    for (size_t i = 0; i < kStopWords.size(); ++i) stop_hashes_[i] = hash_bytes(kStopWords[i]);
  }
  std::vector<Column> columns() const override {
    return {{"gopher_words"},        {"gopher_word_length"},    {"gopher_hashes"},      {"gopher_ellipses"},
            {"gopher_bullet_lines"}, {"gopher_ellipsis_lines"}, {"gopher_alpha_words"}, {"gopher_stop_words"}};
  }
  std::vector<std::string> reasons() const override {
    return {"gopher_short_doc",
            "gopher_long_doc",
            "gopher_below_avg_threshold",
            "gopher_above_avg_threshold",
            "gopher_too_many_hashes",
            "gopher_too_many_ellipsis",
            "gopher_too_many_bullets",
            "gopher_too_many_end_ellipsis",
            "gopher_below_alpha_threshold",
            "gopher_enough_stop_words"};
  }

  void apply(Document& doc, Scratch& scratch) const override {
    const std::string_view text = doc.text();
    const Counts c = count(scratch.words(text, kind_));
    const auto [bullets, ellipsis_lines] = line_shares(text, scratch.lines);
    const double words = c.all == 0 ? 1 : static_cast<double>(c.all);
    const std::array<double, 8> values = {
        static_cast<double>(c.words),
        c.words == 0 ? 0 : static_cast<double>(c.characters) / static_cast<double>(c.words),
        static_cast<double>(count_of(text, "#")) / words,
        static_cast<double>(count_of(text, "...") + count_of(text, kEllipsis)) / words,
        bullets,
        ellipsis_lines,
        static_cast<double>(c.alpha) / words,
        static_cast<double>(std::popcount(c.stop_words))};
    for (size_t i = 0; i < values.size(); ++i) doc.number(i, values[i]);
    const Limits& l = limits_;
    const bool wrong[] = {values[0]<l.min_words, values[0]> l.max_words,
                          values[1]<l.min_length, values[1]> l.max_length,
                          values[2] > l.symbols,
                          values[3] > l.symbols,
                          values[4] > l.bullets,
                          values[5] > l.ellipsis_lines,
                          values[6] < l.alpha,
                          values[7] < l.stop_words};
    for (size_t i = 0; i < std::size(wrong); ++i)
      if (wrong[i]) return doc.drop(i);
  }

 private:
  struct Counts {
    size_t all = 0, words = 0, characters = 0, alpha = 0;
    uint32_t stop_words = 0;
  };

  Counts count(const Words& words) const {
    Counts c;
    c.all = words.size();
    for (const Word& w : words) {
      c.alpha += (w.flags & Word::kAlpha) != 0 ? 1 : 0;
      if ((w.flags & Word::kSymbolsOnly) != 0) continue;
      ++c.words;
      c.characters += w.characters;
      if (w.size > 4) continue;
      for (size_t i = 0; i < stop_hashes_.size(); ++i) c.stop_words |= w.hash == stop_hashes_[i] ? 1u << i : 0;
    }
    return c;
  }

  static std::pair<double, double> line_shares(std::string_view text, std::vector<std::string_view>& lines) {
    split_lines(text, lines);
    if (lines.empty()) return {0, 0};
    double bullets = 0, ellipses = 0;
    for (std::string_view line : lines) {
      const std::string_view left = strip_left(line), right = strip_right(line);
      bullets += left.starts_with('-') || left.starts_with(kBullet) ? 1 : 0;
      ellipses += right.ends_with("...") || right.ends_with(kEllipsis) ? 1 : 0;
    }
    const auto n = static_cast<double>(lines.size());
    return {bullets / n, ellipses / n};
  }

  Limits limits_;
  WordKind kind_;
  std::array<uint64_t, 8> stop_hashes_{};
};

const Register<MakeRowOp> kGopherQuality(
    {.kind = "data",
     .role = "filter",
     .name = "gopher_quality",
     .title = "Scaling Language Models: Methods, Analysis & Insights from Training Gopher",
     .authors = "Rae et al.",
     .year = 2021,
     .arxiv = "2112.11446",
     .help = "drops what does not look like prose: number and length of words, symbols, bullets, stop words",
     .params =
         {ParamInfo::real("min_words", "fewest words").preset("50").at_least(0),
          ParamInfo::real("max_words", "most words").preset("100000").at_least(0),
          ParamInfo::real("min_length", "least mean length of a word, characters").preset("3").at_least(0),
          ParamInfo::real("max_length", "greatest mean length of a word").preset("10").at_least(0),
          ParamInfo::real("symbols", "most # (and most ellipses) a word").preset("0.1").at_least(0),
          ParamInfo::real("bullets", "greatest share of lines that begin with a bullet").preset("0.9").within(0, 1),
          ParamInfo::real("ellipsis_lines", "greatest share of lines that end in an ellipsis")
              .preset("0.3")
              .within(0, 1),
          ParamInfo::real("alpha", "least share of words that hold a letter").preset("0.8").within(0, 1),
          ParamInfo::real("stop_words", "fewest different stop words").preset("2").within(0, 8), words_param()}},
    [](const Args& a) {
      return std::make_unique<GopherQuality>(
          Limits{a.real("min_words"), a.real("max_words"), a.real("min_length"), a.real("max_length"),
                 a.real("symbols"), a.real("bullets"), a.real("ellipsis_lines"), a.real("alpha"), a.real("stop_words")},
          words_kind(a));
    });

}  // namespace
}  // namespace frugal::data
