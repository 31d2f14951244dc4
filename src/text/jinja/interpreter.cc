// Statements, scopes and macros. See interpreter.h.
#include "text/jinja/interpreter.h"

#include <algorithm>

namespace frugal::jinja {

Interpreter::~Interpreter() {
  for (const auto& space : namespaces_) space->attributes.clear();
  for (const auto& scope : captured_) scope->names.clear();
}

std::string Interpreter::run(const Dict& variables) {
  scope_ = std::make_shared<Scope>();
  for (const auto& [name, value] : global_functions()) scope_->names[name] = value;
  for (const auto& [name, value] : variables.entries) scope_->names[name.text()] = value;
  ScopeGuard scope(*this);
  Capture capture(*this);
  execute(body_);
  return std::move(capture.text);
}

void Interpreter::charge(uint64_t steps) {
  steps_ += std::min(steps, kMaxSteps + 1);
  if (steps_ > kMaxSteps) raise("the template does too much work (more than {} steps)", kMaxSteps);
}

void Interpreter::charge_text(uint64_t bytes) {
  if (bytes > kMaxStringBytes) raise("a string grew beyond {} bytes", kMaxStringBytes);
  charge(1 + bytes / 32);
}

void Interpreter::charge_search(std::string_view text, std::string_view part) {
  charge(1 + text.size() / 32 + text.size() / 1024 * part.size());
}

void Interpreter::write(std::string_view text) {
  if (out_->size() + text.size() > kMaxStringBytes) raise("the output grew beyond {} bytes", kMaxStringBytes);
  charge(1 + text.size() / 32);
  *out_ += text;
}

Interpreter::Flow Interpreter::execute(const Body& body) {
  for (const Stmt& stmt : body) {
    const Flow flow = execute(stmt);
    if (flow != Flow::kNext) return flow;
  }
  return Flow::kNext;
}

Interpreter::Flow Interpreter::execute(const Stmt& stmt) try {
  const Depth guard(*this);
  charge(1);
  switch (stmt.kind) {
    case StmtKind::kText: write(stmt.text); break;
    case StmtKind::kOutput:
      for (const ExprPtr& expr : stmt.exprs) write(to_text(evaluate(*expr)));
      break;
    case StmtKind::kIf: return if_(stmt);
    case StmtKind::kFor: return for_(stmt);
    case StmtKind::kSet: assign(*stmt.target, evaluate(*stmt.exprs[0])); break;
    case StmtKind::kSetBlock: return set_block(stmt);
    case StmtKind::kMacro: scope_->names[stmt.text] = macro(stmt, "Macro"); break;
    case StmtKind::kCall: call_block(stmt); break;
    case StmtKind::kFilter: return filter_block(stmt);
    case StmtKind::kWith: return with(stmt);
    case StmtKind::kScope: return execute_in_scope(stmt.body);
    case StmtKind::kBreak: return Flow::kBreak;
    case StmtKind::kContinue: return Flow::kContinue;
  }
  return Flow::kNext;
} catch (Failure& failure) {
  if (failure.position.line == 0) failure.position = stmt.position;
  throw;
}

Interpreter::Flow Interpreter::execute_in_scope(const Body& body) {
  ScopeGuard scope(*this);
  return execute(body);
}

Interpreter::Flow Interpreter::if_(const Stmt& stmt) {
  for (const Branch& branch : stmt.branches) {
    if (!branch.condition || truthy(evaluate(*branch.condition))) return execute(branch.body);
  }
  return Flow::kNext;
}

std::vector<Value> Interpreter::loop_items(const Stmt& stmt) {
  std::vector<Value> items = elements(evaluate(*stmt.exprs[0]));
  if (!stmt.exprs[1]) return items;
  std::vector<Value> kept;
  for (Value& item : items) {
    ScopeGuard scope(*this);
    assign(*stmt.target, item);
    if (truthy(evaluate(*stmt.exprs[1]))) kept.push_back(std::move(item));
  }
  return kept;
}

Interpreter::Flow Interpreter::for_(const Stmt& stmt) {
  auto items = std::make_shared<Seq>();
  items->items = loop_items(stmt);
  auto loop = std::make_shared<Loop>();
  loop->items = items;
  for (const Value& item : items->items) {
    ScopeGuard scope(*this);
    scope_->names["loop"] = loop;
    assign(*stmt.target, item);
    if (execute(stmt.body) == Flow::kBreak) return Flow::kNext;
    ++loop->index0;
  }
  return items->items.empty() ? execute_in_scope(stmt.orelse) : Flow::kNext;
}

Interpreter::Flow Interpreter::set_block(const Stmt& stmt) {
  Capture capture(*this);
  const Flow flow = execute_in_scope(stmt.body);
  if (flow != Flow::kNext) return flow;
  const Value text(std::move(capture.text));
  assign(*stmt.target, stmt.exprs[0] ? apply_filter(*stmt.exprs[0], &text) : text);
  return flow;
}

Interpreter::Flow Interpreter::filter_block(const Stmt& stmt) {
  Value text;
  {
    Capture capture(*this);
    const Flow flow = execute_in_scope(stmt.body);
    if (flow != Flow::kNext) return flow;
    text = std::move(capture.text);
  }
  write(to_text(apply_filter(*stmt.exprs[0], &text)));
  return Flow::kNext;
}

Interpreter::Flow Interpreter::with(const Stmt& stmt) {
  const std::vector<Value> values = evaluate_all(stmt.exprs);
  ScopeGuard scope(*this);
  for (size_t i = 0; i < values.size(); ++i) assign(*stmt.targets[i], values[i]);
  return execute(stmt.body);
}

void Interpreter::call_block(const Stmt& stmt) {
  const Value caller = macro(stmt, "Macro");
  write(to_text(call_expr(*stmt.exprs[0], &caller)));
}

void Interpreter::assign(const Expr& target, const Value& value) {
  if (target.kind == ExprKind::kName) {
    scope_->names[target.name] = value;
  } else if (target.kind == ExprKind::kTarget) {
    const Value holder = lookup(target.constant.text());
    if (!holder.name_space()) raise("cannot assign attribute on non-namespace object");
    holder.name_space()->attributes[target.name] = value;
  } else {
    const std::vector<Value> parts = elements(value);
    const size_t wanted = target.args.size();
    if (parts.size() > wanted) raise("too many values to unpack (expected {})", wanted);
    if (parts.size() < wanted) raise("not enough values to unpack (expected {}, got {})", wanted, parts.size());
    for (size_t i = 0; i < wanted; ++i) assign(*target.args[i], parts[i]);
  }
}

std::shared_ptr<Namespace> Interpreter::new_namespace() {
  charge(8);
  namespaces_.push_back(std::make_shared<Namespace>());
  return namespaces_.back();
}

// A value that runs stmt's body with stmt's signature, seeing the variables around it.
Value Interpreter::macro(const Stmt& stmt, const char* kind) {
  charge(8);
  captured_.push_back(scope_);
  auto callable = std::make_shared<Callable>();
  callable->name = stmt.kind == StmtKind::kCall ? "caller" : stmt.text;
  callable->kind = kind;
  callable->call = [&stmt, home = scope_](Interpreter& self, Arguments& arguments) {
    return self.call_macro(stmt, home, arguments);
  };
  return std::shared_ptr<const Callable>(std::move(callable));
}

Value Interpreter::call_macro(const Stmt& stmt, const std::shared_ptr<Scope>& home, Arguments& arguments) {
  ScopeGuard scope(*this, home);
  bind_parameters(stmt, arguments);
  bind_special(stmt, arguments);
  Capture capture(*this);
  execute(stmt.body);
  return std::move(capture.text);
}

// Fills the parameters from positional and named arguments and removes those; the rest stays in arguments.
void Interpreter::bind_parameters(const Stmt& stmt, Arguments& arguments) {
  const Signature& signature = *stmt.signature;
  const size_t count = signature.names.size(), first_default = count - signature.defaults.size();
  const size_t given = std::min(count, arguments.positional.size());
  for (size_t i = 0; i < count; ++i) {
    const std::string& name = signature.names[i];
    const auto named =
        std::find_if(arguments.named.begin(), arguments.named.end(), [&](const auto& a) { return a.first == name; });
    Value value;
    if (i < given) {
      value = arguments.positional[i];
    } else if (named != arguments.named.end()) {
      value = std::move(named->second);
      arguments.named.erase(named);
    } else if (i >= first_default) {
      value = evaluate(*signature.defaults[i - first_default]);
    } else {
      value = Value::undefined(fmt::format("parameter '{}' was not provided", name));
    }
    scope_->names[name] = std::move(value);
  }
  arguments.positional.erase(arguments.positional.begin(),
                             arguments.positional.begin() + static_cast<std::ptrdiff_t>(given));
}

// caller, kwargs and varargs exist only in bodies that mention them; elsewhere left-over arguments are
// errors.
void Interpreter::bind_special(const Stmt& stmt, Arguments& arguments) {
  const Signature& signature = *stmt.signature;
  if (signature.uses_caller && !scope_->names.count("caller")) {
    Value caller = Value::undefined("No caller defined");
    std::erase_if(arguments.named, [&](auto& named) {
      if (named.first != "caller") return false;
      caller = std::move(named.second);
      return true;
    });
    scope_->names["caller"] = std::move(caller);
  }
  if (signature.uses_kwargs) {
    Dict rest;
    for (const auto& [name, value] : arguments.named) rest.set(name, value);
    scope_->names["kwargs"] = make_dict(std::move(rest));
  } else if (!arguments.named.empty()) {
    raise("macro '{}' takes no keyword argument '{}'", stmt.text, arguments.named[0].first);
  }
  if (signature.uses_varargs) {
    scope_->names["varargs"] = make_tuple(std::move(arguments.positional));
  } else if (!arguments.positional.empty()) {
    raise("macro '{}' takes not more than {} argument(s)", stmt.text, signature.names.size());
  }
}

}  // namespace frugal::jinja
