// Token stream (parser_base.cc) and expression grammar (parser_expression.cc: operators; parser_primary.cc:
// the rest), on which parser.cc builds the statements.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <string>
#include <vector>

#include "text/jinja/ast.h"
#include "text/jinja/lexer.h"

namespace frugal::jinja {

std::string describe(const Token& token);  // for messages

class ExpressionParser {
 public:
  explicit ExpressionParser(std::vector<Token> tokens) : tokens_(std::move(tokens)) { check_readable(); }

 protected:
  static constexpr int kMaxNesting = 600;  // a bracket costs three
  static constexpr int kMaxDepth = 300;    // of an expression's tree

  struct Nesting {
    explicit Nesting(ExpressionParser& parser) : depth(parser.nesting_) {
      if (++depth > kMaxNesting) parser.error("nested too deeply");
    }
    ~Nesting() { --depth; }
    Nesting(const Nesting&) = delete;
    int& depth;
  };

  const Token& current() const { return tokens_[at_]; }
  const Token& ahead() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
  void check_readable() const;
  const Token& next();
  bool skip_op(std::string_view op);
  bool skip_name(std::string_view name);
  const Token& expect_op(std::string_view op);
  std::string expect_name();
  void expect(TokenKind kind, const char* what);
  [[noreturn]] void error(const std::string& message) const;
  [[noreturn]] static void error_at(const std::string& message, Position position);

  struct TupleOptions {
    bool simplified = false;    // only primaries: assignment targets
    bool conditions = true;     // "a if b else c" allowed
    bool parentheses = false;   // may be empty
    bool namespaces = false;    // "ns.name" is a target
    const char* end = nullptr;  // a name that ends it too
  };
  ExprPtr tuple(const TupleOptions& options);
  ExprPtr expression(bool conditions = true) { return conditions ? condition() : or_(); }
  ExprPtr filters(ExprPtr input, bool inline_start);
  ExprPtr assign_target(const TupleOptions& options);

  int soft_ = 0;                    // inside a condition: unknown filters fail when evaluated, not now
  Signature* signature_ = nullptr;  // of the macro being parsed: learns which special names its body uses

 private:
  ExprPtr make(ExprKind kind, Position position) const;
  ExprPtr finish(ExprPtr expr) const;
  ExprPtr binary(ExprKind kind, ExprPtr left, ExprPtr right, Position position) const;
  ExprPtr condition();
  ExprPtr or_();
  ExprPtr and_();
  ExprPtr not_();
  ExprPtr comparison();
  bool comparison_op(Op& op);
  ExprPtr sum();
  ExprPtr concat();
  ExprPtr product();
  ExprPtr power();
  ExprPtr unary(bool with_filters);
  ExprPtr primary(bool namespaces);
  ExprPtr name(bool namespaces);
  ExprPtr number();
  ExprPtr list();
  ExprPtr dict();
  ExprPtr postfix(ExprPtr object);
  ExprPtr filter_chain(ExprPtr value);
  ExprPtr attribute(ExprPtr object);
  ExprPtr item(ExprPtr object);
  ExprPtr slice(ExprPtr object, ExprPtr start, Position position);
  ExprPtr call(ExprPtr callee);
  void arguments(Expr& call);
  void argument(Expr& call);
  ExprPtr test(ExprPtr value);
  std::string dotted_name();
  bool tuple_end(const TupleOptions& options) const;

  std::vector<Token> tokens_;
  size_t at_ = 0;
  int nesting_ = 0;
};

}  // namespace frugal::jinja
