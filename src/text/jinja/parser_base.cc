// The token stream behind the parser, and the making of nodes with their depth.
#include "text/jinja/parser_base.h"

namespace frugal::jinja {
namespace {

int deepest(const Expr& expr) {
  int depth = 0;
  const auto look = [&](const ExprPtr& child) { depth = std::max(depth, child ? child->depth : 0); };
  std::for_each(expr.args.begin(), expr.args.end(), look);
  for (const auto& [name, child] : expr.named) look(child);
  look(expr.star);
  look(expr.star_star);
  return depth;
}

}  // namespace

std::string describe(const Token& token) {
  switch (token.kind) {
    case TokenKind::kEnd: return "the end of the template";
    case TokenKind::kBlockEnd: return "the end of the block tag";
    case TokenKind::kVariableEnd: return "the end of the print tag";
    case TokenKind::kBlockBegin: return "a block tag";
    case TokenKind::kVariableBegin: return "a print tag";
    case TokenKind::kText: return "text";
    default: return "'" + token.text + "'";
  }
}

void ExpressionParser::error_at(const std::string& message, Position position) {
  Failure failure(message);
  failure.position = position;
  throw failure;
}

void ExpressionParser::error(const std::string& message) const { error_at(message, current().position); }

// Throws where the text cannot be split into tokens: reported when the parser gets there, after earlier
// errors.
void ExpressionParser::check_readable() const {
  if (current().kind == TokenKind::kError) error(current().text);
}

const Token& ExpressionParser::next() {
  const Token& token = current();
  if (token.kind != TokenKind::kEnd) ++at_;
  check_readable();
  return token;
}

bool ExpressionParser::skip_op(std::string_view op) { return current().is_op(op) && (next(), true); }
bool ExpressionParser::skip_name(std::string_view name) { return current().is_name(name) && (next(), true); }

const Token& ExpressionParser::expect_op(std::string_view op) {
  if (!current().is_op(op)) error(fmt::format("expected '{}', got {}", op, describe(current())));
  return next();
}

void ExpressionParser::expect(TokenKind kind, const char* what) {
  if (current().kind != kind) error(fmt::format("expected {}, got {}", what, describe(current())));
  next();
}

std::string ExpressionParser::expect_name() {
  std::string name = current().text;
  expect(TokenKind::kName, "a name");
  return name;
}

ExprPtr ExpressionParser::make(ExprKind kind, Position position) const {
  auto expr = std::make_unique<Expr>();
  expr->kind = kind;
  expr->position = position;
  return expr;
}

ExprPtr ExpressionParser::finish(ExprPtr expr) const {
  expr->depth = 1 + deepest(*expr);
  if (expr->depth > kMaxDepth) error_at("expression nested too deeply", expr->position);
  return expr;
}

ExprPtr ExpressionParser::binary(ExprKind kind, ExprPtr left, ExprPtr right, Position position) const {
  ExprPtr expr = make(kind, position);
  expr->args.push_back(std::move(left));
  expr->args.push_back(std::move(right));
  return finish(std::move(expr));
}

}  // namespace frugal::jinja
