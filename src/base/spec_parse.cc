// The parser of spec strings: recursive descent over the grammar in spec.h, one function a rule.
#include "base/spec_parse.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include "base/error.h"
#include "base/spec.h"

namespace frugal {
namespace {

constexpr size_t kLongest = 16384;  // characters
constexpr int kDeepest = 32;        // values inside values
constexpr int kMostLayers = 100000;
constexpr std::string_view kSpecial = ",()|{}[]\"";

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_name_char(char c) { return is_letter(c) || is_digit(c) || c == '-'; }

std::string_view trimmed(std::string_view s) {
  while (!s.empty() && is_space(s.front())) s.remove_prefix(1);
  while (!s.empty() && is_space(s.back())) s.remove_suffix(1);
  return s;
}

// Length of the name that text begins with, 0 when there is none.
size_t name_length(std::string_view text) {
  if (text.empty() || !is_letter(text[0])) return 0;
  return static_cast<size_t>(std::find_if_not(text.begin(), text.end(), is_name_char) - text.begin());
}

bool begins_with_assignment(std::string_view text) {
  const size_t n = name_length(text);
  if (n == 0) return false;
  const std::string_view rest = trimmed(text.substr(n));
  return !rest.empty() && rest[0] == '=';
}

// Length of the decimal number that text begins with: no leading zeros, so that 007 stays text.
size_t number_length(std::string_view text) {
  size_t i = 0;
  auto digits = [&] {
    const size_t start = i;
    while (i < text.size() && is_digit(text[i])) ++i;
    return i - start;
  };
  if (i < text.size() && text[i] == '-') ++i;
  const size_t first = i, whole = digits();
  if (whole > 1 && text[first] == '0') return 0;
  size_t part = 0;
  if (i < text.size() && text[i] == '.') ++i, part = digits();
  if (whole + part == 0) return 0;
  const size_t mantissa = i;
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    if (++i; i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
    if (digits() == 0) return mantissa;
  }
  return i;
}

double bytes_in(std::string_view unit) {
  static constexpr std::array<std::pair<std::string_view, double>, 9> kUnits = {{{"B", 1},
                                                                                 {"KiB", 0x1p10},
                                                                                 {"MiB", 0x1p20},
                                                                                 {"GiB", 0x1p30},
                                                                                 {"TiB", 0x1p40},
                                                                                 {"KB", 1e3},
                                                                                 {"MB", 1e6},
                                                                                 {"GB", 1e9},
                                                                                 {"TB", 1e12}}};
  for (const auto& [name, size] : kUnits)
    if (name == unit) return size;
  return 0;
}

// A number, a percentage or a size in bytes; nullopt when token is none of them.
std::optional<Value> read_number(std::string_view token) {
  const size_t n = number_length(token);
  if (n == 0) return std::nullopt;
  const std::string_view unit = token.substr(n);
  double number = 0;
  if (std::from_chars(token.data(), token.data() + n, number).ec != std::errc{}) return std::nullopt;
  Value v = Value::of(number);
  if (unit == "%") {
    v.kind = Value::Kind::kPercent;
  } else if (!unit.empty()) {
    v.kind = Value::Kind::kBytes;
    v.number = number * bytes_in(unit);
    if (bytes_in(unit) == 0 || v.number < 0 || v.number > 0x1p62 || v.number != std::floor(v.number))
      return std::nullopt;
  }
  return v;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {
    if (text.size() > kLongest)
      fail(ErrorCode::kUsage, "spec", "found {} characters, expected at most {}", text.size(), kLongest);
  }

  Spec whole_spec() {
    Spec spec = this->spec();
    if (peek() != '\0') wrong(spec.back().unit.args.empty() ? "'(', '|' or the end" : "'|' or the end");
    return spec;
  }

  Value whole_value() {
    Value v = value();
    if (peek() != '\0') wrong("the end");
    return v;
  }

 private:
  Spec spec() {
    Spec parts;
    bool assigned = false;  // a comma parts only what was written as name=value
    do {
      parts.push_back(part(assigned));
    } while (take('|') || (assigned && take(',')));
    return parts;
  }

  Part part(bool& assigned) {
    Part p;
    while (scope(p.scope)) {
    }
    p.unit.name = name("the name of a method");
    assigned = take('=');
    if (assigned) {
      p.unit.args.push_back({"", value()});
    } else if (take('(')) {
      arguments(p.unit);
    }
    return p;
  }

  // One "k:", "v:" or "L0-1,5:"; false, with nothing taken, when a name comes next.
  bool scope(Scope& s) {
    peek();
    const size_t start = at_;
    if (at_ + 1 < text_.size() && (text_[at_] == 'k' || text_[at_] == 'v') && text_[at_ + 1] == ':') {
      if (s.side != 0) wrong("at most one of k: and v:");
      s.side = text_[at_];
      at_ += 2;
      return true;
    }
    std::vector<std::pair<int, int>> layers;
    if (!ranges(layers)) return at_ = start, false;
    if (!s.layers.empty()) at_ = start, wrong("one list of layers");
    s.layers = merged(std::move(layers));
    return true;
  }

  bool ranges(std::vector<std::pair<int, int>>& out) {
    if (at_ >= text_.size() || text_[at_] != 'L') return false;
    do {
      ++at_;
      const size_t start = at_;
      const int low = layer();
      if (low < 0) return false;
      int high = low;
      if (at_ < text_.size() && text_[at_] == '-') {
        ++at_;
        high = layer();
        if (high < 0) high = Scope::kLastLayer;
      }
      if (high < low) at_ = start, wrong("a range of layers that ascends");
      out.emplace_back(low, high);
    } while (at_ < text_.size() && text_[at_] == ',');
    return at_ < text_.size() && text_[at_++] == ':';
  }

  int layer() {
    const size_t start = at_;
    int n = -1;
    while (at_ < text_.size() && is_digit(text_[at_])) {
      n = std::max(n, 0) * 10 + (text_[at_++] - '0');
      if (n > kMostLayers) at_ = start, wrong(fmt::format("a layer of at most {}", kMostLayers));
    }
    return n;
  }

  static std::vector<std::pair<int, int>> merged(std::vector<std::pair<int, int>> in) {
    std::sort(in.begin(), in.end());
    std::vector<std::pair<int, int>> out;
    for (const auto& r : in) {
      if (!out.empty() && r.first <= out.back().second + 1) {
        out.back().second = std::max(out.back().second, r.second);
      } else {
        out.push_back(r);
      }
    }
    return out;
  }

  std::string name(const char* expected) {
    peek();
    const size_t n = name_length(text_.substr(at_));
    if (n == 0) wrong(expected);
    std::string found(text_.substr(at_, n));
    std::replace(found.begin(), found.end(), '-', '_');
    at_ += n;
    return found;
  }

  // After "(": arguments up to and with ")".
  void arguments(Unit& unit) {
    if (take(')')) return;
    do {
      peek();
      Arg arg;
      const size_t start = at_;
      if (begins_with_assignment(text_.substr(at_))) {
        arg.name = name("a parameter");
        take('=');
      }
      auto same = [&](const Arg& a) { return !arg.name.empty() && a.name == arg.name; };
      if (std::any_of(unit.args.begin(), unit.args.end(), same)) {
        at_ = start;
        wrong(fmt::format("'{}' only once", arg.name));
      }
      arg.value = value();
      unit.args.push_back(std::move(arg));
    } while (take(','));
    if (!take(')')) wrong("',' or ')'");
  }

  Value value() {
    if (++depth_ > kDeepest) wrong(fmt::format("at most {} values inside one another", kDeepest));
    Value v;
    switch (peek()) {
      case '"': v = quoted(); break;
      case '[': v = several(Value::Kind::kList, ']'); break;
      case '{': v = several(Value::Kind::kSweep, '}'); break;
      case '(': v = nested(); break;
      default: v = bare();
    }
    --depth_;
    return v;
  }

  Value quoted() {
    const size_t start = at_++;
    Value v;
    while (at_ < text_.size() && text_[at_] != '"') {
      const bool escaped =
          text_[at_] == '\\' && at_ + 1 < text_.size() && (text_[at_ + 1] == '"' || text_[at_ + 1] == '\\');
      v.text += text_[at_ + (escaped ? 1 : 0)];
      at_ += escaped ? 2 : 1;
    }
    if (at_ >= text_.size()) at_ = start, wrong("a closing '\"'");
    ++at_;
    return v;
  }

  Value several(Value::Kind kind, char close) {
    ++at_;
    Value v;
    v.kind = kind;
    if (kind == Value::Kind::kList && take(close)) return v;
    do {
      v.items.push_back(value());
    } while (take(','));
    if (!take(close)) wrong(fmt::format("',' or '{}'", close));
    return v;
  }

  Value nested() {
    ++at_;
    Value v;
    v.kind = Value::Kind::kSpec;
    v.spec = spec();
    if (!take(')')) wrong("'|' or ')'");
    return v;
  }

  // A number, text, or a unit with arguments.
  Value bare() {
    const size_t end = std::min(text_.find_first_of(kSpecial, at_), text_.size());
    const std::string_view token = trimmed(text_.substr(at_, end - at_));
    if (token.empty()) wrong("a value");
    if (end < text_.size() && text_[end] == '(' && name_length(token) == token.size()) {
      Value v;
      v.kind = Value::Kind::kSpec;
      bool assigned = false;
      v.spec.push_back(part(assigned));
      return v;
    }
    at_ = end;
    if (std::optional<Value> number = read_number(token)) return *number;
    return Value::of(std::string(token));
  }

  // The next character that is no space, '\0' at the end.
  char peek() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }

  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }

  // text_[from, to) with both ends moved outwards to whole UTF-8 characters.
  std::string_view excerpt(size_t from, size_t to) const {
    auto inside = [&](size_t i) { return i < text_.size() && (static_cast<unsigned char>(text_[i]) & 0xc0u) == 0x80u; };
    while (from > 0 && inside(from)) --from;
    to = std::min(to, text_.size());
    while (inside(to)) ++to;
    return text_.substr(from, to - from);
  }

  [[noreturn]] void wrong(std::string_view expected) const {
    constexpr size_t kAround = 30;
    const size_t from = at_ > kAround ? at_ - kAround : 0;
    const std::string found = at_ < text_.size() ? fmt::format("'{}'", excerpt(at_, at_ + 1)) : "the end";
    fail(ErrorCode::kUsage, "spec", "at column {} of {}{}{}: found {}, expected {}", at_ + 1, from > 0 ? "..." : "",
         excerpt(from, at_ + kAround), at_ + kAround < text_.size() ? "..." : "", found, expected);
  }

  std::string_view text_;
  size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

bool reads_as_bare_text(std::string_view text) {
  return !text.empty() && trimmed(text) == text && text.find_first_of(kSpecial) == std::string_view::npos &&
         !begins_with_assignment(text) && !read_number(text);
}

Spec parse_spec(std::string_view text) { return Parser(text).whole_spec(); }

Unit parse_unit(std::string_view text) {
  Spec spec = parse_spec(text);
  if (spec.size() != 1 || spec[0].scope.narrows())
    fail(ErrorCode::kUsage, "spec", "found '{}', expected one method without '|' or a scope", text);
  return std::move(spec[0].unit);
}

Value parse_value(std::string_view text) { return Parser(text).whole_value(); }

}  // namespace frugal
