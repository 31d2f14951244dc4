#include "data/words/words.h"

#include <array>

#include "data/hash.h"
#include "data/words/word_tables.h"
#include "text/jinja/unicode.h"
#include "text/unicode.h"

namespace frugal::data {

bool in_ranges(std::span<const uint32_t> ranges, uint32_t code) {
  size_t low = 0, high = ranges.size() / 2;  // pairs first, last
  while (low < high) {
    const size_t middle = (low + high) / 2;
    if (code > ranges[middle * 2 + 1])
      low = middle + 1;
    else
      high = middle;
  }
  return low < ranges.size() / 2 && code >= ranges[low * 2];
}

namespace {

struct AsciiTable {
  std::array<bool, 128> symbol{}, terminal{};
  AsciiTable() {
    for (uint32_t c = 0; c < 128; ++c)
      symbol[c] = in_ranges(symbol_ranges(), c), terminal[c] = c == '.' || c == '!' || c == '?';
  }
};
const AsciiTable& ascii() {
  static const AsciiTable table;
  return table;
}

// Is every character of the word punctuation by Unicode's classes?
bool punctuation_only(std::string_view word) {
  const ClassTable& classes = ClassTable::get();
  for (size_t at = 0; at < word.size();) {
    const Char c = char_at(classes, word, at);
    if (!c.is(kPunctuation)) return false;
    at += c.size;
  }
  return true;
}

bool ends_sentence(std::string_view word) {
  const size_t n = utf8_length(word);
  if (n != word.size()) return false;
  const uint32_t c = decode_utf8(word);
  return c < 128 ? ascii().terminal[c] : in_ranges(sentencizer_ranges(), c);
}

}  // namespace

bool symbol_character(uint32_t code) { return code < 128 ? ascii().symbol[code] : in_ranges(symbol_ranges(), code); }

bool terminal_character(uint32_t code) {
  return code < 128 ? ascii().terminal[code] : in_ranges(terminal_ranges(), code);
}

size_t count_sentences(std::string_view text, const Words& words) {
  if (words.empty()) return 0;
  size_t sentences = 1, end = 0;
  bool closed = false;
  for (const Word& w : words) {
    const size_t gap = w.begin - end;  // white space other than one blank is a token of its own to the sentencizer
    if (closed && end > 0 && gap > 0 && (gap > 1 || text[end] != ' ')) ++sentences, closed = false;
    end = w.begin + w.size;
    const bool symbols = (w.flags & Word::kSymbolsOnly) != 0;
    const std::string_view word = text.substr(w.begin, w.size);
    if (symbols && ends_sentence(word))
      closed = true;
    else if (closed && !(symbols && punctuation_only(word)))
      ++sentences, closed = false;
  }
  return sentences;
}

ParamInfo words_param() {
  return ParamInfo::choice("words", {"plain", "spacy", "space"}, "what a word is; spacy: as datatrove splits English")
      .preset("plain");
}

WordKind words_kind(const Args& args) {
  const std::string& kind = args.text("words");
  return kind == "spacy" ? WordKind::kSpacy : kind == "space" ? WordKind::kSpace : WordKind::kPlain;
}

std::unique_ptr<WordSplitter> make_spacy_splitter();
std::unique_ptr<WordSplitter> make_plain_splitter();
std::unique_ptr<WordSplitter> make_space_splitter();

std::unique_ptr<WordSplitter> make_splitter(WordKind kind) {
  switch (kind) {
    case WordKind::kSpacy: return make_spacy_splitter();
    case WordKind::kSpace: return make_space_splitter();
    case WordKind::kPlain: break;
  }
  return make_plain_splitter();
}

}  // namespace frugal::data
