// Scanner for patterns that are a run of one set of characters, perhaps behind a blank: \p{N}, \p{N}+, \p{N}{1,3},
// [0-9][0-9][0-9], [\r\n], \s?\p{L}+, \s?[!-/:-~]+, and \s+$. Chains of these make DeepSeek's and Falcon's
// pre-tokenizers.
//
// The set is read from the pattern itself: characters, escapes, ranges and \p{X} of one-letter classes. Anything else
// (negation, alternatives, other quantifiers) is not for this scanner.
#include <optional>

#include "text/char_set.h"
#include "text/pre_tokenizer.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace frugal {
namespace {

// Reads sets out of a pattern; each function gives nothing and leaves the place alone where its part does not stand.
class SetReader {
 public:
  explicit SetReader(std::string_view pattern) : rest_(pattern) {}
  bool done() const { return rest_.empty(); }
  std::string_view rest() const { return rest_; }

  bool skip(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }

  // [...] or \p{X}.
  bool set(CharSet& out) {
    if (!skip("[")) return classes(out);
    if (rest_.empty() || rest_[0] == '^' || rest_[0] == ']') return false;
    while (!skip("]"))
      if (!classes(out) && !range(out)) return false;
    return true;
  }

 private:
  bool classes(CharSet& out) {
    if (skip("\\s")) return out.add_classes(kSpace), true;
    if (rest_.size() < 5 || !rest_.starts_with("\\p{") || rest_[4] != '}') return false;
    static constexpr std::string_view kNames = "LNPSM";
    static constexpr uint8_t kMasks[] = {kLetter, kNumber, kPunctuation, kSymbol, kMark};
    const size_t i = kNames.find(rest_[3]);
    if (i == std::string_view::npos) return false;
    rest_.remove_prefix(5);
    return out.add_classes(kMasks[i]), true;
  }

  bool range(CharSet& out) {
    const auto first = character();
    if (!first) return false;
    auto last = first;
    if (rest_.size() > 1 && rest_[0] == '-' && rest_[1] != ']') {
      rest_.remove_prefix(1);
      last = character();
      if (!last || *last < *first) return false;
    }
    out.add(*first, *last);
    return true;
  }

  std::optional<uint32_t> character() {
    if (rest_.empty() || rest_[0] == '[' || rest_[0] == '&') return {};  // Oniguruma's nested sets
    if (rest_[0] != '\\') {
      const size_t n = utf8_length(rest_);
      const uint32_t c = decode_utf8(rest_.substr(0, n));
      rest_.remove_prefix(n);
      return c;
    }
    if (rest_.size() < 2) return {};
    const char e = rest_[1];
    const bool letter = (e >= 'a' && e <= 'z') || (e >= 'A' && e <= 'Z') || (e >= '0' && e <= '9');
    if (letter && e != 'r' && e != 'n' && e != 't') return {};
    rest_.remove_prefix(2);
    return static_cast<uint32_t>(e == 'r' ? '\r' : e == 'n' ? '\n' : e == 't' ? '\t' : static_cast<unsigned char>(e));
  }

  std::string_view rest_;
};

class RunScanner : public PreTokenizer {
 public:
  CharSet set;
  bool any_space = false, blank = false;  // \s? or " ?" before the run
  size_t least = 1, most = SIZE_MAX;      // characters of the run

  void split(std::string_view text, Emit emit) const override {
    const ClassTable& table = ClassTable::get();
    size_t from = 0;  // what lies before it has been emitted
    for (size_t at = 0; at < text.size();) {
      const Char c = char_at(table, text, at);
      size_t end = 0;
      if ((any_space && c.is(kSpace)) || (blank && c.code == ' ')) end = run(table, text, at + c.size);
      if (end == 0) end = run(table, text, at);
      if (end == 0) {
        at += c.size;
        continue;
      }
      if (at > from) emit(text.substr(from, at - from));
      emit(text.substr(at, end - at));
      at = from = end;
    }
    if (from < text.size()) emit(text.substr(from));
  }

 private:
  // The end of the run at `at`; 0 when it is too short.
  size_t run(const ClassTable& table, std::string_view text, size_t at) const {
    size_t n = 0;
    while (at < text.size() && n < most) {
      const Char c = char_at(table, text, at);
      if (!set.has(c.code)) break;
      at += c.size;
      ++n;
    }
    return n < least ? 0 : at;
  }
};

// \s+$: the blanks that end a line.
class TrailingBlanks : public PreTokenizer {
 public:
  void split(std::string_view text, Emit emit) const override {
    const ClassTable& table = ClassTable::get();
    size_t from = 0;
    for (size_t at = 0; at < text.size();) {
      size_t end = at, match = at;  // of the run of blanks, and of its longest part that ends a line
      while (end < text.size()) {
        const Char c = char_at(table, text, end);
        if (!c.is(kSpace)) break;
        if (c.code == '\n' && end > at) match = end;
        end += c.size;
      }
      if (end == text.size()) match = end;
      if (match > at) {
        if (at > from) emit(text.substr(from, at - from));
        emit(text.substr(at, match - at));
        from = match;
      }
      at = match > at ? match : end > at ? end : at + char_at(table, text, at).size;
    }
    if (from < text.size()) emit(text.substr(from));
  }
};

// Runs of bytes that GPT-2's alphabet writes as characters of \p{N}. Falcon's tokenizer.json looks for digits after the
// bytes have become that alphabet, so that halves of characters count too: 0xBD in the middle of anything is its
// one-half sign.
class ByteDigits : public PreTokenizer {
 public:
  void split(std::string_view text, Emit emit) const override {
    for (size_t at = 0, end; at < text.size(); at = end) {
      for (end = at + 1; end < text.size() && digit(text[end]) == digit(text[at]);) ++end;
      emit(text.substr(at, end - at));
    }
  }

 private:
  static bool digit(char c) {
    const auto b = static_cast<unsigned char>(c);
    return (b >= '0' && b <= '9') || b == 0xb2 || b == 0xb3 || b == 0xb9 || (b >= 0xbc && b <= 0xbe);
  }
};

// How many of the set: nothing, +, {n,m}, or the same set again and again.
bool read_count(SetReader& in, std::string_view set, RunScanner& out) {
  if (in.skip("+")) return in.done();
  out.most = 1;
  if (in.skip("{1,3}")) return out.most = 3, in.done();
  while (in.skip(set)) ++out.most;
  out.least = out.most;
  return in.done();
}

}  // namespace

const char kDigitsPattern[] = R"(\p{N}+)";
const char kByteDigitsPattern[] = "(bytes of) \\p{N}+";
// What the tokenizers package calls punctuation: Unicode's and all of ASCII's that is neither letter nor digit.
const char kPunctuationPattern[] = R"([\p{P}\$\+<=>\^`\|~]+)";

constexpr size_t kLongestPattern = 2048;  // each class in it costs a walk over all characters

std::unique_ptr<PreTokenizer> make_run_scanner(const std::string& pattern) {
  if (pattern.size() > kLongestPattern) return nullptr;
  if (pattern == kByteDigitsPattern) return std::make_unique<ByteDigits>();
  if (pattern == R"(\s+$)") return std::make_unique<TrailingBlanks>();
  auto scanner = std::make_unique<RunScanner>();
  SetReader in(pattern);
  scanner->any_space = in.skip("\\s?");
  scanner->blank = !scanner->any_space && in.skip(" ?");
  const std::string_view before = in.rest();
  if (!in.set(scanner->set)) return nullptr;
  const std::string_view set = before.substr(0, before.size() - in.rest().size());
  return read_count(in, set, *scanner) ? std::move(scanner) : nullptr;
}

}  // namespace frugal
