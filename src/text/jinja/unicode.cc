// See unicode.h.
#include "text/jinja/unicode.h"

#include <locale.h>
#include <wctype.h>

#include <algorithm>

namespace frugal::jinja {
namespace {

constexpr uint32_t kInvalid = 0xDC00;  // + byte

locale_t utf8_locale() {
  static const locale_t kLocale = [] {
    locale_t locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    return locale ? locale : newlocale(LC_CTYPE_MASK, "C", nullptr);
  }();
  return kLocale;
}

uint32_t upper(uint32_t c) { return static_cast<uint32_t>(towupper_l(static_cast<wint_t>(c), utf8_locale())); }
uint32_t lower(uint32_t c) { return static_cast<uint32_t>(towlower_l(static_cast<wint_t>(c), utf8_locale())); }

bool is_valid(std::string_view character) {
  return character.size() > 1 || static_cast<unsigned char>(character[0]) < 0x80;
}

void append_upper(std::string& out, std::string_view character) {
  const uint32_t c = code_point(character);
  if (c == 0xDF) {
    out += "SS";
  } else if (!is_valid(character)) {
    out += character;
  } else {
    append_code_point(out, upper(c));
  }
}

void append_lower(std::string& out, std::string_view character) {
  if (!is_valid(character)) {
    out += character;
  } else {
    append_code_point(out, lower(code_point(character)));
  }
}

bool contains(std::string_view set, std::string_view character) {
  for (std::string_view member : Characters(set)) {
    if (member == character) return true;
  }
  return false;
}

std::string_view last_character(std::string_view text) {
  for (size_t n = std::min<size_t>(4, text.size()); n > 1; --n) {
    const std::string_view tail = text.substr(text.size() - n);
    if (character_length(tail) == n) return tail;
  }
  return text.substr(text.size() - 1);
}

bool is_line_end(uint32_t c) {
  return (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029;
}

}  // namespace

size_t character_length(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const size_t n = lead < 0x80 ? 1 : lead < 0xC2 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 1;
  if (n > text.size()) return 1;
  for (size_t i = 1; i < n; ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) return 1;
  }
  return n;
}

size_t character_count(std::string_view text) {
  size_t count = 0;
  for (; !text.empty(); ++count) text.remove_prefix(character_length(text));
  return count;
}

uint32_t code_point(std::string_view character) {
  const auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<unsigned char>(character[i])); };
  switch (character_length(character)) {
    case 2: return (byte(0) & 0x1F) << 6 | (byte(1) & 0x3F);
    case 3: return (byte(0) & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F);
    case 4: return (byte(0) & 7) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F);
    default: return byte(0) < 0x80 ? byte(0) : kInvalid + byte(0);
  }
}

void append_code_point(std::string& out, uint32_t c) {
  if (c > 0x10FFFF || (c >= 0xD800 && c < 0xE000)) c = 0xFFFD;
  const auto put = [&](uint32_t byte) { out += static_cast<char>(byte); };
  if (c < 0x80) return put(c);
  if (c < 0x800) return put(0xC0 | c >> 6), put(0x80 | (c & 0x3F));
  if (c < 0x10000) return put(0xE0 | c >> 12), put(0x80 | (c >> 6 & 0x3F)), put(0x80 | (c & 0x3F));
  put(0xF0 | c >> 18), put(0x80 | (c >> 12 & 0x3F)), put(0x80 | (c >> 6 & 0x3F)), put(0x80 | (c & 0x3F));
}

bool is_space(uint32_t c) {
  return (c >= 9 && c <= 13) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

bool is_digit(uint32_t c) { return c >= '0' && c <= '9'; }
bool is_alpha(uint32_t c) { return iswalpha_l(static_cast<wint_t>(c), utf8_locale()) != 0 && !is_digit(c); }
bool is_upper(uint32_t c) { return iswupper_l(static_cast<wint_t>(c), utf8_locale()) != 0; }
bool is_lower(uint32_t c) { return iswlower_l(static_cast<wint_t>(c), utf8_locale()) != 0; }

bool is_printable(uint32_t c) {
  if (c < 0x7F) return c >= 0x20;
  const bool format = c == 0xAD || (c >= 0x200B && c <= 0x200F) || (c >= 0x202A && c <= 0x202E) ||
                      (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF || (c >= 0xFFF9 && c <= 0xFFFB) ||
                      (c >= 0xE0000 && c <= 0xE007F);
  const bool private_use = (c >= 0xD800 && c <= 0xF8FF) || c >= 0xF0000;
  return !format && !private_use && !is_space(c) && iswprint_l(static_cast<wint_t>(c), utf8_locale()) != 0;
}

std::string upper(std::string_view text) {
  std::string out;
  for (std::string_view c : Characters(text)) append_upper(out, c);
  return out;
}

std::string lower(std::string_view text) {
  std::string out;
  for (std::string_view c : Characters(text)) append_lower(out, c);
  return out;
}

std::string capitalize(std::string_view text) {
  if (text.empty()) return "";
  const size_t n = character_length(text);
  return upper(text.substr(0, n)) + lower(text.substr(n));
}

std::string title(std::string_view text) {
  std::string out;
  bool inside = false;
  for (std::string_view character : Characters(text)) {
    inside ? append_lower(out, character) : append_upper(out, character);
    const uint32_t c = code_point(character);
    inside = is_upper(c) || is_lower(c);
  }
  return out;
}

std::string swap_case(std::string_view text) {
  std::string out;
  for (std::string_view character : Characters(text)) {
    is_upper(code_point(character)) ? append_lower(out, character) : append_upper(out, character);
  }
  return out;
}

std::string_view strip(std::string_view text, Side side, const std::string_view* set) {
  const auto drop = [&](std::string_view c) { return set ? contains(*set, c) : is_space(code_point(c)); };
  while (side != Side::kRight && !text.empty() && drop(text.substr(0, character_length(text)))) {
    text.remove_prefix(character_length(text));
  }
  while (side != Side::kLeft && !text.empty() && drop(last_character(text))) {
    text.remove_suffix(last_character(text).size());
  }
  return text;
}

std::vector<std::string_view> split_lines(std::string_view text, bool keep_ends) {
  std::vector<std::string_view> lines;
  size_t begin = 0, at = 0;
  while (at < text.size()) {
    size_t n = character_length(text.substr(at));
    if (is_line_end(code_point(text.substr(at, n)))) {
      if (text[at] == '\r' && at + 1 < text.size() && text[at + 1] == '\n') n = 2;
      lines.push_back(text.substr(begin, at - begin + (keep_ends ? n : 0)));
      begin = at + n;
    }
    at += n;
  }
  if (begin < text.size()) lines.push_back(text.substr(begin));
  return lines;
}

}  // namespace frugal::jinja
