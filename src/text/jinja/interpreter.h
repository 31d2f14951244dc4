// Walks a parsed template and writes its text.
//
// Variables live in scopes as jinja2 compiles them: each loop iteration, macro call, with and block set has
// its own; if has none; a name is looked up outwards, a macro's body outwards from where the macro stands.
// Work is counted: one step per node, plus the size of the values that filters, methods and comparisons walk
// through and produce, so a hostile template ends with a Failure after a bounded time and bounded memory.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "text/jinja/ast.h"

namespace frugal::jinja {

constexpr uint64_t kMaxSteps = 10'000'000;  // a second or so; a long conversation takes some thousands
constexpr int kMaxRecursion = 1000;         // nested evaluations, macro calls included

struct Scope {
  std::shared_ptr<Scope> parent;
  std::unordered_map<std::string, Value> names;
};

class Interpreter {
 public:
  // now: seconds since 1970 for strftime_now, 0 for the clock. Nothing the interpreter made may outlive it.
  Interpreter(const Body& body, int64_t now) : body_(body), now_(now) {}
  ~Interpreter();
  Interpreter(const Interpreter&) = delete;

  // Renders with these variables over the built-in functions. Throws Failure.
  std::string run(const Dict& variables);

  // What filters, tests and methods need. All throw Failure.
  void charge(uint64_t steps);
  void charge_text(uint64_t bytes);                                  // before building a string of this size
  void charge_search(std::string_view text, std::string_view part);  // before looking for part in text
  std::vector<Value> elements(const Value& value);                   // iterate(), charged
  Value attribute(const Value& object, const std::string& name);
  Value item(const Value& object, const Value& index);
  Value call(const Value& callee, Arguments& arguments);
  Value filter(const Value& name, const Value& self, Arguments arguments);
  bool test(const Value& name, const Value& self, Arguments arguments);
  std::shared_ptr<Namespace> new_namespace();
  int64_t now() const { return now_; }

 private:
  enum class Flow { kNext, kBreak, kContinue };
  struct Depth;
  class ScopeGuard;
  class Capture;

  // Statements (interpreter.cc).
  Flow execute(const Body& body);
  Flow execute(const Stmt& stmt);
  Flow execute_in_scope(const Body& body);
  Flow if_(const Stmt& stmt);
  Flow for_(const Stmt& stmt);
  Flow set_block(const Stmt& stmt);
  Flow filter_block(const Stmt& stmt);
  Flow with(const Stmt& stmt);
  void call_block(const Stmt& stmt);
  std::vector<Value> loop_items(const Stmt& stmt);
  void write(std::string_view text);
  void assign(const Expr& target, const Value& value);
  Value macro(const Stmt& stmt, const char* kind);
  Value call_macro(const Stmt& stmt, const std::shared_ptr<Scope>& home, Arguments& arguments);
  void bind_parameters(const Stmt& stmt, Arguments& arguments);
  void bind_special(const Stmt& stmt, Arguments& arguments);

  // Expressions (evaluate.cc).
  Value evaluate(const Expr& expr);
  Value dispatch(const Expr& expr);
  Value lookup(const std::string& name);
  std::vector<Value> evaluate_all(const std::vector<ExprPtr>& exprs);
  Value dict(const Expr& expr);
  Value slice(const Expr& expr);
  Value compare_chain(const Expr& expr);
  Value concat(const Expr& expr);
  Value condition(const Expr& expr);
  Value apply_filter(const Expr& expr, const Value* block);
  bool apply_test(const Expr& expr);
  Value call_expr(const Expr& expr, const Value* caller);
  Arguments arguments(const Expr& expr);
  Value call_function(Function function, const Value& self, Arguments& arguments);

  const Body& body_;
  int64_t now_;
  std::string* out_ = nullptr;
  std::shared_ptr<Scope> scope_;
  uint64_t steps_ = 0;
  int depth_ = 0;
  std::vector<std::shared_ptr<Namespace>> namespaces_;  // emptied at the end, so that cycles through them go away
  std::vector<std::shared_ptr<Scope>> captured_;        // by macros, likewise
};

// Counts one nested evaluation while it lives.
struct Interpreter::Depth {
  explicit Depth(Interpreter& interpreter) : depth(interpreter.depth_) {
    if (depth >= kMaxRecursion) raise("recursion deeper than {}", kMaxRecursion);
    ++depth;
  }
  ~Depth() { --depth; }
  Depth(const Depth&) = delete;
  int& depth;
};

// A fresh scope while it lives, inside the current one or inside `parent`.
class Interpreter::ScopeGuard {
 public:
  explicit ScopeGuard(Interpreter& interpreter) : ScopeGuard(interpreter, interpreter.scope_) {}
  ScopeGuard(Interpreter& interpreter, std::shared_ptr<Scope> parent)
      : interpreter_(interpreter), outer_(interpreter.scope_) {
    interpreter_.scope_ = std::make_shared<Scope>();
    interpreter_.scope_->parent = std::move(parent);
  }
  ~ScopeGuard() { interpreter_.scope_ = std::move(outer_); }
  ScopeGuard(const ScopeGuard&) = delete;

 private:
  Interpreter& interpreter_;
  std::shared_ptr<Scope> outer_;
};

// Collects output while it lives.
class Interpreter::Capture {
 public:
  explicit Capture(Interpreter& interpreter) : interpreter_(interpreter), outer_(interpreter.out_) {
    interpreter.out_ = &text;
  }
  ~Capture() { interpreter_.out_ = outer_; }
  Capture(const Capture&) = delete;
  std::string text;

 private:
  Interpreter& interpreter_;
  std::string* outer_;
};

// The built-in functions (range, namespace, dict, raise_exception, strftime_now) by name.
const std::vector<std::pair<std::string, Value>>& global_functions();

}  // namespace frugal::jinja
