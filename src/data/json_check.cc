// Strict JSON for what the reader of JSON lines passes on as it is written (valid_members of json_scan.h): simdjson
// finds where values begin and end, and does not look into those that nobody reads. No recursion; one pass.
#include <bitset>

#include "data/json_scan.h"

namespace frugal::data {
namespace {

class Check {
 public:
  explicit Check(std::string_view text) : text_(text) {}

  bool members() {
    blanks();
    if (at_ == text_.size()) return true;
    object_[0] = true;
    if (!key()) return false;
    for (;;) {
      if (!value()) return false;  // leaves an opened array or object at its first value, or closed where it is empty
      if (opened_) continue;
      while (depth_ > 0 && take(object_[depth_] ? '}' : ']')) --depth_, blanks();
      if (at_ == text_.size()) return depth_ == 0;
      if (!take(',')) return false;
      blanks();
      if (object_[depth_] && !key()) return false;
    }
  }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char c) {
    const bool there = at_ < text_.size() && text_[at_] == c;
    at_ += there ? 1 : 0;
    return there;
  }
  void blanks() {
    while (peek() == ' ' || peek() == '\t' || peek() == '\n' || peek() == '\r') ++at_;
  }

  bool key() {
    if (!take('"') || !string()) return false;
    blanks();
    if (!take(':')) return false;
    blanks();
    return true;
  }

  bool value() {
    opened_ = false;
    bool good = false;
    switch (peek()) {
      case '"': good = (++at_, string()); break;
      case '{':
      case '[': return open();
      case 't': good = word("true"); break;
      case 'f': good = word("false"); break;
      case 'n': good = word("null"); break;
      default: good = number();
    }
    blanks();
    return good;
  }

  bool open() {
    const bool object = peek() == '{';
    ++at_;
    blanks();
    if (take(object ? '}' : ']')) {
      blanks();
      return true;
    }
    if (++depth_ >= kDeepestJson) return false;
    object_[depth_] = object;
    opened_ = true;
    return !object || key();
  }

  bool word(std::string_view expected) {
    const bool there = text_.substr(at_).starts_with(expected);
    at_ += there ? expected.size() : 0;
    return there;
  }

  bool string() {  // from behind the quote
    while (at_ < text_.size()) {
      const auto c = static_cast<unsigned char>(text_[at_++]);
      if (c == '"') return true;
      if (c < 0x20) return false;
      if (c != '\\') continue;
      const char escaped = peek();
      ++at_;
      if (escaped == 'u' ? !hex4() : std::string_view("\"\\/bfnrt").find(escaped) == std::string_view::npos)
        return false;
    }
    return false;
  }
  bool hex4() {
    for (int i = 0; i < 4; ++i, ++at_) {
      const char c = peek();
      if (!(c >= '0' && c <= '9') && !((c | 32) >= 'a' && (c | 32) <= 'f')) return false;
    }
    return true;
  }

  bool digits() {
    const size_t begin = at_;
    while (peek() >= '0' && peek() <= '9') ++at_;
    return at_ > begin;
  }
  bool number() {
    take('-');
    if (!take('0') && !digits()) return false;
    if (take('.') && !digits()) return false;
    if (!take('e') && !take('E')) return true;
    if (!take('+')) take('-');
    return digits();
  }

  std::string_view text_;
  size_t at_ = 0, depth_ = 0;
  bool opened_ = false;
  std::bitset<kDeepestJson> object_;  // by depth: an object, or an array
};

}  // namespace

bool valid_members(std::string_view members) { return Check(members).members(); }

}  // namespace frugal::data
