// The tree that the parser builds and the interpreter walks.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "text/jinja/value.h"

namespace frugal::jinja {

using Function = Value (*)(Interpreter&, const Value& self, Arguments&);  // filters and methods
using Test = bool (*)(Interpreter&, const Value& self, Arguments&);

struct Expr;
using ExprPtr = std::unique_ptr<Expr>;

enum class ExprKind : uint8_t {
  kConstant,   // constant
  kName,       // name
  kTuple,      // args
  kList,       // args
  kDict,       // args: key, value, key, value ...
  kAttribute,  // args[0].name
  kItem,       // args[0][args[1]]
  kSlice,      // args: object, start, stop, step; absent ones null
  kCall,       // args[0](args[1:], named, *star, **star_star)
  kFilter,     // args[0] | name(args[1:], ...); args[0] is null in filter blocks: the block's text
  kTest,       // args[0] is name(args[1:], ...)
  kNot,
  kNegative,
  kPositive,
  kBinary,  // args[0] op args[1]
  kAnd,
  kOr,
  kCompare,    // args[0] ops[0] args[1] ops[1] args[2] ...
  kConcat,     // args joined
  kCondition,  // args: test, value if true, value if false or null
  kTarget,     // namespace attribute as assignment target: constant holds the namespace's name, name the
               // attribute
};

enum class Op : uint8_t { kAdd, kSub, kMul, kDiv, kFloorDiv, kMod, kPow, kEq, kNe, kLt, kLe, kGt, kGe, kIn, kNotIn };

struct Expr {
  ExprKind kind;
  Position position;
  int depth = 1;  // of the tree below
  std::string name;
  Value constant;
  std::vector<ExprPtr> args;
  std::vector<std::pair<std::string, ExprPtr>> named;
  ExprPtr star, star_star;
  std::vector<Op> ops;
  Function filter = nullptr;  // null: there is none of this name, an error if it is ever evaluated
  Test test = nullptr;
};

struct Stmt;
using Body = std::vector<Stmt>;

enum class StmtKind : uint8_t {
  kText,      // text
  kOutput,    // exprs
  kIf,        // branches; a null condition is else
  kFor,       // target in exprs[0] if exprs[1] (may be null): body, orelse
  kSet,       // target = exprs[0]
  kSetBlock,  // target = body, through exprs[0] (a filter, may be null)
  kMacro,     // text: name; signature, body
  kCall,      // exprs[0]: the call; signature, body
  kFilter,    // exprs[0] of body
  kWith,      // targets = exprs: body
  kScope,     // body: generation, block, autoescape
  kBreak,
  kContinue,
};

struct Signature {
  std::vector<std::string> names;
  std::vector<ExprPtr> defaults;  // of the last names
  bool uses_caller = false, uses_varargs = false, uses_kwargs = false;
};

struct Branch;

struct Stmt {
  StmtKind kind;
  Position position;
  std::string text;
  ExprPtr target;
  std::vector<ExprPtr> targets, exprs;
  std::vector<Branch> branches;
  std::unique_ptr<Signature> signature;
  Body body, orelse;
};

struct Branch {
  ExprPtr condition;
  Body body;
};

// Tables of what templates may call; nullptr when there is no such name.
Function find_filter(std::string_view name);
Test find_test(std::string_view name);
Function find_method(const Value& object, std::string_view name);

}  // namespace frugal::jinja
