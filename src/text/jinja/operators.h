// Python's operators on template values. All throw Failure where Python raises.
#pragma once

#include "text/jinja/ast.h"

namespace frugal::jinja {

Value arithmetic(Interpreter& interpreter, Op op, const Value& a, const Value& b);
Value negate(const Value& value, bool negative);  // -value or +value
bool compare_op(Op op, const Value& a, const Value& b);
bool contains(const Value& container, const Value& value);
// value[start:stop:step], absent bounds None.
Value slice_of(const Value& value, const Value& start, const Value& stop, const Value& step);
// The element, or nothing when there is none: then Jinja looks for an attribute.
const Value* element(const Value& object, const Value& index, Value& storage);
// "%s: %d" % values: printf formatting as Python has it (format.cc), and "{}".format(...).
std::string percent_format(Interpreter& interpreter, const std::string& format, const Value& values);
std::string brace_format(Interpreter& interpreter, const std::string& format, const Arguments& arguments);
// JSON text as json.dumps writes it (json.cc).
struct JsonOptions {
  bool ensure_ascii = false, sort_keys = false, indented = false;
  std::string indent, item_separator = ", ", key_separator = ": ";
};
std::string to_json(Interpreter& interpreter, const Value& value, const JsonOptions& options);

}  // namespace frugal::jinja
