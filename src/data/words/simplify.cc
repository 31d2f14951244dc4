#include "data/words/simplify.h"

#include <array>

#include "data/rules/lines.h"
#include "data/words/word_tables.h"
#include "text/jinja/unicode.h"
#include "text/unicode_normal.h"
#include "text/utf8.h"

namespace frugal::data {
namespace {

// One character read from a text: its code and bytes.
struct Step {
  uint32_t code;
  size_t size;
};
Step step(std::string_view text, size_t at) {
  const size_t n = utf8_length(text.substr(at));
  const auto byte = static_cast<unsigned char>(text[at]);
  return {n == 1 && byte >= 0x80 ? 0xfffd : decode_utf8(text.substr(at, n)), n};
}

bool digit(uint32_t c) { return c < 128 ? c >= '0' && c <= '9' : in_ranges(digit_ranges(), c); }
bool decimal_sign(uint32_t c) {
  return c == '.' || c == ',' || c == 0x60c || c == 0x66b || (c >= 0x2396 && c <= 0x2398);
}

size_t skip_digits(std::string_view text, size_t at) {
  while (at < text.size()) {
    const Step s = step(text, at);
    if (!digit(s.code)) break;
    at += s.size;
  }
  return at;
}

// Past the number that begins at `at`: digits, and a decimal part if there is one.
size_t skip_number(std::string_view text, size_t at) {
  at = skip_digits(text, at);
  if (at == text.size()) return at;
  const Step s = step(text, at);
  if (!decimal_sign(s.code)) return at;
  const size_t end = skip_digits(text, at + s.size);
  return end == at + s.size ? at : end;
}

// Numbers, signs and white space, on lower-case text; the result has neither ends of blanks nor two in a row.
void reduce(std::string_view text, std::string& out) {
  static const std::array<bool, 128> erased = [] {
    std::array<bool, 128> table{};
    for (uint32_t c = 0; c < 128; ++c) table[c] = in_ranges(erased_ranges(), c) || jinja::is_space(c);
    return table;
  }();
  bool blank = false;
  const auto put = [&](std::string_view piece) {
    if (blank && !out.empty()) out += ' ';
    blank = false;
    out += piece;
  };
  for (size_t at = 0; at < text.size();) {
    const Step s = step(text, at);
    if (digit(s.code)) {
      put("0");
      at = skip_number(text, at);
      continue;
    }
    if (s.code < 128 ? erased[s.code] : in_ranges(erased_ranges(), s.code) || jinja::is_space(s.code))
      blank = true;
    else
      put(text.substr(at, s.size));
    at += s.size;
  }
}

// Lower case as Python has it: beyond the one-to-one mapping, a Greek sigma at a word's end.
std::string lower(std::string_view text) {
  std::string out = jinja::lower(text);
  constexpr std::string_view kSigma = "\xcf\x83", kFinal = "\xcf\x82", kCapital = "\xce\xa3";
  if (text.find(kCapital) == std::string_view::npos) return out;
  for (size_t at = out.find(kSigma); at != std::string::npos; at = out.find(kSigma, at + 2)) {
    const bool inside = at + 2 < out.size() && jinja::is_alpha(step(out, at + 2).code);
    const bool was_capital = at < text.size() && text.substr(at).starts_with(kCapital);
    if (was_capital && !inside && at > 0 && !jinja::is_space(static_cast<unsigned char>(out[at - 1])))
      out.replace(at, 2, kFinal);
  }
  return out;
}

bool all_ascii(std::string_view text) {
  unsigned char any = 0;
  for (char c : text) any |= static_cast<unsigned char>(c);
  return any < 0x80;
}

void without_marks(std::string& text) {
  const std::string decomposed = normalise(text, NormalForm::kNfd);
  text.clear();
  for (size_t at = 0; at < decomposed.size();) {
    const Step s = step(decomposed, at);
    if (s.code < 0x300 || !in_ranges(mark_ranges(), s.code)) text.append(decomposed, at, s.size);
    at += s.size;
  }
}

}  // namespace

void simplify_text(std::string_view text, std::string& out) {
  out.clear();
  reduce(lower(text), out);
  if (all_ascii(out)) return;
  without_marks(out);
  if (const std::string_view stripped = strip(out); stripped.size() != out.size()) out = std::string(stripped);
}

}  // namespace frugal::data
