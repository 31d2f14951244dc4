// Python's two ways to format: "%s of %d" % values and "{} of {:>5}".format(values).
//
// Both come down to one field description: the fill, alignment, sign, width, precision and type letter.
// Widths and precisions are capped (kMaxFieldWidth), since a template may come from anywhere. Not supported:
// replacement fields inside a format specification.
#include <algorithm>
#include <cctype>
#include <cmath>

#include "text/jinja/bind.h"
#include "text/jinja/operators.h"
#include "text/jinja/strings.h"
#include "text/jinja/unicode.h"

namespace frugal::jinja {
namespace {

constexpr int64_t kMaxFieldWidth = 10000;

struct Field {
  std::string fill = " ";
  char align = 0, sign = '-', type = 0, group = 0;
  bool alternate = false;
  int64_t width = 0, precision = -1;
};

bool digit(char c) { return c >= '0' && c <= '9'; }

int64_t read_number(std::string_view text, size_t& i) {
  int64_t value = 0;
  for (; i < text.size() && digit(text[i]); ++i) {
    value = value * 10 + (text[i] - '0');
    if (value > kMaxFieldWidth) raise("width or precision above {} in a format", kMaxFieldWidth);
  }
  return value;
}

std::string grouped(const std::string& digits, char group) {
  size_t whole = digits.find_first_not_of("0123456789");
  if (whole == std::string::npos) whole = digits.size();
  std::string out;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (group && i > 0 && i < whole && (whole - i) % 3 == 0) out += group;
    out += digits[i];
  }
  return out;
}

std::string integer_digits(uint64_t magnitude, const Field& field) {
  const std::string prefix = field.alternate && field.type && field.type != 'd' ? std::string("0") + field.type : "";
  switch (field.type) {
    case 'x': return prefix + fmt::format("{:x}", magnitude);
    case 'X': return prefix + fmt::format("{:X}", magnitude);
    case 'o': return prefix + fmt::format("{:o}", magnitude);
    case 'b': return prefix + fmt::format("{:b}", magnitude);
    default: return grouped(std::to_string(magnitude), field.group);
  }
}

std::string real_digits(double magnitude, const Field& field) {
  if (!std::isfinite(magnitude)) return std::isnan(magnitude) ? "nan" : "inf";
  if (field.type == 0 && field.precision < 0) return grouped(float_repr(magnitude), field.group);
  const auto precision = static_cast<int>(field.precision < 0 ? 6 : field.precision);
  switch (field.type) {
    case 'f':
    case 'F': return grouped(fmt::format("{:.{}f}", magnitude, precision), field.group);
    case 'e': return fmt::format("{:.{}e}", magnitude, precision);
    case 'E': return fmt::format("{:.{}E}", magnitude, precision);
    case '%': return grouped(fmt::format("{:.{}f}", magnitude * 100, precision), field.group) + "%";
    case 'G': return fmt::format("{:.{}G}", magnitude, precision);
    default: return grouped(fmt::format("{:.{}g}", magnitude, precision), field.group);
  }
}

std::string padded(Interpreter& interpreter, const std::string& sign, const std::string& body, const Field& field,
                   char align) {
  if (align == '=') {
    const auto signs = static_cast<int64_t>(sign.size());
    return sign + pad_text(interpreter, body, field.width - signs, 1, field.fill);
  }
  return pad_text(interpreter, sign + body, field.width, align == '<' ? -1 : align == '>' ? 1 : 0, field.fill);
}

std::string format_number(Interpreter& interpreter, const Value& value, const Field& field) {
  const bool as_real =
      value.is_float() || (field.type && std::string_view("fFeEgG%").find(field.type) != std::string_view::npos);
  const bool negative = as_real ? std::signbit(value.real()) && !std::isnan(value.real()) : value.integer() < 0;
  const std::string sign = negative ? "-" : field.sign == '-' ? "" : std::string(1, field.sign);
  if (as_real && field.type == 'd') raise("Unknown format code 'd' for object of type 'float'");
  const std::string body = as_real ? real_digits(std::abs(value.real()), field)
                                   : integer_digits(negative ? 0 - static_cast<uint64_t>(value.integer())
                                                             : static_cast<uint64_t>(value.integer()),
                                                    field);
  return padded(interpreter, sign, body, field, field.align ? field.align : '>');
}

std::string format_text(Interpreter& interpreter, const std::string& text, const Field& field, char align) {
  const Value precision = field.precision < 0 ? Value() : Value(field.precision);
  const Value cut = slice_of(Value(text), {}, precision, {});
  return padded(interpreter, "", cut.text(), field, field.align ? field.align : align);
}

// ---- printf style

class PercentFormatter {
 public:
  PercentFormatter(Interpreter& interpreter, std::string_view format, const Value& values)
      : interpreter_(interpreter), format_(format), values_(values) {
    const Seq* seq = values.seq();
    tuple_ = seq && seq->kind == SeqKind::kTuple ? seq : nullptr;
  }

  std::string run() {
    std::string out;
    while (at_ < format_.size()) {
      if (out.size() > kMaxStringBytes) interpreter_.charge_text(out.size());
      if (format_[at_] != '%') {
        out += format_[at_++];
      } else {
        ++at_;
        out += directive();
      }
    }
    if (!values_.dict() && taken_ < available()) raise("not all arguments converted during string formatting");
    return out;
  }

 private:
  size_t available() const { return tuple_ ? tuple_->items.size() : 1; }
  char peek() const {
    if (at_ >= format_.size()) raise("incomplete format");
    return format_[at_];
  }
  const Value& next_value() {
    if (taken_ >= available()) raise("not enough arguments for format string");
    return tuple_ ? tuple_->items[taken_++] : (++taken_, values_);
  }
  int64_t star_or_number();
  std::string directive();
  Field read_field();
  std::string convert(const Value& value, Field field);

  Interpreter& interpreter_;
  std::string_view format_;
  const Value& values_;
  const Seq* tuple_ = nullptr;
  size_t at_ = 0, taken_ = 0;
};

int64_t PercentFormatter::star_or_number() {
  if (at_ < format_.size() && format_[at_] == '*') {
    ++at_;
    return std::clamp<int64_t>(integer_or(&next_value(), 0), 0, kMaxFieldWidth);
  }
  return read_number(format_, at_);
}

Field PercentFormatter::read_field() {
  Field field;
  for (; std::string_view("-+ #0").find(peek()) != std::string_view::npos; ++at_) {
    const char flag = peek();
    if (flag == '-') field.align = '<';
    if (flag == '+' || (flag == ' ' && field.sign != '+')) field.sign = flag;
    if (flag == '#') field.alternate = true;
    if (flag == '0') field.fill = "0";
  }
  field.width = star_or_number();
  if (peek() == '.') field.precision = (++at_, star_or_number());
  while (peek() == 'h' || peek() == 'l' || peek() == 'L') ++at_;
  field.type = format_[at_++];
  return field;
}

std::string PercentFormatter::directive() {
  const Value* named = nullptr;
  if (peek() == '(') {
    const size_t end = format_.find(')', at_);
    if (end == std::string_view::npos) raise("incomplete format key");
    if (!values_.dict()) raise("format requires a mapping");
    const std::string_view key = format_.substr(at_ + 1, end - at_ - 1);
    named = values_.dict()->find(key);
    if (!named) raise("no value for '{}' in a format", key);
    at_ = end + 1;
  }
  const Field field = read_field();
  if (field.type == '%') return "%";
  return convert(named ? *named : next_value(), field);
}

std::string PercentFormatter::convert(const Value& value, Field field) {
  if (field.type == 's' || field.type == 'r' || field.type == 'a') {
    field.fill = " ";
    return format_text(interpreter_, field.type == 's' ? to_text(value) : repr(value), field, '>');
  }
  if (field.type == 'c') {
    if (value.is_string() && character_count(value.text()) == 1)
      return format_text(interpreter_, value.text(), field, '>');
    std::string text;
    append_code_point(text, static_cast<uint32_t>(std::clamp<int64_t>(integer_or(&value, 0), 0, 0x110000)));
    return format_text(interpreter_, text, field, '>');
  }
  const bool integral = std::string_view("diuxXo").find(field.type) != std::string_view::npos;
  if (!integral && std::string_view("eEfFgG").find(field.type) == std::string_view::npos) {
    raise("unsupported format character '{}'", field.type);
  }
  defined(value);
  if (!value.is_number()) raise("%{} format: a real number is required, not {}", field.type, type_name(value));
  if (field.align == '<') field.fill = " ";
  if (field.fill == "0") field.align = '=';
  if (!integral) return format_number(interpreter_, value, field);
  if (value.is_float() && std::string_view("xXo").find(field.type) != std::string_view::npos) {
    raise("%{} format: an integer is required, not float", field.type);
  }
  if (value.is_float() && !(std::abs(value.real()) < 9.2e18)) raise("float out of range for %{}", field.type);
  const Value whole = value.is_float() ? Value(static_cast<int64_t>(value.real())) : value;
  if (field.type == 'i' || field.type == 'u') field.type = 'd';
  return format_number(interpreter_, whole, field);
}

// ---- str.format

Field parse_spec(std::string_view spec) {
  Field field;
  size_t i = 0;
  const auto is_align = [&](size_t k) {
    return k < spec.size() && std::string_view("<>=^").find(spec[k]) != std::string_view::npos;
  };
  const size_t first = spec.empty() ? 0 : character_length(spec);
  if (!spec.empty() && is_align(first)) {
    field.fill = spec.substr(0, first);
    i = first;
  }
  if (is_align(i)) field.align = spec[i++];
  if (i < spec.size() && std::string_view("+- ").find(spec[i]) != std::string_view::npos) field.sign = spec[i++];
  if (i < spec.size() && spec[i] == '#') field.alternate = true, ++i;
  if (i < spec.size() && spec[i] == '0') {
    if (field.fill == " ") field.fill = "0";
    if (!field.align) field.align = '=';
    ++i;
  }
  field.width = read_number(spec, i);
  if (i < spec.size() && (spec[i] == ',' || spec[i] == '_')) field.group = spec[i++];
  if (i < spec.size() && spec[i] == '.') field.precision = (++i, read_number(spec, i));
  if (i < spec.size()) field.type = spec[i++];
  if (i < spec.size() ||
      (field.type && std::string_view("sdbcoxXneEfFgG%").find(field.type) == std::string_view::npos)) {
    raise("Invalid format specifier '{}'", spec);
  }
  return field;
}

std::string format_value(Interpreter& interpreter, const Value& value, std::string_view spec) {
  if (spec.empty()) return to_text(value);
  Field field = parse_spec(spec);
  if (value.is_number() && field.type != 's') {
    if (field.type == 'n') field.type = 0;
    return format_number(interpreter, value, field);
  }
  if (!value.is_string() && !value.is_bool())
    raise("unsupported format string passed to {}.__format__", type_name(value));
  if (field.type && field.type != 's') raise("Unknown format code '{}' for object of type 'str'", field.type);
  if (field.align == '=') field.align = '<';
  return format_text(interpreter, to_text(value), field, '<');
}

class BraceFormatter {
 public:
  BraceFormatter(Interpreter& interpreter, std::string_view format, const Arguments& arguments)
      : interpreter_(interpreter), format_(format), arguments_(arguments) {}

  std::string run() {
    std::string out;
    for (size_t i = 0; i < format_.size(); ++i) {
      const char c = format_[i];
      if (out.size() > kMaxStringBytes) interpreter_.charge_text(out.size());
      if (c != '{' && c != '}') {
        out += c;
      } else if (i + 1 < format_.size() && format_[i + 1] == c) {
        out += format_[i++];
      } else if (c == '}') {
        raise("Single '}}' encountered in format string");
      } else {
        const size_t end = format_.find('}', i);
        if (end == std::string_view::npos) raise("expected '}}' before end of string");
        out += field(format_.substr(i + 1, end - i - 1));
        i = end;
      }
    }
    return out;
  }

 private:
  std::string field(std::string_view text);
  Value root(std::string_view name);
  Value path(Value value, std::string_view rest);

  Interpreter& interpreter_;
  std::string_view format_;
  const Arguments& arguments_;
  size_t automatic_ = 0;
};

Value BraceFormatter::root(std::string_view name) {
  const bool numbered = !name.empty() && name.size() < 10 && std::all_of(name.begin(), name.end(), digit);
  if (name.empty() || numbered) {
    const size_t index = name.empty() ? automatic_++ : std::stoul(std::string(name));
    if (index >= arguments_.positional.size())
      raise("Replacement index {} out of range for positional args tuple", index);
    return arguments_.positional[index];
  }
  for (const auto& [known, value] : arguments_.named) {
    if (known == name) return value;
  }
  raise("no argument named '{}' in a format", name);
}

// ".name" and "[key]" steps after a field's name.
Value BraceFormatter::path(Value value, std::string_view rest) {
  while (!rest.empty()) {
    const bool bracket = rest[0] == '[';
    const size_t end = bracket ? rest.find(']') : rest.find_first_of(".[", 1);
    if (bracket && end == std::string_view::npos) raise("Missing ']' in format string");
    const std::string key(rest.substr(1, end == std::string_view::npos ? end : end - 1));
    const bool index = bracket && !key.empty() && key.size() < 10 && std::all_of(key.begin(), key.end(), digit);
    value = !bracket ? interpreter_.attribute(value, key)
                     : interpreter_.item(value, index ? Value(int64_t{std::stoll(key)}) : Value(key));
    rest = end == std::string_view::npos ? "" : rest.substr(end + (bracket ? 1 : 0));
    if (!rest.empty() && rest[0] != '.' && rest[0] != '[') raise("only '.' or '[' may follow ']' in a format field");
  }
  return value;
}

std::string BraceFormatter::field(std::string_view text) {
  const size_t mark = text.find_first_of("!:");
  const std::string_view where = text.substr(0, mark);
  if (text.find('{') != std::string_view::npos) raise("nested fields in a format are not supported");
  const size_t step = where.find_first_of(".[");
  Value value = path(root(where.substr(0, step)), step == std::string_view::npos ? "" : where.substr(step));
  std::string_view spec = mark == std::string_view::npos ? "" : text.substr(mark);
  if (!spec.empty() && spec[0] == '!') {
    if (spec.size() < 2 || (spec.size() > 2 && spec[2] != ':')) raise("malformed conversion in a format field");
    if (std::string_view("sra").find(spec[1]) == std::string_view::npos)
      raise("unknown conversion specifier '{}'", spec[1]);
    value = spec[1] == 's' ? to_text(value) : repr(value);
    spec.remove_prefix(2);
  }
  if (!spec.empty()) spec.remove_prefix(1);
  return format_value(interpreter_, value, spec);
}

}  // namespace

std::string percent_format(Interpreter& interpreter, const std::string& format, const Value& values) {
  interpreter.charge(format.size());
  return PercentFormatter(interpreter, format, values).run();
}

std::string brace_format(Interpreter& interpreter, const std::string& format, const Arguments& arguments) {
  interpreter.charge(format.size());
  return BraceFormatter(interpreter, format, arguments).run();
}

}  // namespace frugal::jinja
