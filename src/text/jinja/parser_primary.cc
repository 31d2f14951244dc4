// What an expression is made of: names, numbers, strings, lists and dicts, and what may follow them:
// attributes, items, calls, filters and tests.
#include <charconv>

#include "text/jinja/parser_base.h"

namespace frugal::jinja {

ExprPtr ExpressionParser::name(bool namespaces) {
  const Token& token = next();
  const auto constant = [&](Value value) {
    ExprPtr expr = make(ExprKind::kConstant, token.position);
    expr->constant = std::move(value);
    return expr;
  };
  const std::string& text = token.text;
  if (text == "true" || text == "True") return constant(true);
  if (text == "false" || text == "False") return constant(false);
  if (text == "none" || text == "None") return constant({});
  if (namespaces && skip_op(".")) {
    ExprPtr expr = constant(text);
    expr->kind = ExprKind::kTarget;
    expr->name = expect_name();
    return expr;
  }
  if (signature_) {
    signature_->uses_caller |= text == "caller";
    signature_->uses_varargs |= text == "varargs";
    signature_->uses_kwargs |= text == "kwargs";
  }
  ExprPtr expr = make(ExprKind::kName, token.position);
  expr->name = text;
  return expr;
}

ExprPtr ExpressionParser::number() {
  const Token& token = next();
  ExprPtr expr = make(ExprKind::kConstant, token.position);
  const std::string& text = token.text;
  const char *begin = text.data(), *end = text.data() + text.size();
  if (token.kind == TokenKind::kFloat) {
    expr->constant = std::strtod(text.c_str(), nullptr);
    return expr;
  }
  const char kind = text.size() > 2 && text[0] == '0' ? static_cast<char>(text[1] | 0x20) : '0';
  const int base = kind == 'x' ? 16 : kind == 'o' ? 8 : kind == 'b' ? 2 : 10;
  int64_t value = 0;
  const auto result = std::from_chars(base == 10 ? begin : begin + 2, end, value, base);
  if (result.ec != std::errc() || result.ptr != end) error_at("integer out of range or malformed", token.position);
  if (base == 10 && text[0] == '0' && value != 0) error_at("leading zeros in an integer", token.position);
  expr->constant = value;
  return expr;
}

ExprPtr ExpressionParser::primary(bool namespaces) {
  const Token& token = current();
  switch (token.kind) {
    case TokenKind::kName: return name(namespaces);
    case TokenKind::kInteger:
    case TokenKind::kFloat: return number();
    case TokenKind::kString: {
      ExprPtr expr = make(ExprKind::kConstant, token.position);
      std::string text;
      while (current().kind == TokenKind::kString) text += next().text;
      expr->constant = std::move(text);
      return expr;
    }
    default: break;
  }
  if (skip_op("(")) {
    const Nesting guard(*this);
    ExprPtr expr = tuple({.parentheses = true});
    expect_op(")");
    return expr;
  }
  if (token.is_op("[")) return list();
  if (token.is_op("{")) return dict();
  error("unexpected " + describe(token));
}

ExprPtr ExpressionParser::list() {
  const Nesting guard(*this);
  ExprPtr expr = make(ExprKind::kList, expect_op("[").position);
  while (!current().is_op("]")) {
    expr->args.push_back(expression());
    if (!current().is_op("]")) expect_op(",");
  }
  next();
  return finish(std::move(expr));
}

ExprPtr ExpressionParser::dict() {
  const Nesting guard(*this);
  ExprPtr expr = make(ExprKind::kDict, expect_op("{").position);
  while (!current().is_op("}")) {
    expr->args.push_back(expression());
    expect_op(":");
    expr->args.push_back(expression());
    if (!current().is_op("}")) expect_op(",");
  }
  next();
  return finish(std::move(expr));
}

ExprPtr ExpressionParser::postfix(ExprPtr object) {
  for (;;) {
    if (current().is_op(".")) {
      object = attribute(std::move(object));
    } else if (current().is_op("[")) {
      object = item(std::move(object));
    } else if (current().is_op("(")) {
      object = call(std::move(object));
    } else {
      return object;
    }
  }
}

ExprPtr ExpressionParser::filter_chain(ExprPtr value) {
  for (;;) {
    if (current().is_op("|")) {
      value = filters(std::move(value), false);
    } else if (current().is_name("is")) {
      value = test(std::move(value));
    } else if (current().is_op("(")) {
      value = call(std::move(value));
    } else {
      return value;
    }
  }
}

ExprPtr ExpressionParser::attribute(ExprPtr object) {
  const Position position = next().position;
  if (current().kind == TokenKind::kInteger) return binary(ExprKind::kItem, std::move(object), number(), position);
  ExprPtr expr = make(ExprKind::kAttribute, position);
  expr->args.push_back(std::move(object));
  expr->name = expect_name();
  return finish(std::move(expr));
}

ExprPtr ExpressionParser::item(ExprPtr object) {
  const Nesting guard(*this);
  const Position position = next().position;
  ExprPtr index = current().is_op(":") ? nullptr : expression();
  if (current().is_op(":")) return slice(std::move(object), std::move(index), position);
  if (current().is_op(",")) {
    ExprPtr all = make(ExprKind::kTuple, position);
    all->args.push_back(std::move(index));
    while (skip_op(",")) all->args.push_back(expression());
    index = finish(std::move(all));
  }
  expect_op("]");
  return binary(ExprKind::kItem, std::move(object), std::move(index), position);
}

ExprPtr ExpressionParser::slice(ExprPtr object, ExprPtr start, Position position) {
  ExprPtr expr = make(ExprKind::kSlice, position);
  expr->args.push_back(std::move(object));
  expr->args.push_back(std::move(start));
  while (expr->args.size() < 4 && skip_op(":")) {
    const bool absent = current().is_op(":") || current().is_op("]");
    expr->args.push_back(absent ? nullptr : expression());
  }
  expr->args.resize(4);
  expect_op("]");
  return finish(std::move(expr));
}

ExprPtr ExpressionParser::call(ExprPtr callee) {
  ExprPtr expr = make(ExprKind::kCall, current().position);
  expr->args.push_back(std::move(callee));
  arguments(*expr);
  return finish(std::move(expr));
}

void ExpressionParser::arguments(Expr& call) {
  const Nesting guard(*this);
  expect_op("(");
  while (!current().is_op(")")) {
    argument(call);
    if (!current().is_op(")")) expect_op(",");
  }
  next();
}

void ExpressionParser::argument(Expr& call) {
  const Position position = current().position;
  bool misplaced = call.star_star != nullptr;
  if (skip_op("*")) {
    misplaced |= call.star != nullptr;
    call.star = expression();
  } else if (skip_op("**")) {
    call.star_star = expression();
  } else if (current().kind == TokenKind::kName && ahead().is_op("=")) {
    std::string name = next().text;
    next();
    call.named.emplace_back(std::move(name), expression());
  } else {
    misplaced |= call.star || !call.named.empty();
    call.args.push_back(expression());
  }
  if (misplaced) error_at("invalid syntax for function call expression", position);
}

std::string ExpressionParser::dotted_name() {
  std::string name = expect_name();
  while (skip_op(".")) name += "." + expect_name();
  return name;
}

ExprPtr ExpressionParser::filters(ExprPtr input, bool inline_start) {
  while (inline_start || skip_op("|")) {
    inline_start = false;
    ExprPtr expr = make(ExprKind::kFilter, current().position);
    expr->name = dotted_name();
    expr->filter = find_filter(expr->name);
    if (!expr->filter && soft_ == 0) error_at(fmt::format("No filter named '{}'.", expr->name), expr->position);
    expr->args.push_back(std::move(input));
    if (current().is_op("(")) arguments(*expr);
    input = finish(std::move(expr));
  }
  return input;
}

ExprPtr ExpressionParser::test(ExprPtr value) {
  const Position position = next().position;
  const bool negated = skip_name("not");
  ExprPtr expr = make(ExprKind::kTest, position);
  expr->name = dotted_name();
  expr->test = find_test(expr->name);
  if (!expr->test && soft_ == 0) error_at(fmt::format("No test named '{}'.", expr->name), position);
  expr->args.push_back(std::move(value));
  const TokenKind kind = current().kind;
  const bool operand =
      kind == TokenKind::kString || kind == TokenKind::kInteger || kind == TokenKind::kFloat || current().is_op("[") ||
      current().is_op("{") ||
      (kind == TokenKind::kName && !current().is_name("else") && !current().is_name("or") && !current().is_name("and"));
  if (current().is_name("is")) error("You cannot chain multiple tests with is");
  if (current().is_op("(")) {
    arguments(*expr);
  } else if (operand) {
    expr->args.push_back(postfix(primary(false)));
  }
  expr = finish(std::move(expr));
  if (!negated) return expr;
  ExprPtr result = make(ExprKind::kNot, position);
  result->args.push_back(std::move(expr));
  return finish(std::move(result));
}

}  // namespace frugal::jinja
