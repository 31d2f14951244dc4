#include "data/json_scan.h"

#include <bit>
#include <cstring>

namespace frugal::data {
namespace {

// 0 for a byte that stands for itself, else what follows the backslash ('u': \u00xx).
constexpr struct Escapes {
  char of[256] = {};
  constexpr Escapes() {
    for (int c = 0; c < 32; ++c) of[c] = 'u';
    constexpr char kNames[][2] = {{'\n', 'n'}, {'\r', 'r'}, {'\t', 't'}, {'\b', 'b'},
                                  {'\f', 'f'}, {'"', '"'},  {'\\', '\\'}};
    for (const auto& [byte, name] : kNames) of[static_cast<unsigned char>(byte)] = name;
  }
} kEscapes;

// Does any of eight bytes need an escape?
bool any_special(uint64_t w) {
  constexpr uint64_t kOnes = 0x0101010101010101, kHigh = 0x8080808080808080;
  const uint64_t quote = w ^ (kOnes * '"'), slash = w ^ (kOnes * '\\');
  return (((w - kOnes * 0x20) | (quote - kOnes) | (slash - kOnes)) & ~w & kHigh) != 0;
}

int hex_digit(char c) {
  return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

// Bit 7 of every byte that is a quote or a backslash; the lowest such byte is always right.
uint64_t quote_or_slash(uint64_t w) {
  constexpr uint64_t kOnes = 0x0101010101010101, kHigh = 0x8080808080808080;
  const uint64_t quote = w ^ (kOnes * '"'), slash = w ^ (kOnes * '\\');
  return (((quote - kOnes) & ~quote) | ((slash - kOnes) & ~slash)) & kHigh;
}

char simple_escape(char c) {
  switch (c) {
    case 'n': return '\n';
    case 't': return '\t';
    case 'r': return '\r';
    case 'b': return '\b';
    case 'f': return '\f';
    case '"':
    case '\\':
    case '/': return c;
    default: return 0;
  }
}

// The four hexadecimal digits at text[at], or -1.
int32_t hex4(std::string_view text, size_t at) {
  if (at + 4 > text.size()) return -1;
  int32_t value = 0;
  for (size_t i = at; i < at + 4; ++i) {
    const int d = hex_digit(text[i]);
    if (d < 0) return -1;
    value = value * 16 + d;
  }
  return value;
}

// \uXXXX at text[at] (the backslash); appends the character and returns its length in the text.
size_t unescape_unicode(std::string_view text, size_t at, std::string& out) {
  const int32_t high = hex4(text, at + 2);
  if (high < 0) return append_utf8(0xfffd, out), 2;
  if (high < 0xd800 || high > 0xdfff) return append_utf8(static_cast<uint32_t>(high), out), 6;
  const int32_t low = high < 0xdc00 && text.substr(at + 6).starts_with("\\u") ? hex4(text, at + 8) : -1;
  if (low < 0xdc00 || low > 0xdfff) return append_utf8(0xfffd, out), 6;
  return append_utf8(static_cast<uint32_t>(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)), out), 12;
}

}  // namespace

void append_escaped(std::string_view text, std::string& out) {
  size_t from = 0, at = 0;
  while (at < text.size()) {
    if (at + 8 <= text.size()) {
      uint64_t w;
      std::memcpy(&w, text.data() + at, 8);
      if (!any_special(w)) {
        at += 8;
        continue;
      }
    }
    const auto c = static_cast<unsigned char>(text[at]);
    const char escape = kEscapes.of[c];
    if (escape == 0) {
      ++at;
      continue;
    }
    out.append(text.data() + from, at - from);
    out += '\\';
    out += escape;
    if (escape == 'u') out += "00", out += "01"[c >> 4], out += "0123456789abcdef"[c & 15];
    from = ++at;
  }
  out.append(text.data() + from, text.size() - from);
}

size_t unescape_to(const char* from, char* to) {
  char* const begin = to;
  for (;;) {
    uint64_t w;
    std::memcpy(&w, from, 8);
    std::memcpy(to, &w, 8);
    const uint64_t special = quote_or_slash(w);
    if (special == 0) {
      from += 8, to += 8;
      continue;
    }
    const int n = std::countr_zero(special) / 8;
    from += n, to += n;
    if (*from == '"') return static_cast<size_t>(to - begin);
    if (from[1] == 'u') {
      std::string character;
      if (hex4({from + 2, 4}, 0) < 0) return std::string_view::npos;
      from += unescape_unicode({from, from[6] == '\\' ? size_t{12} : size_t{6}}, 0, character);
      to += character.copy(to, character.size());
      continue;
    }
    const char c = simple_escape(from[1]);
    if (c == 0) return std::string_view::npos;
    *to++ = c;
    from += 2;
  }
}

std::string unescape_json(std::string_view inside) {
  std::string out;
  for (size_t at = 0; at < inside.size();) {
    if (inside[at] != '\\' || at + 1 == inside.size()) {
      out += inside[at++];
    } else if (inside[at + 1] == 'u') {
      at += unescape_unicode(inside, at, out);
    } else {
      const char c = simple_escape(inside[at + 1]);
      out += c == 0 ? inside[at + 1] : c;
      at += 2;
    }
  }
  return out;
}

}  // namespace frugal::data
