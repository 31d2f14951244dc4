// See lexer.h.
#include "text/jinja/lexer.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "text/jinja/unicode.h"

namespace frugal::jinja {
namespace {

constexpr std::array<std::string_view, 6> kLongOperators = {"//", "**", "==", "!=", ">=", "<="};
constexpr std::string_view kShortOperators = "+-/*%~[](){}><=.:|,;";

bool is_name_byte(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || (c & 0x80); }
bool is_sign(char c) { return c == '-' || c == '+'; }

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(source) {}
  std::vector<Token> run();

 private:
  char at(size_t i) const { return i < source_.size() ? source_[i] : '\0'; }
  bool starts(std::string_view text, size_t i) const {
    return i < source_.size() && source_.substr(i, text.size()) == text;
  }
  void advance_to(size_t end);
  void skip_space();
  size_t space_end(size_t i) const;
  [[noreturn]] void error(const std::string& message) const;
  void push(TokenKind kind, std::string text, size_t end);

  size_t next_tag() const;
  void text_until(size_t end, bool variable, char sign);
  void after_tag(char sign, bool trims);
  size_t named_block_end(size_t tag, std::string_view name) const;
  void comment();
  void raw(size_t begin_end);
  void tag(bool block);
  bool tag_end(bool block);
  void token();
  void number();
  size_t digits_end(size_t i, int (*accept)(int)) const;
  size_t float_end(size_t integer_end) const;
  void string();
  void op();

  std::string_view source_;
  size_t pos_ = 0;
  Position position_{1, 1};
  bool line_starting_ = true;  // what came before the current text ended a line
  std::string open_;           // closing brackets still expected in this tag
  std::vector<Token> tokens_;
};

void Lexer::advance_to(size_t end) {
  for (; pos_ < end; ++pos_) {
    if (source_[pos_] == '\n') {
      ++position_.line;
      position_.column = 1;
    } else if ((source_[pos_] & 0xC0) != 0x80) {
      ++position_.column;
    }
  }
}

size_t Lexer::space_end(size_t i) const {
  while (i < source_.size() && is_space(code_point(source_.substr(i, 4)))) i += character_length(source_.substr(i, 4));
  return i;
}

void Lexer::skip_space() { advance_to(space_end(pos_)); }

void Lexer::error(const std::string& message) const {
  Failure failure(message);
  failure.position = position_;
  throw failure;
}

void Lexer::push(TokenKind kind, std::string text, size_t end) {
  tokens_.push_back({kind, std::move(text), position_});
  advance_to(end);
}

size_t Lexer::next_tag() const {
  for (size_t i = source_.find('{', pos_); i != std::string_view::npos; i = source_.find('{', i + 1)) {
    if (at(i + 1) == '{' || at(i + 1) == '%' || at(i + 1) == '#') return i;
  }
  return source_.size();
}

// Literal text up to a tag with this sign, as the sign and lstrip_blocks leave it.
void Lexer::text_until(size_t end, bool variable, char sign) {
  std::string_view text = source_.substr(pos_, end - pos_);
  if (sign == '-') {
    text = strip(text, Side::kRight);
  } else if (sign != '+' && !variable) {
    const size_t newline = text.rfind('\n');
    const size_t line = newline == std::string_view::npos ? 0 : newline + 1;
    if ((line > 0 || line_starting_) && strip(text.substr(line)).empty()) text = text.substr(0, line);
  }
  if (!text.empty()) tokens_.push_back({TokenKind::kText, std::string(text), position_});
  advance_to(end);
}

// White space after a closing delimiter that carried this sign; trims: trim_blocks applies to it.
void Lexer::after_tag(char sign, bool trims) {
  const size_t before = pos_;
  if (sign == '-') {
    skip_space();
  } else if (trims && sign != '+' && at(pos_) == '\n') {
    advance_to(pos_ + 1);
  }
  line_starting_ = pos_ > before && source_[pos_ - 1] == '\n';
}

void Lexer::comment() {
  const size_t begin = pos_ + (is_sign(at(pos_ + 2)) ? 3 : 2);
  const size_t end = source_.find("#}", std::min(begin, source_.size()));
  if (end == std::string_view::npos) error("Missing end of comment tag");
  advance_to(end + 2);
  after_tag(end > begin ? source_[end - 1] : '\0', true);
}

// Where the tag's name ends when the block tag at `tag` has this name and nothing else before its delimiter,
// else 0.
size_t Lexer::named_block_end(size_t tag, std::string_view name) const {
  if (!starts("{%", tag)) return 0;
  const size_t word = space_end(tag + (is_sign(at(tag + 2)) ? 3 : 2));
  if (!starts(name, word)) return 0;
  const size_t end = space_end(word + name.size());
  return starts("%}", end) || (is_sign(at(end)) && starts("%}", end + 1)) ? end : 0;
}

// Everything up to {% endraw %} is text; begin_end: where {% raw's closing delimiter stands.
void Lexer::raw(size_t begin_end) {
  const char begin_sign = at(begin_end);
  advance_to(begin_end + (begin_sign == '-' ? 3 : 2));
  after_tag(begin_sign, false);
  for (size_t tag = source_.find("{%", pos_); tag != std::string_view::npos; tag = source_.find("{%", tag + 1)) {
    const size_t end = named_block_end(tag, "endraw");
    if (!end) continue;
    text_until(tag, false, at(tag + 2));
    advance_to(end + (is_sign(at(end)) ? 3 : 2));
    return after_tag(at(end), true);
  }
  error("Missing end of raw directive");
}

bool Lexer::tag_end(bool block) {
  if (!open_.empty()) return false;
  const std::string_view delimiter = block ? "%}" : "}}";
  const char first = at(pos_), sign = first == '-' || (block && first == '+') ? first : '\0';
  if (!starts(delimiter, pos_ + (sign ? 1 : 0))) return false;
  push(block ? TokenKind::kBlockEnd : TokenKind::kVariableEnd, "", pos_ + delimiter.size() + (sign ? 1 : 0));
  after_tag(sign, block);
  return true;
}

void Lexer::tag(bool block) {
  push(block ? TokenKind::kBlockBegin : TokenKind::kVariableBegin, "", pos_ + (is_sign(at(pos_ + 2)) ? 3 : 2));
  open_.clear();
  for (skip_space(); !tag_end(block); skip_space()) {
    if (pos_ >= source_.size()) return;  // the parser reports what it was looking for
    token();
  }
}

size_t Lexer::digits_end(size_t i, int (*accept)(int)) const {
  while (accept(static_cast<unsigned char>(at(i))) || (at(i) == '_' && accept(static_cast<unsigned char>(at(i + 1)))))
    ++i;
  return i;
}

// Where the float that begins with the digits before integer_end ends; integer_end itself when it is no
// float.
size_t Lexer::float_end(size_t integer_end) const {
  if (pos_ > 0 && source_[pos_ - 1] == '.') return integer_end;
  size_t end = integer_end;
  if (at(end) == '.' && std::isdigit(static_cast<unsigned char>(at(end + 1)))) end = digits_end(end + 1, std::isdigit);
  if ((at(end) | 0x20) == 'e') {
    const size_t power = end + (is_sign(at(end + 1)) ? 2 : 1);
    if (std::isdigit(static_cast<unsigned char>(at(power)))) end = digits_end(power, std::isdigit);
  }
  return end;
}

void Lexer::number() {
  const char prefix = at(pos_) == '0' ? static_cast<char>(at(pos_ + 1) | 0x20) : '\0';
  size_t end = pos_ + 2;
  if (prefix == 'x') {
    end = digits_end(end, std::isxdigit);
  } else if (prefix == 'o' || prefix == 'b') {
    end = digits_end(end, std::isdigit);
  }
  const bool prefixed = end > pos_ + 2;
  const size_t integer_end = prefixed ? end : digits_end(pos_, std::isdigit);
  end = prefixed ? end : float_end(integer_end);
  std::string text(source_.substr(pos_, end - pos_));
  std::erase(text, '_');
  push(end > integer_end ? TokenKind::kFloat : TokenKind::kInteger, text, end);
}

// Undoes the escape after the backslash at text[i]; leaves i on the last character used.
void unescape(std::string_view text, size_t& i, std::string& out) {
  static constexpr std::string_view kNames = "ntr\\'\"abfv\n", kValues = "\n\t\r\\'\"\a\b\f\v";
  const char c = text[++i];
  if (const size_t known = kNames.find(c); known != std::string_view::npos) {
    if (c != '\n') out += kValues[known];
    return;
  }
  const bool octal = c >= '0' && c <= '7';
  const size_t width = octal ? 3 : c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
  if (width == 0) return void((out += '\\') += c);
  uint32_t value = 0;
  size_t used = 0;
  for (size_t k = octal ? i : i + 1; used < width && k < text.size(); ++k, ++used) {
    const auto digit = static_cast<unsigned char>(text[k]);
    if (octal ? digit < '0' || digit > '7' : !std::isxdigit(digit)) break;
    value = octal ? value * 8 + (digit - '0')
                  : value * 16 + static_cast<uint32_t>(digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
  }
  if (!octal && used < width) raise("truncated \\{} escape in a string", c);
  append_code_point(out, value);
  i += octal ? used - 1 : used;
}

void Lexer::string() {
  const char quote = at(pos_);
  size_t end = pos_ + 1;
  while (end < source_.size() && source_[end] != quote) end += source_[end] == '\\' ? 2 : 1;
  if (end >= source_.size()) error("string without an end");
  const std::string_view text = source_.substr(pos_ + 1, end - pos_ - 1);
  std::string out;
  try {
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\\') {
        unescape(text, i, out);
      } else {
        out += text[i];
      }
    }
  } catch (const Failure& failure) {
    error(failure.what());
  }
  push(TokenKind::kString, std::move(out), end + 1);
}

void Lexer::op() {
  const std::string_view two = source_.substr(pos_, 2);
  const bool is_long = std::find(kLongOperators.begin(), kLongOperators.end(), two) != kLongOperators.end();
  const std::string_view text = is_long ? two : two.substr(0, 1);
  const char c = text[0];
  if (kShortOperators.find(c) == std::string_view::npos && !is_long) {
    error(fmt::format("unexpected character {}", repr(source_.substr(pos_, character_length(source_.substr(pos_))))));
  }
  if (c == '(') open_ += ')';
  if (c == '[') open_ += ']';
  if (c == '{') open_ += '}';
  if (c == ')' || c == ']' || c == '}') {
    if (open_.empty()) error(fmt::format("unexpected '{}'", c));
    if (open_.back() != c) error(fmt::format("unexpected '{}', expected '{}'", c, open_.back()));
    open_.pop_back();
  }
  push(TokenKind::kOperator, std::string(text), pos_ + text.size());
}

void Lexer::token() {
  const char c = at(pos_);
  if (std::isdigit(static_cast<unsigned char>(c))) return number();
  if (c == '"' || c == '\'') return string();
  if (!is_name_byte(c)) return op();
  size_t end = pos_;
  while (is_name_byte(at(end))) ++end;
  push(TokenKind::kName, std::string(source_.substr(pos_, end - pos_)), end);
}

std::vector<Token> Lexer::run() try {
  while (pos_ < source_.size()) {
    const size_t next = next_tag();
    if (next == source_.size()) {
      push(TokenKind::kText, std::string(source_.substr(pos_)), next);
      break;
    }
    text_until(next, at(next + 1) == '{', at(next + 2));
    const size_t raw_end = named_block_end(pos_, "raw");
    if (raw_end && at(raw_end) != '+') {
      raw(raw_end);
    } else if (at(pos_ + 1) == '#') {
      comment();
    } else {
      tag(at(pos_ + 1) == '%');
    }
  }
  tokens_.push_back({TokenKind::kEnd, "", position_});
  return std::move(tokens_);
} catch (const Failure& failure) {
  tokens_.push_back({TokenKind::kError, failure.what(), failure.position});
  return std::move(tokens_);
}

}  // namespace

std::string normalize_newlines(const std::string& source) {
  std::string out;
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r' && i + 1 < source.size() && source[i + 1] == '\n') continue;
    out += source[i] == '\r' ? '\n' : source[i];
  }
  if (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

std::vector<Token> tokenize(const std::string& source) { return Lexer(source).run(); }

}  // namespace frugal::jinja
