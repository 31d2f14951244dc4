// bad_words: documents in which too many words of a list occur go.
//
// C4 (C. Raffel et al., 2020) drops a document at the first word of the LDNOOBW list (max=0 here); A. Dubey et al.,
// "The Llama 3 Herd of Models", 2024, counts dirty words to find adult sites that block lists miss, without saying the
// threshold: `share` of the words, or `distinct` different ones. Words and phrases are matched in lower case between
// borders that are no letters or digits; borders=false, for scripts that write no blanks (ja, th, zh), matches
// anywhere. Cost: a walk in a trie at every word of the text, most end at the first or second letter.
#include <algorithm>
#include <unordered_map>

#include "data/op.h"
#include "data/rules/lines.h"
#include "data/scratch.h"
#include "data/web/word_list.h"
#include "text/jinja/unicode.h"
#include "text/unicode.h"

namespace frugal::data {
namespace {

class Trie {
 public:
  void add(std::string_view word) {
    uint32_t at = 0;
    for (char c : word) {
      const auto [next, made] =
          next_.try_emplace(uint64_t{at} << 8 | static_cast<unsigned char>(c), static_cast<uint32_t>(ends_.size()));
      at = next->second;
      if (made) ends_.push_back(0);
    }
    if (ends_[at] == 0) ends_[at] = ++words_;
  }
  // Calls visit(length, number of the word) for each word that text begins with.
  template <typename Visit>
  void walk(std::string_view text, Visit visit) const {
    uint32_t at = 0;
    for (size_t i = 0; i < text.size(); ++i) {
      const auto next = next_.find(uint64_t{at} << 8 | static_cast<unsigned char>(text[i]));
      if (next == next_.end()) return;
      at = next->second;
      if (ends_[at] != 0) visit(i + 1, ends_[at]);
    }
  }

 private:
  std::unordered_map<uint64_t, uint32_t> next_;
  std::vector<uint32_t> ends_ = {0};
  uint32_t words_ = 0;
};

class BadWords : public RowOp {
 public:
  BadWords(const std::vector<std::string>& words, bool borders, double most, double share, double distinct)
      : borders_(borders), most_(most), share_(share), distinct_(distinct) {
    for (const std::string& w : words) trie_.add(jinja::lower(w));
  }
  std::vector<Column> columns() const override { return {{"bad_words"}, {"bad_words_distinct"}, {"bad_words_share"}}; }
  std::vector<std::string> reasons() const override { return {"bad_words", "bad_words_distinct", "bad_words_share"}; }

  void apply(Document& doc, Scratch& scratch) const override {
    const std::string text = jinja::lower(doc.text());
    static thread_local std::vector<uint32_t> found;
    found.clear();
    for (size_t at = 0; at < text.size();) at = step(text, at, found);
    const auto hits = static_cast<double>(found.size());
    std::sort(found.begin(), found.end());
    const auto distinct = static_cast<double>(std::unique(found.begin(), found.end()) - found.begin());
    const size_t words = scratch.words(doc.text(), WordKind::kPlain).size();
    const double share = words == 0 ? 0 : hits / static_cast<double>(words);
    doc.number(0, hits);
    doc.number(1, distinct);
    doc.number(2, share);
    if (hits > most_) doc.drop(0);
    if (distinct >= distinct_) doc.drop(1);
    if (share > share_) doc.drop(2);
  }

 private:
  bool letter(std::string_view text, size_t at) const {
    if (at >= text.size()) return false;
    const Char c = char_at(classes_, text, at);
    return c.is(kLetter | kNumber | kMark) || c.code == '_';
  }
  // Looks for words at `at`; where to look next.
  size_t step(std::string_view text, size_t at, std::vector<uint32_t>& found) const {
    size_t longest = 0;
    uint32_t word = 0;
    trie_.walk(text.substr(at), [&](size_t length, uint32_t number) {
      if (!borders_ || !letter(text, at + length)) longest = length, word = number;
    });
    if (longest > 0) {
      found.push_back(word);
      return at + longest;
    }
    if (!borders_ || !letter(text, at)) return at + char_at(classes_, text, at).size;
    while (letter(text, at)) at += char_at(classes_, text, at).size;  // the rest of a word that is none of them
    return at;
  }

  const ClassTable& classes_ = ClassTable::get();
  Trie trie_;
  bool borders_;
  double most_, share_, distinct_;
};

const Register<MakeRowOp> kBadWords(
    {.kind = "data",
     .role = "filter",
     .name = "bad_words",
     .title = "Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer",
     .authors = "Raffel et al.",
     .year = 2020,
     .arxiv = "1910.10683",
     .help = "drops documents with words of a list",
     .params = {ParamInfo::text("list", "a file of words and phrases, a line each (.gz too)"),
                ParamInfo::flag("borders", "whole words only").preset("true"),
                ParamInfo::real("max", "most occurrences").preset("0").at_least(0),
                ParamInfo::real("share", "greatest share of the words").preset("1").within(0, 1),
                ParamInfo::real("distinct", "so many different ones are too many").preset("1000000").at_least(1)}},
    [](const Args& a) {
      return std::make_unique<BadWords>(read_list(a.text("list")), a.flag("borders"), a.real("max"), a.real("share"),
                                        a.real("distinct"));
    });

}  // namespace
}  // namespace frugal::data
