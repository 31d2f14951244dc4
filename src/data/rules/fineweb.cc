// FineWeb's rules: documents whose lines look like lists, menus or boilerplate are dropped.
//
// G. Penedo et al., "The FineWeb Datasets: Decanting the Web for the Finest Text Data at Scale", 2024, section 3.6.
// Over the lines that are not blank: at least 12 % end in terminal punctuation; at most 67 % have 30 characters or
// fewer; duplicate lines hold at most a share of the characters; and there are at most 0.3 line breaks a word. As
// datatrove 0.10.1 reads it: terminal punctuation is Unicode's Sentence_Terminal, no quotation marks; the characters of
// duplicate lines are divided by those of the text without line breaks. The limit on them is 0.01, as in that code; the
// paper prints 0.1. Deviation: a text of line breaks and no word has a list ratio of 0. Cost: one pass over the lines.
#include <algorithm>

#include "data/hash.h"
#include "data/hash_set.h"
#include "data/op.h"
#include "data/rules/lines.h"
#include "data/scratch.h"
#include "text/utf8.h"

namespace frugal::data {
namespace {

struct Limits {
  double punctuation, short_lines, short_length, duplicates, breaks;
};

bool ends_in_terminal(std::string_view line) {
  if (line.empty()) return false;
  size_t at = line.size() - 1;
  while (at > 0 && line.size() - at < 4 && (static_cast<unsigned char>(line[at]) & 0xc0) == 0x80) --at;
  const std::string_view last = line.substr(at);
  return utf8_length(last) == last.size() && terminal_character(decode_utf8(last));
}

class FineWeb : public RowOp {
 public:
  FineWeb(const Limits& limits, WordKind kind) : limits_(limits), kind_(kind) {}
  std::vector<Column> columns() const override {
    return {{"fineweb_punct_lines"}, {"fineweb_short_lines"}, {"fineweb_dup_chars"}, {"fineweb_list_ratio"}};
  }
  std::vector<std::string> reasons() const override {
    return {"empty", "line_punct_ratio", "short_line_ratio", "char_dup_ratio", "list_ratio"};
  }

  void apply(Document& doc, Scratch& scratch) const override {
    const std::string_view text = doc.text();
    split_at_newlines(text, scratch.lines);
    const size_t breaks = scratch.lines.size() - 1;
    std::erase_if(scratch.lines, [](std::string_view line) { return strip(line).empty(); });
    if (scratch.lines.empty()) return doc.drop(0);
    const Counts c = count(scratch.lines);
    const auto lines = static_cast<double>(scratch.lines.size());
    const size_t words = scratch.words(text, kind_).size();
    const double values[] = {c.punctuation / lines, c.small / lines,
                             c.duplicate / static_cast<double>(characters(text) - breaks),
                             words == 0 ? 0 : static_cast<double>(breaks) / static_cast<double>(words)};
    for (size_t i = 0; i < std::size(values); ++i) doc.number(i, values[i]);
    if (values[0] < limits_.punctuation) doc.drop(1);
    if (values[1] > limits_.short_lines) doc.drop(2);
    if (values[2] > limits_.duplicates) doc.drop(3);
    if (values[3] > limits_.breaks) doc.drop(4);
  }

 private:
  struct Counts {
    double punctuation = 0, small = 0, duplicate = 0;
  };
  Counts count(const std::vector<std::string_view>& lines) const {
    static thread_local HashCounter seen;
    seen.clear(lines.size());
    Counts c;
    for (std::string_view line : lines) {
      const auto length = static_cast<double>(characters(line));
      c.punctuation += ends_in_terminal(line) ? 1 : 0;
      c.small += length <= limits_.short_length ? 1 : 0;
      if (!seen.insert(hash_bytes(line))) c.duplicate += length;
    }
    return c;
  }

  Limits limits_;
  WordKind kind_;
};

const Register<MakeRowOp> kFineWeb(
    {.kind = "data",
     .role = "filter",
     .name = "fineweb",
     .title = "The FineWeb Datasets: Decanting the Web for the Finest Text Data at Scale",
     .authors = "Penedo et al.",
     .year = 2024,
     .arxiv = "2406.17557",
     .help = "drops lists, menus and boilerplate by the shape of the lines",
     .params = {ParamInfo::real("punctuation", "least share of lines that end in terminal punctuation")
                    .preset("0.12")
                    .within(0, 1),
                ParamInfo::real("short_lines", "greatest share of short lines").preset("0.67").within(0, 1),
                ParamInfo::real("short_length", "a line of so many characters is short").preset("30").at_least(0),
                ParamInfo::real("duplicates", "greatest share of characters in duplicate lines (the paper: 0.1)")
                    .preset("0.01")
                    .within(0, 1),
                ParamInfo::real("breaks", "most line breaks a word").preset("0.3").at_least(0), words_param()}},
    [](const Args& a) {
      return std::make_unique<FineWeb>(Limits{a.real("punctuation"), a.real("short_lines"), a.real("short_length"),
                                              a.real("duplicates"), a.real("breaks")},
                                       words_kind(a));
    });

}  // namespace
}  // namespace frugal::data
