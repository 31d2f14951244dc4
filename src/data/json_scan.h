// The little JSON that the pipeline needs beside the parser: members of an object whose text is known to be valid JSON,
// strings with and without escapes.
#pragma once

#include <string>
#include <string_view>

#include "text/utf8.h"

namespace frugal::data {

// The end of the JSON value that begins at text[at]: past its closing quote or bracket, or before the next , } ].
inline size_t skip_json_value(std::string_view text, size_t at) {
  int depth = 0;
  bool quoted = false;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (quoted) {
      if (c == '\\') ++at;
      if (c != '"') continue;
      quoted = false;
      if (depth == 0) return at + 1;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      if (depth == 0) return at;
      if (--depth == 0) return at + 1;
    } else if (c == ',' && depth == 0) {
      return at;
    }
  }
  return text.size();
}

// Calls visit(key, raw value) for each member of `"a":1,"b":"x"` until it returns false. Keys come as they are written.
template <typename Visit>
void scan_members(std::string_view members, Visit visit) {
  size_t at = 0;
  while (at < members.size()) {
    const size_t open = members.find('"', at);
    if (open == std::string_view::npos) return;
    const size_t close = skip_json_value(members, open), colon = members.find(':', close);
    if (colon == std::string_view::npos || close < open + 2) return;
    const size_t begin = members.find_first_not_of(" \t\r\n", colon + 1);
    if (begin == std::string_view::npos) return;
    size_t end = skip_json_value(members, begin);
    at = end + 1;
    while (end > begin && (members[end - 1] == ' ' || members[end - 1] == '\t')) --end;
    if (!visit(members.substr(open + 1, close - open - 2), members.substr(begin, end - begin))) return;
  }
}

// Is `"a":1,"b":["x"]` what may stand inside an object's braces? Everything but UTF-8 is checked: RFC 8259, at most
// kDeepestJson values in each other. Empty is.
bool valid_members(std::string_view members);
constexpr size_t kDeepestJson = 1000;

// Appends text as the inside of a JSON string.
void append_escaped(std::string_view text, std::string& out);

// Member `"name":"text"` with a comma before it where members is not empty.
inline void append_member(std::string& members, std::string_view name, std::string_view text) {
  if (!members.empty()) members += ',';
  members += '"';
  append_escaped(name, members);
  members += "\":\"";
  append_escaped(text, members);
  members += '"';
}

std::string unescape_json(std::string_view inside);  // a lone surrogate becomes U+FFFD

// Copies the string whose first byte is at `from` to `to` without escapes, up to the closing quote, and returns the
// bytes written; npos for a wrong escape. The quote must be there; eight bytes behind it may be read, and eight behind
// what is written may be overwritten.
size_t unescape_to(const char* from, char* to);

}  // namespace frugal::data
