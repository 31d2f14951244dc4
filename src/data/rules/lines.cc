#include "data/rules/lines.h"

#include <algorithm>
#include <cstring>

#include "text/jinja/unicode.h"

namespace frugal::data {

size_t characters(std::string_view text) {
  size_t n = 0;
  for (char c : text) n += (static_cast<unsigned char>(c) & 0xc0) != 0x80 ? 1u : 0u;
  return n;
}

namespace {

// Bytes of the line break at text[at], 0 for none.
size_t line_break(std::string_view text, size_t at) {
  const auto c = static_cast<unsigned char>(text[at]);
  if (c == '\r') return text.substr(at + 1).starts_with('\n') ? 2 : 1;
  if ((c >= 10 && c <= 12) || (c >= 0x1c && c <= 0x1e)) return 1;
  if (c == 0xc2 && text.substr(at + 1).starts_with('\x85')) return 2;
  return c == 0xe2 && (text.substr(at + 1).starts_with("\x80\xa8") || text.substr(at + 1).starts_with("\x80\xa9")) ? 3
                                                                                                                   : 0;
}

// May a line break begin with this byte?
constexpr struct Starts {
  bool of[256] = {};
  constexpr Starts() {
    for (int c = 10; c <= 13; ++c) of[c] = true;
    for (int c = 0x1c; c <= 0x1e; ++c) of[c] = true;
    of[0xc2] = of[0xe2] = true;
  }
} kStarts;

}  // namespace

void split_lines(std::string_view text, std::vector<std::string_view>& out) {
  out.clear();
  size_t begin = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t n = kStarts.of[static_cast<unsigned char>(text[at])] ? line_break(text, at) : 0;
    if (n == 0) {
      ++at;
      continue;
    }
    out.push_back(text.substr(begin, at - begin));
    begin = at += n;
  }
  if (begin < text.size()) out.push_back(text.substr(begin));
}

void split_at_breaks(std::string_view text, size_t least, std::vector<std::string_view>& out) {
  out.clear();
  size_t begin = 0;
  for (size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at)) {
    const size_t end = std::min(text.find_first_not_of('\n', at), text.size());
    if (end - at >= least) {
      out.push_back(text.substr(begin, at - begin));
      begin = end;
    }
    at = end;
  }
  out.push_back(text.substr(begin));
}

void split_at_newlines(std::string_view text, std::vector<std::string_view>& out) {
  out.clear();
  size_t begin = 0;
  for (size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', begin)) {
    out.push_back(text.substr(begin, at - begin));
    begin = at + 1;
  }
  out.push_back(text.substr(begin));
}

namespace {
bool plain_ascii(char c) { return c > ' ' && c < 0x7f; }
}  // namespace

std::string_view strip_left(std::string_view text) {
  if (text.empty() || plain_ascii(text.front())) return text;
  return jinja::strip(text, jinja::Side::kLeft);
}
std::string_view strip_right(std::string_view text) {
  if (text.empty() || plain_ascii(text.back())) return text;
  return jinja::strip(text, jinja::Side::kRight);
}
std::string_view strip(std::string_view text) { return strip_right(strip_left(text)); }

size_t count_of(std::string_view text, std::string_view what) {
  size_t n = 0;
  for (size_t at = text.find(what); at != std::string_view::npos; at = text.find(what, at + what.size())) ++n;
  return n;
}

bool contains_any_case(std::string_view text, std::string_view what) {
  const char low = what[0], high = static_cast<char>(low - 32);
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; };
  for (size_t at = 0; at + what.size() <= text.size(); ++at)
    if ((text[at] == low || text[at] == high) &&
        std::equal(what.begin(), what.end(), text.begin() + static_cast<std::ptrdiff_t>(at),
                   [&](char b, char a) { return same(a, b); }))
      return true;
  return false;
}

}  // namespace frugal::data
