// Statements. See parser.h.
#include "text/jinja/parser.h"

#include "text/jinja/parser_base.h"

namespace frugal::jinja {
namespace {

using Names = std::initializer_list<std::string_view>;

class Parser : public ExpressionParser {
 public:
  using ExpressionParser::ExpressionParser;
  Body run() { return body({}); }

 private:
  Body body(Names ends);
  Body block(Names ends);
  Body closed_block(std::string_view end);
  Body function_body(Signature& signature, std::string_view end);
  Stmt make(StmtKind kind) const;
  Stmt output();
  Stmt statement();
  Stmt if_();
  Stmt for_();
  Stmt set();
  Stmt macro();
  Stmt call();
  Stmt filter();
  Stmt with();
  Stmt scope(std::string_view end, bool skip_expression);
  Stmt print();
  Stmt loop_control(StmtKind kind);
  std::unique_ptr<Signature> signature();
  bool at_end(Names ends) const;

  int loops_ = 0;
};

Stmt Parser::make(StmtKind kind) const {
  Stmt stmt;
  stmt.kind = kind;
  stmt.position = current().position;
  return stmt;
}

bool Parser::at_end(Names ends) const {
  return std::any_of(ends.begin(), ends.end(), [&](std::string_view end) { return current().is_name(end); });
}

// Statements up to a block tag that begins with one of ends (its name is the current token then) or the end.
Body Parser::body(Names ends) {
  Body body;
  for (;;) {
    switch (current().kind) {
      case TokenKind::kText:
        body.push_back(make(StmtKind::kText));
        body.back().text = next().text;
        break;
      case TokenKind::kVariableBegin: body.push_back(output()); break;
      case TokenKind::kBlockBegin:
        next();
        if (at_end(ends)) return body;
        body.push_back(statement());
        expect(TokenKind::kBlockEnd, "the end of the block tag");
        break;
      default:
        if (ends.size() == 0) return body;
        error(fmt::format("Unexpected end of template: looking for '{}'", fmt::join(ends, "' or '")));
    }
  }
}

Body Parser::block(Names ends) {
  skip_op(":");
  expect(TokenKind::kBlockEnd, "the end of the block tag");
  return body(ends);
}

Body Parser::closed_block(std::string_view end) {
  Body result = block({end});
  next();
  return result;
}

Stmt Parser::output() {
  next();
  Stmt stmt = make(StmtKind::kOutput);
  stmt.exprs.push_back(tuple({}));
  expect(TokenKind::kVariableEnd, "the end of the print tag");
  return stmt;
}

Stmt Parser::statement() {
  const Nesting guard(*this);
  if (current().kind != TokenKind::kName) error("tag name expected");
  const std::string name = current().text;
  if (name == "if") return if_();
  if (name == "for") return for_();
  if (name == "set") return set();
  if (name == "macro") return macro();
  if (name == "call") return call();
  if (name == "filter") return filter();
  if (name == "with") return with();
  if (name == "print") return print();
  if (name == "break") return loop_control(StmtKind::kBreak);
  if (name == "continue") return loop_control(StmtKind::kContinue);
  if (name == "generation") return scope("endgeneration", false);
  if (name == "autoescape") return scope("endautoescape", true);
  if (name == "include" || name == "import" || name == "from" || name == "extends" || name == "block") {
    error(fmt::format("'{}' is not supported: a chat template stands alone", name));
  }
  error(fmt::format("Encountered unknown tag '{}'.", name));
}

Stmt Parser::if_() {
  Stmt stmt = make(StmtKind::kIf);
  ++soft_;
  for (bool more = true; more;) {
    next();
    Branch branch;
    branch.condition = tuple({.conditions = false});
    branch.body = block({"elif", "else", "endif"});
    stmt.branches.push_back(std::move(branch));
    more = current().is_name("elif");
  }
  if (next().text == "else") stmt.branches.push_back({nullptr, closed_block("endif")});
  --soft_;
  return stmt;
}

Stmt Parser::for_() {
  Stmt stmt = make(StmtKind::kFor);
  next();
  stmt.target = assign_target({.simplified = true, .end = "in"});
  if (!skip_name("in")) error("expected 'in' after the loop's target");
  stmt.exprs.push_back(tuple({.conditions = false, .end = "recursive"}));
  stmt.exprs.push_back(skip_name("if") ? expression() : nullptr);
  if (current().is_name("recursive")) error("recursive loops are not supported");
  ++loops_;
  stmt.body = block({"endfor", "else"});
  --loops_;
  if (next().text == "else") stmt.orelse = closed_block("endfor");
  return stmt;
}

Stmt Parser::set() {
  Stmt stmt = make(StmtKind::kSet);
  next();
  stmt.target = assign_target({.simplified = true, .namespaces = true});
  if (skip_op("=")) {
    stmt.exprs.push_back(tuple({}));
    return stmt;
  }
  stmt.kind = StmtKind::kSetBlock;
  stmt.exprs.push_back(filters(nullptr, false));
  stmt.body = closed_block("endset");
  return stmt;
}

std::unique_ptr<Signature> Parser::signature() {
  auto result = std::make_unique<Signature>();
  expect_op("(");
  while (!current().is_op(")")) {
    result->names.push_back(expect_name());
    if (skip_op("=")) {
      result->defaults.push_back(expression());
    } else if (!result->defaults.empty()) {
      error("non-default argument follows default argument");
    }
    if (!current().is_op(")")) expect_op(",");
  }
  next();
  return result;
}

// A body that is called later: break and continue may not leave it, and its special names are noted.
Body Parser::function_body(Signature& own, std::string_view end) {
  Signature* outer = std::exchange(signature_, &own);
  const int loops = std::exchange(loops_, 0);
  Body result = closed_block(end);
  loops_ = loops;
  signature_ = outer;
  if (outer) {
    outer->uses_caller |= own.uses_caller;
    outer->uses_varargs |= own.uses_varargs;
    outer->uses_kwargs |= own.uses_kwargs;
  }
  return result;
}

Stmt Parser::macro() {
  Stmt stmt = make(StmtKind::kMacro);
  next();
  stmt.text = expect_name();
  stmt.signature = signature();
  stmt.body = function_body(*stmt.signature, "endmacro");
  return stmt;
}

Stmt Parser::call() {
  Stmt stmt = make(StmtKind::kCall);
  next();
  stmt.signature = current().is_op("(") ? signature() : std::make_unique<Signature>();
  stmt.exprs.push_back(expression());
  if (stmt.exprs[0]->kind != ExprKind::kCall) error_at("expected call", stmt.position);
  stmt.body = function_body(*stmt.signature, "endcall");
  return stmt;
}

Stmt Parser::filter() {
  Stmt stmt = make(StmtKind::kFilter);
  next();
  stmt.exprs.push_back(filters(nullptr, true));
  stmt.body = closed_block("endfilter");
  return stmt;
}

Stmt Parser::with() {
  Stmt stmt = make(StmtKind::kWith);
  next();
  while (current().kind != TokenKind::kBlockEnd) {
    if (!stmt.targets.empty()) expect_op(",");
    ExprPtr target = assign_target({.simplified = true});
    stmt.targets.push_back(std::move(target));
    expect_op("=");
    stmt.exprs.push_back(expression());
  }
  stmt.body = closed_block("endwith");
  return stmt;
}

Stmt Parser::scope(std::string_view end, bool skip_expression) {
  Stmt stmt = make(StmtKind::kScope);
  next();
  if (skip_expression) expression();
  stmt.body = closed_block(end);
  return stmt;
}

Stmt Parser::print() {
  Stmt stmt = make(StmtKind::kOutput);
  next();
  while (current().kind != TokenKind::kBlockEnd) {
    if (!stmt.exprs.empty()) expect_op(",");
    stmt.exprs.push_back(expression());
  }
  return stmt;
}

Stmt Parser::loop_control(StmtKind kind) {
  Stmt stmt = make(kind);
  if (loops_ == 0) error(fmt::format("'{}' outside loop", current().text));
  next();
  return stmt;
}

}  // namespace

Body parse(const std::string& source) { return Parser(tokenize(source)).run(); }

}  // namespace frugal::jinja
