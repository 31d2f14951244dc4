// Expressions: evaluation, calls, and Jinja's rules for attributes and items. See interpreter.h.
#include <algorithm>

#include "text/jinja/interpreter.h"
#include "text/jinja/operators.h"
#include "text/jinja/unicode.h"

namespace frugal::jinja {
namespace {

// How Python's repr would name an object in "... has no attribute".
std::string object_name(const Value& object) {
  return object.is_none() ? "None" : fmt::format("'{} object'", type_name(object));
}

// Names that the sandbox hides: they would change a value in place.
bool is_mutator(const Value& object, std::string_view name) {
  static constexpr std::string_view kList[] = {"append", "clear", "pop",    "reverse",
                                               "insert", "sort",  "extend", "remove"};
  static constexpr std::string_view kDict[] = {"clear", "pop", "popitem", "setdefault", "update"};
  const bool list = object.seq() && object.seq()->kind == SeqKind::kList;
  const auto is = [&](std::string_view other) { return other == name; };
  return (list && std::any_of(std::begin(kList), std::end(kList), is)) ||
         (object.dict() && std::any_of(std::begin(kDict), std::end(kDict), is));
}

Value cycle(Interpreter&, const Loop& loop, const Arguments& arguments) {
  if (arguments.positional.empty()) raise("no items for cycling given");
  return arguments.positional[static_cast<size_t>(loop.index0) % arguments.positional.size()];
}

bool changed(Interpreter& interpreter, Loop& loop, const Arguments& arguments) {
  const std::string now = repr(make_tuple(arguments.positional));
  interpreter.charge_text(now.size());
  if (loop.changed_once && now == loop.last_changed) return false;
  loop.changed_once = true;
  loop.last_changed = now;
  return true;
}

Value loop_function(const Value& object, const std::string& name) {
  auto callable = std::make_shared<Callable>();
  callable->name = name;
  callable->kind = "method";
  auto loop = *object.get<std::shared_ptr<Loop>>();
  callable->call = [loop, name](Interpreter& interpreter, Arguments& arguments) {
    return name == "cycle" ? cycle(interpreter, *loop, arguments) : Value(changed(interpreter, *loop, arguments));
  };
  return std::shared_ptr<const Callable>(std::move(callable));
}

// loop.index and its like; false when the loop has no such attribute.
bool loop_attribute(const Value& object, const std::string& name, Value& out) {
  const Loop& loop = *object.loop();
  const auto& items = loop.items->items;
  const auto size = static_cast<int64_t>(items.size());
  const auto at = [&](int64_t i, const char* what) {
    return i >= 0 && i < size ? items[static_cast<size_t>(i)]
                              : Value::undefined(fmt::format("there is no {} item", what));
  };
  if (name == "index") return out = loop.index0 + 1, true;
  if (name == "index0") return out = loop.index0, true;
  if (name == "revindex") return out = size - loop.index0, true;
  if (name == "revindex0") return out = size - loop.index0 - 1, true;
  if (name == "first") return out = loop.index0 == 0, true;
  if (name == "last") return out = loop.index0 + 1 >= size, true;
  if (name == "length") return out = size, true;
  if (name == "depth") return out = loop.depth0 + 1, true;
  if (name == "depth0") return out = loop.depth0, true;
  if (name == "previtem") return out = at(loop.index0 - 1, "previous"), true;
  if (name == "nextitem") return out = at(loop.index0 + 1, "next"), true;
  if (name == "cycle" || name == "changed") return out = loop_function(object, name), true;
  return false;
}

// What Python's getattr would find: methods, and the attributes of the few objects that have some.
bool native_attribute(const Value& object, const std::string& name, Value& out) {
  if (object.loop()) return loop_attribute(object, name, out);
  const Seq* seq = object.seq();
  if (seq && seq->label == "group" && (name == "grouper" || name == "list")) {
    return out = seq->items[name == "list"], true;
  }
  if (object.callable() && name == "name") return out = object.callable()->name, true;
  if (is_mutator(object, name)) {
    out = Value::undefined(fmt::format("access to attribute '{}' of '{}' object is unsafe.", name, type_name(object)));
    return true;
  }
  const Function method = find_method(object, name);
  if (!method) return false;
  auto callable = std::make_shared<Callable>();
  callable->name = name;
  callable->kind = "method";
  callable->call = [object, method](Interpreter& interpreter, Arguments& arguments) {
    Value out = method(interpreter, object, arguments);
    return object.is_markup() && out.is_string() ? Value::markup(out.text()) : out;
  };
  return out = std::shared_ptr<const Callable>(std::move(callable)), true;
}

uint64_t total_weight(const Value& self, const Arguments& arguments) {
  uint64_t sum = weight(self);
  for (const Value& value : arguments.positional) sum += weight(value);
  for (const auto& [name, value] : arguments.named) sum += weight(value);
  return sum;
}

}  // namespace

Value Interpreter::evaluate(const Expr& expr) try {
  const Depth guard(*this);
  charge(1);
  return dispatch(expr);
} catch (Failure& failure) {
  if (failure.position.line == 0) failure.position = expr.position;
  throw;
}

Value Interpreter::dispatch(const Expr& expr) {
  const auto operand = [&](size_t i) { return evaluate(*expr.args[i]); };
  switch (expr.kind) {
    case ExprKind::kConstant: return expr.constant;
    case ExprKind::kName: return lookup(expr.name);
    case ExprKind::kTuple: return make_tuple(evaluate_all(expr.args));
    case ExprKind::kList: return make_seq(evaluate_all(expr.args));
    case ExprKind::kDict: return dict(expr);
    case ExprKind::kAttribute: return attribute(operand(0), expr.name);
    case ExprKind::kSlice: return slice(expr);
    case ExprKind::kCall: return call_expr(expr, nullptr);
    case ExprKind::kFilter: return apply_filter(expr, nullptr);
    case ExprKind::kTest: return apply_test(expr);
    case ExprKind::kNot: return !truthy(operand(0));
    case ExprKind::kNegative: return negate(operand(0), true);
    case ExprKind::kPositive: return negate(operand(0), false);
    case ExprKind::kCompare: return compare_chain(expr);
    case ExprKind::kConcat: return concat(expr);
    case ExprKind::kCondition: return condition(expr);
    default: break;
  }
  const Value left = operand(0);
  if (expr.kind == ExprKind::kAnd) return truthy(left) ? operand(1) : left;
  if (expr.kind == ExprKind::kOr) return truthy(left) ? left : operand(1);
  return expr.kind == ExprKind::kItem ? item(left, operand(1)) : arithmetic(*this, expr.ops[0], left, operand(1));
}

Value Interpreter::lookup(const std::string& name) {
  for (const Scope* scope = scope_.get(); scope; scope = scope->parent.get()) {
    const auto found = scope->names.find(name);
    if (found != scope->names.end()) return found->second;
    charge(1);
  }
  return Value::undefined(fmt::format("'{}' is undefined", name));
}

std::vector<Value> Interpreter::evaluate_all(const std::vector<ExprPtr>& exprs) {
  std::vector<Value> values;
  values.reserve(exprs.size());
  for (const ExprPtr& expr : exprs) values.push_back(evaluate(*expr));
  return values;
}

Value Interpreter::dict(const Expr& expr) {
  Dict dict;
  for (size_t i = 0; i < expr.args.size(); i += 2) dict.set(evaluate(*expr.args[i]), evaluate(*expr.args[i + 1]));
  return make_dict(std::move(dict));
}

Value Interpreter::slice(const Expr& expr) {
  const auto part = [&](size_t i) { return expr.args[i] ? evaluate(*expr.args[i]) : Value(); };
  const Value object = part(0), start = part(1), stop = part(2), step = part(3);
  charge(weight(object));
  return slice_of(object, start, stop, step);
}

Value Interpreter::compare_chain(const Expr& expr) {
  Value left = evaluate(*expr.args[0]);
  for (size_t i = 0; i < expr.ops.size(); ++i) {
    Value right = evaluate(*expr.args[i + 1]);
    charge(weight(left) + weight(right));
    if (left.is_string() && right.is_string()) charge_search(right.text(), left.text());
    if (!compare_op(expr.ops[i], left, right)) return false;
    left = std::move(right);
  }
  return true;
}

Value Interpreter::concat(const Expr& expr) {
  std::string out;
  for (const ExprPtr& part : expr.args) {
    const std::string text = to_text(evaluate(*part));
    charge_text(out.size() + text.size());
    out += text;
  }
  return out;
}

Value Interpreter::condition(const Expr& expr) {
  if (truthy(evaluate(*expr.args[0]))) return evaluate(*expr.args[1]);
  if (expr.args[2]) return evaluate(*expr.args[2]);
  return Value::undefined("the inline if-expression evaluated to false and no else section was defined.");
}

Arguments Interpreter::arguments(const Expr& expr) {
  Arguments result;
  for (size_t i = 1; i < expr.args.size(); ++i) result.positional.push_back(evaluate(*expr.args[i]));
  if (expr.star) {
    for (Value& value : elements(evaluate(*expr.star))) result.positional.push_back(std::move(value));
  }
  for (const auto& [name, value] : expr.named) result.named.emplace_back(name, evaluate(*value));
  if (expr.star_star) {
    const Value rest = evaluate(*expr.star_star);
    if (!rest.dict()) raise("argument after ** must be a mapping, not {}", type_name(rest));
    charge(weight(rest));
    for (const auto& [name, value] : rest.dict()->entries) {
      if (!name.is_string()) raise("keywords must be strings");
      result.named.emplace_back(name.text(), value);
    }
  }
  return result;
}

Value Interpreter::call_function(Function function, const Value& self, Arguments& arguments) {
  charge(total_weight(self, arguments));
  Value result = function(*this, self, arguments);
  charge(weight(result));
  return result;
}

// block: the text of the filter block that this chain of filters belongs to, else null.
Value Interpreter::apply_filter(const Expr& expr, const Value* block) {
  const ExprPtr& input = expr.args[0];
  const Value self = !input ? *block : block ? apply_filter(*input, block) : evaluate(*input);
  if (!expr.filter) raise("No filter named '{}'.", expr.name);
  Arguments given = arguments(expr);
  return call_function(expr.filter, self, given);
}

bool Interpreter::apply_test(const Expr& expr) {
  const Value self = evaluate(*expr.args[0]);
  if (!expr.test) raise("No test named '{}'.", expr.name);
  Arguments given = arguments(expr);
  charge(total_weight(self, given));
  return expr.test(*this, self, given);
}

Value Interpreter::call_expr(const Expr& expr, const Value* caller) {
  const Value callee = evaluate(*expr.args[0]);
  Arguments given = arguments(expr);
  if (caller) given.named.emplace_back("caller", *caller);
  return call(callee, given);
}

Value Interpreter::call(const Value& callee, Arguments& arguments) {
  defined(callee);
  if (!callee.callable()) raise("'{}' object is not callable", type_name(callee));
  charge(total_weight({}, arguments));
  Value result = callee.callable()->call(*this, arguments);
  charge(weight(result));
  return result;
}

Value Interpreter::filter(const Value& name, const Value& self, Arguments arguments) {
  const Function function = name.is_string() ? find_filter(name.text()) : nullptr;
  if (!function) raise("No filter named {}.", repr(name));
  return call_function(function, self, arguments);
}

bool Interpreter::test(const Value& name, const Value& self, Arguments arguments) {
  const Test function = name.is_string() ? find_test(name.text()) : nullptr;
  if (!function) raise("No test named {}.", repr(name));
  charge(total_weight(self, arguments));
  return function(*this, self, arguments);
}

std::vector<Value> Interpreter::elements(const Value& value) {
  charge(value.is_string() ? 8 * value.text().size() : value.seq() ? value.seq()->items.size() : weight(value));
  return iterate(value);
}

Value Interpreter::attribute(const Value& object, const std::string& name) {
  defined(object);
  Value out;
  if (native_attribute(object, name, out)) return out;
  if (const Value* found = element(object, name, out)) return *found;
  return Value::undefined(fmt::format("{} has no attribute '{}'", object_name(object), name));
}

Value Interpreter::item(const Value& object, const Value& index) {
  defined(object);
  if (object.is_string()) charge(weight(object));
  Value out;
  if (const Value* found = element(object, index, out)) return *found;
  if (index.is_string() && native_attribute(object, index.text(), out)) return out;
  return Value::undefined(fmt::format("{} has no element {}", object_name(object), repr(index)));
}

}  // namespace frugal::jinja
