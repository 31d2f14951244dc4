// C4's rules: lines that are no sentences go, and documents that look like code or have too little left.
//
// C. Raffel et al., "Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer", JMLR 2020,
// section 2.2, and the code published with it. A line goes when it holds a word of more than 1000 characters, does not
// end in terminal punctuation, has fewer than three words, or speaks of JavaScript or of terms of use, privacy and
// cookies; citation marks are cut out. The document goes at "lorem ipsum", at a curly bracket, or with fewer than five
// sentences left. As datatrove 0.10.1 reads it: these tests in this order; . ? ! " ' end a line but ... does not; words
// are counted before citations are cut out; "lorem ipsum" and { count only in lines that came so far. Deviation: lower
// case is that of ASCII. Cost: a few scans of each line, and the words of the lines that are kept.
#include <array>

#include "data/op.h"
#include "data/rules/lines.h"
#include "data/scratch.h"
#include "data/words/word_tables.h"
#include "text/jinja/unicode.h"
#include "text/utf8.h"

namespace frugal::data {
namespace {

constexpr std::array<std::string_view, 6> kPolicies = {"terms of use", "privacy policy", "cookie policy",
                                                       "uses cookies", "use of cookies", "use cookies"};

struct Options {
  size_t sentences, words, longest;
  bool punctuation;
  WordKind kind;
};

bool ascii_blank(char c) { return c == ' ' || (c >= 9 && c <= 13) || (c >= 0x1c && c <= 0x1f); }

struct LineWords {
  size_t count = 0, longest = 0;  // in characters
};
LineWords line_words(std::string_view line) {
  LineWords w;
  size_t length = 0;
  for (size_t at = 0; at < line.size();) {
    const size_t n = static_cast<unsigned char>(line[at]) < 0x80 ? 1 : utf8_length(line.substr(at));
    const bool blank = n == 1 ? ascii_blank(line[at]) : jinja::is_space(decode_utf8(line.substr(at, n)));
    w.count += length == 0 && !blank ? 1 : 0;
    length = blank ? 0 : length + 1;
    w.longest = std::max(w.longest, length);
    at += n;
  }
  return w;
}

// The length of [12], [edit] or [citation needed] at text[at]; 0: none.
size_t citation(std::string_view text, size_t at) {
  for (std::string_view mark : {"[edit]", "[citation needed]"})
    if (text.substr(at).starts_with(mark)) return mark.size();
  size_t end = at + 1;
  while (end < text.size()) {  // digits of any script
    const size_t n = utf8_length(text.substr(end));
    if (!(n == 1 ? text[end] >= '0' && text[end] <= '9' : in_ranges(digit_ranges(), decode_utf8(text.substr(end, n)))))
      break;
    end += n;
  }
  return end < text.size() && text[end] == ']' ? end + 1 - at : 0;
}

// The line without citations, in `room` if there are any.
std::string_view without_citations(std::string_view line, std::string& room) {
  size_t at = line.find('[');
  if (at == std::string_view::npos) return line;
  room.clear();
  size_t from = 0;
  for (; at != std::string_view::npos; at = line.find('[', at)) {
    const size_t n = citation(line, at);
    if (n == 0) {
      ++at;
      continue;
    }
    room.append(line.substr(from, at - from));
    from = at += n;
  }
  if (from == 0) return line;
  room.append(line.substr(from));
  return room;
}

bool ends_sentence(std::string_view line) {
  if (line.empty() || line.ends_with("...")) return false;
  return std::string_view(".?!\"'").find(line.back()) != std::string_view::npos;
}

class C4 : public RowOp {
 public:
  explicit C4(const Options& options) : options_(options) {}
  std::vector<Column> columns() const override { return {{"c4_sentences"}, {"c4_lines"}, {"c4_lines_kept"}}; }
  std::vector<std::string> reasons() const override { return {"lorem_ipsum", "curly_bracket", "too_few_sentences"}; }

  void apply(Document& doc, Scratch& scratch) const override {
    std::vector<std::string_view>& lines = scratch.lines;
    split_lines(doc.text(), lines);
    std::string& kept = scratch.text_a;
    kept.clear();
    size_t sentences = 0, kept_lines = 0;
    for (std::string_view line : lines) {
      const std::string_view left = line_left(strip(line), scratch.text_b);
      if (left.data() == nullptr) continue;
      if (contains_any_case(left, "lorem ipsum")) doc.drop(0);
      if (contains_any_case(left, "javascript")) continue;
      if (left.find('{') != std::string_view::npos) doc.drop(1);
      if (std::any_of(kPolicies.begin(), kPolicies.end(), [&](auto p) { return contains_any_case(left, p); })) continue;
      scratch.splitter(options_.kind).split(left, scratch.other_words);
      sentences += count_sentences(left, scratch.other_words);
      kept.append(kept_lines++ == 0 ? "" : "\n").append(left);
    }
    doc.number(0, static_cast<double>(sentences));
    doc.number(1, static_cast<double>(lines.size()));
    doc.number(2, static_cast<double>(kept_lines));
    if (sentences < options_.sentences) doc.drop(2);
    const std::string_view text = strip(kept);
    if (doc.kept() && text != doc.text()) doc.set_text(text);
  }

 private:
  // The line as far as its own tests go: without citations, or nothing (data() is null) when it is dropped.
  std::string_view line_left(std::string_view line, std::string& room) const {
    const LineWords words = line_words(line);
    if (words.longest > options_.longest) return {};
    const std::string_view left = without_citations(line, room);
    if ((options_.punctuation && !ends_sentence(left)) || words.count < options_.words) return {};
    return left;
  }

  Options options_;
};

const Register<MakeRowOp> kC4(
    {.kind = "data",
     .role = "filter",
     .name = "c4",
     .title = "Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer",
     .authors = "Raffel et al.",
     .year = 2020,
     .arxiv = "1910.10683",
     .help = "keeps lines that are sentences; drops documents with code, lorem ipsum or too few sentences",
     .params = {ParamInfo::integer("sentences", "fewest sentences left").preset("5").at_least(0),
                ParamInfo::integer("line_words", "fewest words in a line").preset("3").at_least(0),
                ParamInfo::integer("longest_word", "lines with a longer word go").preset("1000").at_least(1),
                ParamInfo::flag("punctuation", "lines must end in . ? ! \" or ' (FineWeb: false)").preset("true"),
                words_param()}},
    [](const Args& a) {
      return std::make_unique<C4>(
          Options{static_cast<size_t>(a.integer("sentences")), static_cast<size_t>(a.integer("line_words")),
                  static_cast<size_t>(a.integer("longest_word")), a.flag("punctuation"), words_kind(a)});
    });

}  // namespace
}  // namespace frugal::data
