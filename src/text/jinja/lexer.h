// Splits a template into literal text and the tokens between its delimiters.
//
// Follows the rules of jinja2's lexer under transformers' settings: trim_blocks (a newline right after a
// block or a comment is dropped), lstrip_blocks (blanks before a block or a comment that starts its line are
// dropped), and one newline at the end of the template is dropped. "-" inside a delimiter strips all white
// space on its side, "+" turns the two settings off for it. A closing delimiter counts only when the brackets
// opened inside the tag are closed.
#pragma once

#include <string>
#include <vector>

#include "text/jinja/value.h"

namespace frugal::jinja {

enum class TokenKind {
  kText,
  kVariableBegin,
  kVariableEnd,
  kBlockBegin,
  kBlockEnd,
  kName,
  kString,
  kInteger,
  kFloat,
  kOperator,
  kError,  // what stands here is no token: text says why
  kEnd
};

struct Token {
  TokenKind kind;
  std::string text;  // literal text, name, unescaped string, operator, or number as written without "_"
  Position position;

  bool is_op(std::string_view op) const { return kind == TokenKind::kOperator && text == op; }
  bool is_name(std::string_view name) const { return kind == TokenKind::kName && text == name; }
};

// All tokens of source, kEnd or, where they cannot be read on, kError last.
std::vector<Token> tokenize(const std::string& source);

// "\r\n" and "\r" become "\n", and one newline at the end is dropped.
std::string normalize_newlines(const std::string& source);

}  // namespace frugal::jinja
