// Why own code: MyHTML wants to know the character set before it parses, and its own guess reads less than the
// standard's algorithm does, which passes over comments, over other elements with their attributes, and gives up where
// the text ends inside a tag.
#include "data/web/prescan.h"

#include <algorithm>
#include <vector>

namespace frugal::data {
namespace {

bool blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r'; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
bool letter(char c) { return lower(c) >= 'a' && lower(c) <= 'z'; }

struct Attribute {
  std::string name, value;
};

class Scan {
 public:
  explicit Scan(std::string_view text) : text_(text) {}

  std::string run() {
    for (; !done(); ++at_) {
      if (text_[at_] != '<') continue;
      if (rest().starts_with("<!--")) {
        at_ = end_of("-->", at_ + 2);
      } else if (is_meta()) {
        at_ += 5;
        if (std::string name = meta(); !name.empty()) return name;
      } else if (const char c = peek(1); letter(c) || (c == '/' && letter(peek(2)))) {
        while (!done() && !blank(peek()) && peek() != '>') ++at_;
        for (Attribute a; attribute(a);) continue;
      } else if (c == '!' || c == '/' || c == '?') {
        at_ = end_of(">", at_);
      }
    }
    return {};
  }

 private:
  bool done() const { return at_ >= text_.size(); }
  char peek(size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
  std::string_view rest() const { return text_.substr(at_); }
  size_t end_of(std::string_view what, size_t from) const {  // its last character
    const size_t found = text_.find(what, from);
    return found == std::string_view::npos ? text_.size() : found + what.size() - 1;
  }
  bool is_meta() const {
    constexpr std::string_view kMeta = "meta";
    for (size_t i = 0; i < kMeta.size(); ++i)
      if (lower(peek(1 + i)) != kMeta[i]) return false;
    return blank(peek(5)) || peek(5) == '/';
  }

  // The next attribute of the element; false at its end, or (then the text is used up) where the text ends.
  bool attribute(Attribute& a) {
    a = {};
    while (!done() && (blank(peek()) || peek() == '/')) ++at_;
    if (done() || peek() == '>') return false;
    for (; !done() && !(peek() == '=' && !a.name.empty()); ++at_) {
      if (blank(peek()) || peek() == '/' || peek() == '>') break;
      a.name += lower(peek());
    }
    while (!done() && blank(peek())) ++at_;
    if (done()) return false;
    if (peek() != '=') return true;
    ++at_;
    while (!done() && blank(peek())) ++at_;
    return value(a.value);
  }

  bool value(std::string& out) {
    const char quote = peek() == '"' || peek() == '\'' ? peek() : '\0';
    if (quote != '\0') ++at_;
    for (; !done(); ++at_) {
      if (quote != '\0' ? peek() == quote : blank(peek()) || peek() == '>') {
        at_ += quote != '\0' ? 1 : 0;
        return true;
      }
      out += lower(peek());
    }
    return false;
  }

  // From behind "<meta": its character set, or nothing.
  std::string meta() {
    std::vector<std::string> seen;
    std::string charset, of_content;
    bool pragma = false, named = false;
    for (Attribute a; attribute(a);) {
      if (std::find(seen.begin(), seen.end(), a.name) != seen.end()) continue;
      seen.push_back(a.name);
      if (a.name == "http-equiv") pragma = a.value == "content-type";
      if (a.name == "charset") charset = a.value, named = true;
      if (a.name == "content") of_content = charset_in(a.value);
    }
    if (done()) return {};
    if (!named && pragma) charset = of_content;
    charset.erase(0, std::min(charset.find_first_not_of(" \t\n\f\r"), charset.size()));
    charset.erase(charset.find_last_not_of(" \t\n\f\r") + 1);
    return charset.starts_with("utf-16") ? "utf-8" : charset;
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

std::string declared_charset(std::string_view head) { return Scan(head).run(); }

std::string charset_in(std::string_view text) {
  std::string low(text);
  std::transform(low.begin(), low.end(), low.begin(), lower);
  for (size_t at = low.find("charset"); at != std::string::npos; at = low.find("charset", at + 7)) {
    size_t begin = low.find_first_not_of(" \t\n\f\r", at + 7);
    if (begin == std::string::npos || low[begin] != '=') continue;
    begin = low.find_first_not_of(" \t\n\f\r", begin + 1);
    if (begin == std::string::npos) return {};
    if (low[begin] == '"' || low[begin] == '\'') {
      const size_t end = low.find(low[begin], begin + 1);
      return end == std::string::npos ? std::string() : low.substr(begin + 1, end - begin - 1);
    }
    return low.substr(begin, std::min(low.find_first_of(" \t\n\f\r;", begin), low.size()) - begin);
  }
  return {};
}

}  // namespace frugal::data
