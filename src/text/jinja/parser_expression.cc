// Expressions, loosest binding first: if-else, or, and, not, comparisons, + -, ~, * / // %, **, signs, then
// what follows a primary (attribute, item, call) and the filters and tests after it. As in jinja2, ~ binds
// tighter than + and ** groups to the left.
#include <charconv>

#include "text/jinja/parser_base.h"

namespace frugal::jinja {
namespace {

std::string describe(const Token& token) {
  switch (token.kind) {
    case TokenKind::kEnd:
      return "the end of the template";
    case TokenKind::kBlockEnd:
      return "the end of the block tag";
    case TokenKind::kVariableEnd:
      return "the end of the print tag";
    case TokenKind::kBlockBegin:
      return "a block tag";
    case TokenKind::kVariableBegin:
      return "a print tag";
    case TokenKind::kText:
      return "text";
    default:
      return "'" + token.text + "'";
  }
}

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

void ExpressionParser::error_at(const std::string& message, Position position) {
  Failure failure(message);
  failure.position = position;
  throw failure;
}

void ExpressionParser::error(const std::string& message) const {
  error_at(message, current().position);
}

const Token& ExpressionParser::next() {
  const Token& token = current();
  if (token.kind != TokenKind::kEnd) ++at_;
  return token;
}

bool ExpressionParser::skip_op(std::string_view op) {
  return current().is_op(op) && (next(), true);
}
bool ExpressionParser::skip_name(std::string_view name) {
  return current().is_name(name) && (next(), true);
}

const Token& ExpressionParser::expect_op(std::string_view op) {
  if (!current().is_op(op)) error(fmt::format("expected '{}', got {}", op, describe(current())));
  return next();
}

void ExpressionParser::expect(TokenKind kind, const char* what) {
  if (current().kind != kind) error(fmt::format("expected {}, got {}", what, describe(current())));
  next();
}

std::string ExpressionParser::expect_name() {
  const std::string name = current().text;
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
    if (expr.kind != ExprKind::kName && expr.kind != ExprKind::kTarget)
      error_at("can't assign to this", expr.position);
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
  static constexpr std::pair<std::string_view, Op> kOps[] = {
      {"==", Op::kEq}, {"!=", Op::kNe}, {"<", Op::kLt}, {"<=", Op::kLe}, {">", Op::kGt}, {">=", Op::kGe}};
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
    const auto* found = std::find_if(std::begin(kOps), std::end(kOps),
                                     [&](const auto& o) { return current().is_op(o.first); });
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
  if (result.ec != std::errc() || result.ptr != end)
    error_at("integer out of range or malformed", token.position);
  if (base == 10 && text[0] == '0' && value != 0) error_at("leading zeros in an integer", token.position);
  expr->constant = value;
  return expr;
}

ExprPtr ExpressionParser::primary(bool namespaces) {
  const Token& token = current();
  switch (token.kind) {
    case TokenKind::kName:
      return name(namespaces);
    case TokenKind::kInteger:
    case TokenKind::kFloat:
      return number();
    case TokenKind::kString: {
      ExprPtr expr = make(ExprKind::kConstant, token.position);
      std::string text;
      while (current().kind == TokenKind::kString) text += next().text;
      expr->constant = std::move(text);
      return expr;
    }
    default:
      break;
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
  if (current().kind == TokenKind::kInteger)
    return binary(ExprKind::kItem, std::move(object), number(), position);
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
    if (!expr->filter && soft_ == 0)
      error_at(fmt::format("No filter named '{}'.", expr->name), expr->position);
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
  const bool operand = kind == TokenKind::kString || kind == TokenKind::kInteger ||
                       kind == TokenKind::kFloat || current().is_op("[") || current().is_op("{") ||
                       (kind == TokenKind::kName && !current().is_name("else") && !current().is_name("or") &&
                        !current().is_name("and"));
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
