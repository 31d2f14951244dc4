// Expressions, loosest binding first: if-else, or, and, not, comparisons, + -, ~, * / // %, **, signs, then
// what follows a primary (attribute, item, call) and the filters and tests after it. As in jinja2, ~ binds
// tighter than + and ** groups to the left.
#include "text/jinja/parser_base.h"

namespace frugal::jinja {
bool ExpressionParser::tuple_end(const TupleOptions& options) const {
  const TokenKind kind = current().kind;
  return kind == TokenKind::kVariableEnd || kind == TokenKind::kBlockEnd || current().is_op(")") ||
         (options.end && current().is_name(options.end));
}

ExprPtr ExpressionParser::tuple(const TupleOptions& options) {
  ExprPtr all = make(ExprKind::kTuple, current().position);
  bool is_tuple = false;
  while (!tuple_end(options)) {
    all->args.push_back(options.simplified ? primary(options.namespaces) : expression(options.conditions));
    if (!skip_op(",")) break;
    is_tuple = true;
  }
  if (!is_tuple && !all->args.empty()) return std::move(all->args[0]);
  if (!is_tuple && !options.parentheses) error("expected an expression, got " + describe(current()));
  return finish(std::move(all));
}

ExprPtr ExpressionParser::assign_target(const TupleOptions& options) {
  ExprPtr target = tuple(options);
  const auto check = [&](const Expr& expr) {
    if (expr.kind != ExprKind::kName && expr.kind != ExprKind::kTarget) error_at("can't assign to this", expr.position);
  };
  if (target->kind != ExprKind::kTuple) return check(*target), std::move(target);
  for (const ExprPtr& part : target->args) check(*part);
  return target;
}

ExprPtr ExpressionParser::condition() {
  const Nesting guard(*this);
  ExprPtr value = or_();
  while (current().is_name("if")) {
    ExprPtr expr = make(ExprKind::kCondition, next().position);
    ++soft_;
    ExprPtr test = or_();
    ExprPtr otherwise = skip_name("else") ? condition() : nullptr;
    --soft_;
    expr->args.push_back(std::move(test));
    expr->args.push_back(std::move(value));
    expr->args.push_back(std::move(otherwise));
    value = finish(std::move(expr));
  }
  return value;
}

ExprPtr ExpressionParser::or_() {
  ExprPtr left = and_();
  while (current().is_name("or")) {
    const Position position = next().position;
    left = binary(ExprKind::kOr, std::move(left), and_(), position);
  }
  return left;
}

ExprPtr ExpressionParser::and_() {
  ExprPtr left = not_();
  while (current().is_name("and")) {
    const Position position = next().position;
    left = binary(ExprKind::kAnd, std::move(left), not_(), position);
  }
  return left;
}

ExprPtr ExpressionParser::not_() {
  const Nesting guard(*this);
  if (!current().is_name("not")) return comparison();
  ExprPtr expr = make(ExprKind::kNot, next().position);
  expr->args.push_back(not_());
  return finish(std::move(expr));
}

bool ExpressionParser::comparison_op(Op& op) {
  static constexpr std::pair<std::string_view, Op> kOps[] = {{"==", Op::kEq}, {"!=", Op::kNe}, {"<", Op::kLt},
                                                             {"<=", Op::kLe}, {">", Op::kGt},  {">=", Op::kGe}};
  for (const auto& [text, value] : kOps) {
    if (skip_op(text)) return op = value, true;
  }
  if (skip_name("in")) return op = Op::kIn, true;
  if (!current().is_name("not") || !ahead().is_name("in")) return false;
  next(), next();
  return op = Op::kNotIn, true;
}

ExprPtr ExpressionParser::comparison() {
  ExprPtr expr = make(ExprKind::kCompare, current().position);
  expr->args.push_back(sum());
  Op op;
  for (Position here = current().position; comparison_op(op); here = current().position) {
    if (expr->ops.empty()) expr->position = here;
    expr->ops.push_back(op);
    expr->args.push_back(sum());
  }
  return expr->ops.empty() ? std::move(expr->args[0]) : finish(std::move(expr));
}

ExprPtr ExpressionParser::sum() {
  ExprPtr left = concat();
  while (current().is_op("+") || current().is_op("-")) {
    const Op op = current().is_op("+") ? Op::kAdd : Op::kSub;
    const Position position = next().position;
    left = binary(ExprKind::kBinary, std::move(left), concat(), position);
    left->ops.push_back(op);
  }
  return left;
}

ExprPtr ExpressionParser::concat() {
  ExprPtr expr = make(ExprKind::kConcat, current().position);
  do {
    expr->args.push_back(product());
  } while (skip_op("~"));
  return expr->args.size() == 1 ? std::move(expr->args[0]) : finish(std::move(expr));
}

ExprPtr ExpressionParser::product() {
  static constexpr std::pair<std::string_view, Op> kOps[] = {
      {"*", Op::kMul}, {"/", Op::kDiv}, {"//", Op::kFloorDiv}, {"%", Op::kMod}};
  ExprPtr left = power();
  for (;;) {
    const auto* found =
        std::find_if(std::begin(kOps), std::end(kOps), [&](const auto& o) { return current().is_op(o.first); });
    if (found == std::end(kOps)) return left;
    const Position position = next().position;
    left = binary(ExprKind::kBinary, std::move(left), power(), position);
    left->ops.push_back(found->second);
  }
}

ExprPtr ExpressionParser::power() {
  ExprPtr left = unary(true);
  while (current().is_op("**")) {
    const Position position = next().position;
    left = binary(ExprKind::kBinary, std::move(left), unary(true), position);
    left->ops.push_back(Op::kPow);
  }
  return left;
}

ExprPtr ExpressionParser::unary(bool with_filters) {
  const Nesting guard(*this);
  ExprPtr expr;
  if (current().is_op("-") || current().is_op("+")) {
    expr = make(current().is_op("-") ? ExprKind::kNegative : ExprKind::kPositive, current().position);
    next();
    expr->args.push_back(unary(false));
    expr = finish(std::move(expr));
  } else {
    expr = primary(false);
  }
  expr = postfix(std::move(expr));
  return with_filters ? filter_chain(std::move(expr)) : std::move(expr);
}

}  // namespace frugal::jinja
