// Words: what rules count. What a word is, is a parameter of every rule (`words=plain|spacy|space`), because shares and
// limits move with it.
//
//   plain   runs of letters, digits and marks, joined by one ' or ’ between letters and by one . or , between digits; a
//           run of one repeated symbol is a word of its own ("...", "--"), so is every other symbol
//   spacy   what spaCy's blank English tokenizer gives, word for word (spacy_english.cc): what datatrove uses
//   space   what stands between white space
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/registry.h"

namespace frugal::data {

enum class WordKind { kPlain, kSpacy, kSpace };
constexpr size_t kWordKinds = 3;

struct Word {
  uint32_t begin, size;  // bytes in the text
  uint32_t characters;   // code points
  static constexpr uint8_t kAlpha = 1, kSymbolsOnly = 2;
  uint8_t flags;  // kAlpha: holds a letter; kSymbolsOnly: every character is in symbol_character()'s set
  uint64_t hash;  // equal for equal words, well mixed
};
using Words = std::vector<Word>;

class WordSplitter {
 public:
  virtual ~WordSplitter() = default;
  virtual void split(std::string_view text, Words& out) = 0;  // clears out first
};
std::unique_ptr<WordSplitter> make_splitter(WordKind kind);

// The parameter that rules share.
ParamInfo words_param();
WordKind words_kind(const Args& args);

// Does the character count as punctuation in Gopher's word count? datatrove's list: ASCII punctuation without the
// apostrophe-free rest, typographic signs, controls, and the terminal punctuation of all scripts.
bool symbol_character(uint32_t code);
// Ends a sentence: Unicode's Sentence_Terminal of all scripts, as FineWeb's rule lists them.
bool terminal_character(uint32_t code);

// Sentences: a word that is one sentence-ending character closes one at the next word that is no punctuation (spaCy's
// rule-based sentencizer).
size_t count_sentences(std::string_view text, const Words& words);

}  // namespace frugal::data
