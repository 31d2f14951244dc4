// Filters on numbers and on any value, and the lookup over all filters.
#include <charconv>
#include <cmath>

#include "text/jinja/bind.h"
#include "text/jinja/operators.h"
#include "text/jinja/unicode.h"

namespace frugal::jinja {
namespace {

Value filter_default(Interpreter&, const Value& self, Arguments& arguments) {
  const auto [otherwise, boolean] = bind<2>(arguments, "default", {"default_value", "boolean"});
  const bool absent = self.is_undefined() || (flag_or(boolean, false) && !truthy(self));
  return !absent ? self : otherwise ? *otherwise : Value("");
}

Value filter_abs(Interpreter&, const Value& self, Arguments&) {
  defined(self);
  if (!self.is_number()) raise("bad operand type for abs(): '{}'", type_name(self));
  if (self.is_float()) return std::abs(self.real());
  return self.integer() < 0 ? negate(self, true) : Value(self.integer());
}

// int(text, base) as Python reads it: white space around, a sign, "_" between digits, a prefix that fits the
// base.
bool parse_integer(std::string_view text, int64_t base, int64_t& out) {
  text = strip(text);
  std::string digits;
  const bool negative = !text.empty() && text[0] == '-';
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  const char kind = text.size() > 2 && text[0] == '0' ? static_cast<char>(text[1] | 0x20) : '\0';
  const int64_t prefixed = kind == 'x' ? 16 : kind == 'o' ? 8 : kind == 'b' ? 2 : 0;
  if (prefixed && (base == prefixed || base == 0)) text.remove_prefix(2), base = prefixed;
  if (base == 0) base = 10;
  if (base < 2 || base > 36 || text.empty() || text.front() == '_' || text.back() == '_') return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '_' && text[i + 1] == '_') return false;
    if (text[i] != '_') digits += text[i];
  }
  if (negative) digits.insert(0, "-");
  const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), out, static_cast<int>(base));
  if (result.ec == std::errc::result_out_of_range) raise("integer {} needs more than 64 bits", digits);
  return result.ec == std::errc() && result.ptr == digits.data() + digits.size();
}

bool parse_float(std::string_view text, double& out) {
  text = strip(text);
  const bool negative = !text.empty() && text[0] == '-';
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  if (text.empty() || text[0] == '-' || text[0] == '+' || text.front() == '_' || text.back() == '_') return false;
  std::string digits;
  for (char c : text) {
    if (c != '_') digits += c;
  }
  const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), out);
  if (result.ec == std::errc::result_out_of_range) out = std::strtod(digits.c_str(), nullptr);
  if (negative) out = -out;
  return result.ec != std::errc::invalid_argument && result.ptr == digits.data() + digits.size();
}

bool to_integer(double value, int64_t& out) {
  if (!(std::abs(value) < 9.2e18)) return false;
  out = static_cast<int64_t>(value);
  return true;
}

Value filter_int(Interpreter&, const Value& self, Arguments& arguments) {
  const auto [otherwise, base] = bind<2>(arguments, "int", {"default", "base"});
  int64_t out = 0;
  double real = 0;
  defined(self);
  if (self.is_int()) return self.integer();
  if (self.is_float() && to_integer(self.real(), out)) return out;
  if (self.is_string() && parse_integer(self.text(), integer_or(base, 10), out)) return out;
  if (self.is_string() && parse_float(self.text(), real) && to_integer(real, out)) return out;
  return otherwise ? *otherwise : Value(0);
}

Value filter_float(Interpreter&, const Value& self, Arguments& arguments) {
  const auto [otherwise] = bind<1>(arguments, "float", {"default"});
  double real = 0;
  defined(self);
  if (self.is_number()) return self.real();
  if (self.is_string() && parse_float(self.text(), real)) return real;
  return otherwise ? *otherwise : Value(0.0);
}

// To `precision` decimals, half to even on the exact binary value.
double round_real(double value, int64_t precision) {
  if (!std::isfinite(value) || precision > 330) return value;
  if (precision < -330) return std::copysign(0.0, value);
  if (precision < 0) {
    const double scale = std::pow(10.0, static_cast<double>(-precision));
    return std::nearbyint(value / scale) * scale;
  }
  return std::strtod(fmt::format("{:.{}f}", value, static_cast<int>(precision)).c_str(), nullptr);
}

int64_t round_integer(int64_t value, int64_t precision) {
  if (precision >= 0) return value;
  if (precision < -18) return 0;
  const int64_t scale = std::llround(std::pow(10.0, static_cast<double>(-precision)));
  const int64_t below = value - ((value % scale) + scale) % scale, rest = value - below;
  const bool up = rest * 2 > scale || (rest * 2 == scale && (below / scale) % 2 != 0);
  return below + (up ? scale : 0);
}

Value filter_round(Interpreter&, const Value& self, Arguments& arguments) {
  const auto [places, method] = bind<2>(arguments, "round", {"precision", "method"});
  const std::string how = method ? to_text(*method) : "common";
  const int64_t precision = integer_or(places, 0);
  if (how != "common" && how != "ceil" && how != "floor") raise("method must be common, ceil or floor");
  defined(self);
  if (!self.is_number()) raise("type {} doesn't define __round__ method", type_name(self));
  if (how == "common") {
    return self.is_int() ? Value(round_integer(self.integer(), precision)) : Value(round_real(self.real(), precision));
  }
  const double scale = std::pow(10.0, static_cast<double>(precision));
  const double scaled = self.real() * scale;
  return (how == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / scale;
}

Value filter_sum(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto [attribute, start] = bind<2>(arguments, "sum", {"attribute", "start"});
  Value total = start ? *start : Value(0);
  std::vector<Value> items = interpreter.elements(self);
  if (attribute && !attribute->is_none()) {
    Arguments by{{}, {{"attribute", *attribute}}};
    items = interpreter.elements(find_filter("map")(interpreter, make_seq(std::move(items)), by));
  }
  for (const Value& item : items) total = arithmetic(interpreter, Op::kAdd, total, item);
  return total;
}

Value filter_attr(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto [name] = bind<1>(arguments, "attr", {"name"}, 1);
  const std::string& attribute = string_of(*name);
  if (!self.dict()) return interpreter.attribute(self, attribute);
  return find_method(self, attribute) ? interpreter.attribute(self, attribute)
                                      : Value::undefined(fmt::format("'dict object' has no attribute '{}'", attribute));
}

std::string size_text(double bytes, bool binary) {
  const double base = binary ? 1024 : 1000;
  if (bytes == 1) return "1 Byte";
  if (bytes < base) return fmt::format("{} Bytes", static_cast<int64_t>(std::max(bytes, -9e18)));
  double unit = base;
  const std::string_view prefixes = binary ? "KMGTPEZY" : "kMGTPEZY";
  size_t i = 0;
  while (i + 1 < prefixes.size() && bytes >= unit * base) unit *= base, ++i;
  return fmt::format("{:.1f} {}{}", bytes / unit, prefixes[i], binary ? "iB" : "B");
}

Value filter_filesizeformat(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto [binary] = bind<1>(arguments, "filesizeformat", {"binary"});
  Arguments none;
  return size_text(filter_float(interpreter, self, none).real(), flag_or(binary, false));
}

constexpr NamedFunction kFilters[] = {
    {"default", filter_default}, {"d", filter_default},   {"abs", filter_abs},
    {"int", filter_int},         {"float", filter_float}, {"round", filter_round},
    {"sum", filter_sum},         {"attr", filter_attr},   {"filesizeformat", filter_filesizeformat},
};

}  // namespace

Function find_number_filter(std::string_view name) {
  for (const auto& [known, function] : kFilters) {
    if (known == name) return function;
  }
  return nullptr;
}

Function find_filter(std::string_view name) {
  if (const Function found = find_text_filter(name)) return found;
  if (const Function found = find_sequence_filter(name)) return found;
  return find_number_filter(name);
}

}  // namespace frugal::jinja
