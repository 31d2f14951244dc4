// Tests: what stands after "is".
#include <algorithm>

#include "text/jinja/bind.h"
#include "text/jinja/operators.h"
#include "text/jinja/unicode.h"

namespace frugal::jinja {
namespace {

const Value& operand(const Arguments& arguments, const char* test) {
  if (arguments.positional.size() != 1 || !arguments.named.empty()) raise("test '{}' takes one argument", test);
  return arguments.positional[0];
}

template <Op op>
bool test_compare(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const Value& other = operand(arguments, "comparison");
  if (op == Op::kIn && self.is_string() && other.is_string()) interpreter.charge_search(other.text(), self.text());
  return compare_op(op, self, other);
}

int64_t remainder(Interpreter& interpreter, const Value& self, const Value& by) {
  const Value rest = arithmetic(interpreter, Op::kMod, self, by);
  return rest.is_number() ? rest.real() != 0 : 1;
}

bool test_even(Interpreter& i, const Value& self, Arguments&) { return remainder(i, self, 2) == 0; }
bool test_odd(Interpreter& i, const Value& self, Arguments&) { return equal(arithmetic(i, Op::kMod, self, 2), 1); }
bool test_divisibleby(Interpreter& i, const Value& self, Arguments& arguments) {
  return remainder(i, self, operand(arguments, "divisibleby")) == 0;
}

bool test_defined(Interpreter&, const Value& self, Arguments&) { return !self.is_undefined(); }
bool test_undefined(Interpreter&, const Value& self, Arguments&) { return self.is_undefined(); }
bool test_none(Interpreter&, const Value& self, Arguments&) { return self.is_none(); }
bool test_boolean(Interpreter&, const Value& self, Arguments&) { return self.is_bool(); }
bool test_true(Interpreter&, const Value& self, Arguments&) { return self.is_bool() && truthy(self); }
bool test_false(Interpreter&, const Value& self, Arguments&) { return self.is_bool() && !truthy(self); }
bool test_integer(Interpreter&, const Value& self, Arguments&) { return self.is_int() && !self.is_bool(); }
bool test_float(Interpreter&, const Value& self, Arguments&) { return self.is_float(); }
bool test_number(Interpreter&, const Value& self, Arguments&) { return self.is_number(); }
bool test_string(Interpreter&, const Value& self, Arguments&) { return self.is_string(); }
bool test_mapping(Interpreter&, const Value& self, Arguments&) { return self.dict() != nullptr; }
bool test_callable(Interpreter&, const Value& self, Arguments&) {
  return self.callable() != nullptr || self.is_undefined();
}
bool test_escaped(Interpreter&, const Value& self, Arguments&) { return self.is_markup(); }

bool test_iterable(Interpreter&, const Value& self, Arguments&) {
  return self.is_string() || self.seq() || self.dict() || self.loop() || self.is_undefined();
}

bool test_sequence(Interpreter&, const Value& self, Arguments&) {
  const Seq* seq = self.seq();
  return self.is_string() || self.dict() || self.is_undefined() ||
         (seq && seq->kind != SeqKind::kGenerator && seq->kind != SeqKind::kView);
}

bool test_sameas(Interpreter&, const Value& self, Arguments& arguments) {
  return identical(self, operand(arguments, "sameas"));
}
bool test_filter(Interpreter&, const Value& self, Arguments&) { return self.is_string() && find_filter(self.text()); }
bool test_test(Interpreter&, const Value& self, Arguments&) { return self.is_string() && find_test(self.text()); }

bool has_case(const Value& self, bool wanted_upper) {
  bool cased = false;
  const std::string text = to_text(self);
  for (std::string_view character : Characters(text)) {
    const uint32_t c = code_point(character);
    if (wanted_upper ? is_lower(c) : is_upper(c)) return false;
    cased |= wanted_upper ? is_upper(c) : is_lower(c);
  }
  return cased;
}

bool test_lower(Interpreter&, const Value& self, Arguments&) { return has_case(self, false); }
bool test_upper(Interpreter&, const Value& self, Arguments&) { return has_case(self, true); }

// A test that takes nothing but the value.
template <Test test>
bool bare(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  no_arguments(arguments, "test");
  return test(interpreter, self, arguments);
}

struct NamedTest {
  std::string_view name;
  Test test;
};

constexpr NamedTest kTests[] = {
    {"odd", bare<test_odd>},
    {"even", bare<test_even>},
    {"divisibleby", test_divisibleby},
    {"defined", bare<test_defined>},
    {"undefined", bare<test_undefined>},
    {"none", bare<test_none>},
    {"boolean", bare<test_boolean>},
    {"true", bare<test_true>},
    {"false", bare<test_false>},
    {"integer", bare<test_integer>},
    {"float", bare<test_float>},
    {"number", bare<test_number>},
    {"string", bare<test_string>},
    {"mapping", bare<test_mapping>},
    {"callable", bare<test_callable>},
    {"escaped", bare<test_escaped>},
    {"iterable", bare<test_iterable>},
    {"sequence", bare<test_sequence>},
    {"sameas", test_sameas},
    {"filter", bare<test_filter>},
    {"test", bare<test_test>},
    {"lower", bare<test_lower>},
    {"upper", bare<test_upper>},
    {"in", test_compare<Op::kIn>},
    {"==", test_compare<Op::kEq>},
    {"eq", test_compare<Op::kEq>},
    {"equalto", test_compare<Op::kEq>},
    {"!=", test_compare<Op::kNe>},
    {"ne", test_compare<Op::kNe>},
    {">", test_compare<Op::kGt>},
    {"gt", test_compare<Op::kGt>},
    {"greaterthan", test_compare<Op::kGt>},
    {">=", test_compare<Op::kGe>},
    {"ge", test_compare<Op::kGe>},
    {"<", test_compare<Op::kLt>},
    {"lt", test_compare<Op::kLt>},
    {"lessthan", test_compare<Op::kLt>},
    {"<=", test_compare<Op::kLe>},
    {"le", test_compare<Op::kLe>},
};

}  // namespace

Test find_test(std::string_view name) {
  for (const auto& [known, test] : kTests) {
    if (known == name) return test;
  }
  return nullptr;
}

}  // namespace frugal::jinja
