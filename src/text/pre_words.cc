// Scanners for the two word patterns that nearly every byte-level vocabulary uses.
//
// GPT-2:    's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
// Llama-3:  (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|
// ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
//           (Qwen2: \p{N} in place of \p{N}{1,3})
//
// Which alternative matches is decided by the classes of one or two characters, so each piece is found by one look
// ahead and one run. \s+(?!\S) takes a run of blanks but for the last, which belongs to the word behind it; at the end
// of the text it takes all. Splitting digits off before (SmolLM, StarCoder: \p{N}, then GPT-2's pattern) is the same
// scanner in which a digit is a piece of its own and ends the text before it.
#include <algorithm>

#include "text/pre_tokenizer.h"
#include "text/unicode.h"

namespace frugal {
namespace {

class Scan {
 public:
  explicit Scan(std::string_view text) : text_(text) {}
  bool has(size_t at) const { return at < text_.size(); }
  Char at(size_t at) const { return char_at(table_, text_, at); }
  char byte(size_t at) const { return text_[at]; }

  // The end of the run of characters in mask (or, none: outside it) from at on.
  size_t run(size_t at, uint8_t mask, bool none = false) const {
    while (has(at)) {
      const Char c = this->at(at);
      if (c.is(mask) == none) break;
      at += c.size;
    }
    return at;
  }

  // The end of the blank piece at `at`: all but the last before a word, all at the end of the text or before `stops`.
  size_t blanks(size_t at, uint8_t stops) const {
    size_t last = at, end = at;
    while (has(end)) {
      const Char c = this->at(end);
      if (c.is(stops)) return end;
      if (!c.is(kSpace)) return last == at ? end : last;
      last = end;
      end += c.size;
    }
    return end;
  }

 private:
  const ClassTable& table_ = ClassTable::get();
  std::string_view text_;
};

constexpr uint8_t kWordy = kSpace | kLetter | kNumber;  // what a run of other characters stops at

// Length of s, t, re, ve, m, ll or d at `at`, behind an apostrophe; 0 for none of them. U+017F is an s to those who
// fold case.
size_t contraction(const Scan& s, size_t at, bool fold) {
  auto letter = [&](size_t i) {
    const char c = s.has(i) ? s.byte(i) : 0;
    return fold && c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  };
  const char a = letter(at), b = letter(at + 1);
  if (a == 's' || a == 't' || a == 'm' || a == 'd') return 1;
  if (((a == 'r' || a == 'v') && b == 'e') || (a == 'l' && b == 'l')) return 2;
  return fold && a == '\xc5' && b == '\xbf' ? 2 : 0;
}

template <bool kDigitsApart>
size_t gpt2_end(const Scan& s, size_t at) {
  const Char c = s.at(at);
  size_t word = at;
  Char w = c;
  if (c.code == ' ' && s.has(at + 1)) w = s.at(word = at + 1);
  if (w.is(kLetter)) return s.run(word + w.size, kLetter);
  if (w.is(kNumber)) return kDigitsApart ? at + c.size : s.run(word + w.size, kNumber);
  if (w.is(kSpace)) return s.blanks(at, kDigitsApart ? kNumber : 0);
  if (c.code == '\'')
    if (const size_t n = contraction(s, at + 1, false)) return at + 1 + n;
  return s.run(word + w.size, kWordy, true);
}

// \s*[\r\n]+: the end of the last line break in the run of blanks at `at`, 0 when there is none.
size_t line_breaks(const Scan& s, size_t at) {
  size_t end = 0;
  while (s.has(at)) {
    const Char c = s.at(at);
    if (!c.is(kSpace)) break;
    at += c.size;
    if (c.code == '\r' || c.code == '\n') end = at;
  }
  return end;
}

template <int kDigits>
size_t llama3_end(const Scan& s, size_t at) {
  const Char c = s.at(at);
  const size_t next = at + c.size;
  if (c.is(kLetter)) return s.run(next, kLetter);
  if (c.code == '\'')
    if (const size_t n = contraction(s, next, true)) return next + n;
  if (c.is(kNumber)) {
    size_t end = next;
    for (int i = 1; i < kDigits && s.has(end) && s.at(end).is(kNumber); ++i) end += s.at(end).size;
    return end;
  }
  const bool line = c.code == '\r' || c.code == '\n', more = s.has(next);
  const Char d = more ? s.at(next) : Char{kNoChar, 0, kSpace};
  if (!line && d.is(kLetter)) return s.run(next + d.size, kLetter);
  const size_t others = !c.is(kSpace) ? next : c.code == ' ' && !d.is(kWordy) ? next + d.size : 0;
  if (others == 0) {
    if (const size_t end = line_breaks(s, at)) return end;
    return s.blanks(at, 0);
  }
  size_t end = s.run(others, kWordy, true);
  while (s.has(end) && (s.byte(end) == '\r' || s.byte(end) == '\n')) ++end;
  return end;
}

template <size_t (*kEnd)(const Scan&, size_t)>
class WordScanner : public PreTokenizer {
 public:
  void split(std::string_view text, Emit emit) const override {
    const Scan scan(text);
    for (size_t at = 0; at < text.size();) {
      const size_t end = kEnd(scan, at);
      emit(text.substr(at, end - at));
      at = end;
    }
  }
};

}  // namespace

const char kGpt2Pattern[] = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
const char kLlama3Pattern[] =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
const char kQwen2Pattern[] =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
const char kDigitPattern[] = R"(\p{N})";

std::unique_ptr<PreTokenizer> make_word_scanner(const std::vector<std::string>& patterns) {
  if (patterns.size() == 2 && patterns[0] == kDigitPattern && patterns[1] == kGpt2Pattern)
    return std::make_unique<WordScanner<gpt2_end<true>>>();
  if (patterns.size() != 1) return nullptr;
  if (patterns[0] == kGpt2Pattern) return std::make_unique<WordScanner<gpt2_end<false>>>();
  if (patterns[0] == kLlama3Pattern) return std::make_unique<WordScanner<llama3_end<3>>>();
  if (patterns[0] == kQwen2Pattern) return std::make_unique<WordScanner<llama3_end<1>>>();
  return nullptr;
}

}  // namespace frugal
