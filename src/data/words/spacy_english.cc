// The words of spaCy's blank English tokenizer, as datatrove counts them.
//
// Problem: rules are compared with the reference implementation only where both count the same words.
// Rule (spaCy 3.8, Tokenizer._tokenize_affixes): the text is cut at white space. Of each piece, prefixes and suffixes
// are taken off by two expressions, in turn, until what is left is one of about 1,350 words with a split of their own
// ("don't", "a.m.") or no longer changes; what is left is a word when it looks like a URL, else it is cut at the
// matches of the infix expression. Afterwards words that the first step tore apart are put together where the torn
// pieces stand in that list ("xD:)" holds ":)"). Deviations: torn words are only looked for within a piece (spaCy looks
// across white space too, which never changes a split, but may keep another match from being made); the same text as
// pieces of other lengths is not told apart. Cost: pieces are remembered, so most take one look-up; a new one takes
// some microseconds in PCRE2.
#include <algorithm>
#include <unordered_map>

#include "data/hash.h"
#include "data/words/word_tables.h"
#include "data/words/words.h"
#include "text/jinja/unicode.h"
#include "text/pattern.h"
#include "text/unicode.h"

namespace frugal::data {
namespace {

using Sizes = std::vector<uint32_t>;  // words of a piece, in bytes

std::string with_classes(std::string pattern, const EnglishRules& rules) {
  static constexpr std::string_view kNames = "ALUIQP";
  for (size_t i = 0; i < kNames.size(); ++i) {
    const std::string name = {'{', kNames[i], '}'};
    for (size_t at = 0; (at = pattern.find(name, at)) != std::string::npos;
         at += std::char_traits<char>::length(rules.classes[i]))
      pattern.replace(at, name.size(), rules.classes[i]);
  }
  return pattern;
}

// The rules, compiled once for all workers.
class English {
 public:
  static const English& get() {
    static const English rules;
    return rules;
  }

  Sizes split(std::string_view piece) const {
    if (const Sizes* special = find(piece)) return *special;
    return rejoin(piece, by_affixes(piece, true));
  }

 private:
  explicit English(const EnglishRules& r = english_rules())
      : prefix_(with_classes(r.prefix, r), "words"),
        suffix_(with_classes(r.suffix, r), "words"),
        infix_(with_classes(r.infix, r), "words"),
        url_(with_classes(r.url, r), "words") {
    for (std::string_view list = r.exceptions; !list.empty();) {
      const size_t tab = list.find('\t'), end = list.find('\n');
      Sizes sizes(1, 0);
      for (char c : list.substr(tab + 1, end - tab - 1)) {
        if (c == ' ')
          sizes.push_back(0);
        else
          sizes.back() = sizes.back() * 10 + static_cast<uint32_t>(c - '0');
      }
      specials_[std::string(list.substr(0, tab))] = sizes;
      list.remove_prefix(end + 1);
    }
    for (const auto& [word, sizes] : specials_)
      if (prefix(word) + suffix(word) > 0 || infix_.find(word, 0).first < word.size())
        torn_[by_affixes(word, false).front()].push_back(word);
  }

  const Sizes* find(std::string_view word) const {
    const auto found = specials_.find(std::string(word));
    return found == specials_.end() ? nullptr : &found->second;
  }
  size_t prefix(std::string_view s) const {
    const auto [from, to] = prefix_.find(s, 0);
    return to - from;
  }
  size_t suffix(std::string_view s) const {
    const auto [from, to] = suffix_.find(s, 0);
    return to - from;
  }

  // Takes affixes off `left`; sizes of prefixes go to front, of suffixes to back (the outermost first).
  std::string_view strip(std::string_view left, bool specials, Sizes& front, Sizes& back) const {
    size_t last = 0;
    while (!left.empty() && left.size() != last) {
      if (specials && find(left)) break;
      last = left.size();
      const size_t pre = prefix(left);
      if (pre > 0 && specials && left.size() > pre && find(left.substr(pre))) {
        front.push_back(static_cast<uint32_t>(pre));
        return left.substr(pre);
      }
      const size_t suf = suffix(left.substr(pre));
      if (suf > 0 && specials && left.size() > suf && find(left.substr(0, left.size() - suf))) {
        back.push_back(static_cast<uint32_t>(suf));
        return left.substr(0, left.size() - suf);
      }
      if (pre > 0) front.push_back(static_cast<uint32_t>(pre));
      if (suf > 0) back.push_back(static_cast<uint32_t>(suf));
      left = left.substr(pre, left.size() - pre - suf);
    }
    return left;
  }

  Sizes by_affixes(std::string_view piece, bool specials) const {
    Sizes front, back;
    const std::string_view left = strip(piece, specials, front, back);
    if (!left.empty()) inside(left, specials, front);
    front.insert(front.end(), back.rbegin(), back.rend());
    return front;
  }

  void inside(std::string_view left, bool specials, Sizes& out) const {
    if (const Sizes* special = specials ? find(left) : nullptr)
      return void(out.insert(out.end(), special->begin(), special->end()));
    if (url_.find(left, 0).first == 0) return out.push_back(static_cast<uint32_t>(left.size()));
    size_t start = 0;
    for (size_t at = 0; at < left.size();) {
      const auto [from, to] = infix_.find(left, at);
      if (from >= left.size()) break;
      at = std::max(to, from + 1);
      if (from == 0) continue;
      if (from != start) out.push_back(static_cast<uint32_t>(from - start));
      if (to != from) out.push_back(static_cast<uint32_t>(to - from));
      start = to;
    }
    if (start < left.size()) out.push_back(static_cast<uint32_t>(left.size() - start));
  }

  // The longest word of the list that stands at `at` as whole words of `sizes` from number i on; 0: none.
  size_t torn_word(std::string_view piece, const Sizes& sizes, size_t i, size_t at) const {
    const auto found = torn_.find(sizes[i]);
    size_t longest = 0;
    if (found == torn_.end()) return 0;
    for (const std::string& word : found->second) {
      if (word.size() <= longest || !piece.substr(at).starts_with(word)) continue;
      const Sizes parts = by_affixes(word, false);
      if (i + parts.size() <= sizes.size() &&
          std::equal(parts.begin(), parts.end(), sizes.begin() + static_cast<std::ptrdiff_t>(i)))
        longest = word.size();
    }
    return longest;
  }

  Sizes rejoin(std::string_view piece, const Sizes& sizes) const {
    Sizes out;
    for (size_t i = 0, at = 0; i < sizes.size();) {
      const size_t torn = torn_word(piece, sizes, i, at);
      if (torn == 0) {
        at += sizes[i];
        out.push_back(sizes[i++]);
        continue;
      }
      const Sizes& whole = *find(piece.substr(at, torn));
      out.insert(out.end(), whole.begin(), whole.end());
      for (const size_t end = at + torn; at < end; ++i) at += sizes[i];
    }
    return out;
  }

  Pattern prefix_, suffix_, infix_, url_;
  std::unordered_map<std::string, Sizes> specials_;
  std::unordered_map<uint32_t, std::vector<std::string>> torn_;  // by the size of their first piece
};

class Spacy : public WordSplitter {
 public:
  void split(std::string_view text, Words& out) override {
    out.clear();
    for (size_t at = 0; at < text.size();) {
      const size_t begin = at;
      at = end_of_piece(text, at);
      if (at > begin)
        add(text, begin, at, out);
      else
        at += char_at(classes_, text, at).size;
    }
  }

 private:
  struct Piece {
    std::string bytes;
    std::vector<Word> words;
  };

  size_t end_of_piece(std::string_view text, size_t at) const {
    while (at < text.size()) {
      const auto c = static_cast<unsigned char>(text[at]);
      if (c < 0x80 ? c == ' ' || (c >= 9 && c <= 13) || (c >= 0x1c && c <= 0x1f) : high_space(text, at)) break;
      at += c < 0x80 ? 1 : char_at(classes_, text, at).size;
    }
    return at;
  }
  bool high_space(std::string_view text, size_t at) const {
    const uint32_t c = char_at(classes_, text, at).code;
    return c != kNoChar && jinja::is_space(c);
  }

  void add(std::string_view text, size_t begin, size_t end, Words& out) {
    for (const Word& w : known(text.substr(begin, end - begin)).words) {
      out.push_back(w);
      out.back().begin += static_cast<uint32_t>(begin);
    }
  }

  const Piece& known(std::string_view bytes) {
    const uint64_t h = hash_bytes(bytes);
    Piece& piece = cache_[h & (cache_.size() - 1)];
    if (piece.bytes != bytes || piece.words.empty()) fill(piece, bytes);
    return piece;
  }

  void fill(Piece& piece, std::string_view bytes) const {
    piece.bytes = bytes;
    piece.words.clear();
    uint32_t at = 0;
    for (uint32_t size : English::get().split(bytes)) {
      piece.words.push_back(describe(bytes.substr(at, size), at));
      at += size;
    }
  }

  Word describe(std::string_view word, uint32_t begin) const {
    Word w{begin, static_cast<uint32_t>(word.size()), 0, Word::kSymbolsOnly, hash_bytes(word)};
    for (size_t at = 0; at < word.size(); ++w.characters) {
      const Char c = char_at(classes_, word, at);
      if (c.is(kLetter)) w.flags |= Word::kAlpha;
      if (!symbol_character(c.code == kNoChar ? 0xfffd : c.code)) w.flags &= static_cast<uint8_t>(~Word::kSymbolsOnly);
      at += c.size;
    }
    return w;
  }

  const ClassTable& classes_ = ClassTable::get();
  std::vector<Piece> cache_ = std::vector<Piece>(1 << 16);
};

}  // namespace

std::unique_ptr<WordSplitter> make_spacy_splitter() { return std::make_unique<Spacy>(); }

}  // namespace frugal::data
