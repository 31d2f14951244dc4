// How values print: Python's str() and repr(), the shortest float that reads back included.
#include <charconv>
#include <cmath>

#include "text/jinja/unicode.h"
#include "text/jinja/value.h"

namespace frugal::jinja {
namespace {

// The significant digits of |value| and the decimal exponent of the first: 0.00123 -> "123", -3.
std::pair<std::string, int> shortest_digits(double value) {
  char buffer[40];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, std::abs(value), std::chars_format::scientific).ptr;
  const std::string_view all(buffer, static_cast<size_t>(end - buffer));
  const size_t e = all.find('e');
  std::string digits(1, all[0]);
  if (e > 1) digits += all.substr(2, e - 2);
  return {digits, std::atoi(std::string(all.substr(e + 1)).c_str())};
}

void append_checked(std::string& out, std::string_view text) {
  if (out.size() + text.size() > kMaxStringBytes) raise("a string grew beyond {} bytes", kMaxStringBytes);
  out += text;
}

void append_escaped(std::string& out, std::string_view character) {
  const uint32_t c = code_point(character);
  if (c == '\n') {
    out += "\\n";
  } else if (c == '\r') {
    out += "\\r";
  } else if (c == '\t') {
    out += "\\t";
  } else if (is_printable(c)) {
    out += character;
  } else if (c < 0x100) {
    out += fmt::format("\\x{:02x}", c);
  } else if (c < 0x10000) {
    out += fmt::format("\\u{:04x}", c);
  } else {
    out += fmt::format("\\U{:08x}", c);
  }
}

std::string string_repr(const std::string& text) {
  const bool has_single = text.find('\'') != std::string::npos;
  const char quote = has_single && text.find('"') == std::string::npos ? '"' : '\'';
  std::string out(1, quote);
  for (std::string_view character : Characters(text)) {
    if (character[0] == quote || character[0] == '\\') out += '\\';
    append_escaped(out, character);
  }
  return out + quote;
}

void append_repr(std::string& out, const Value& value);

template <typename Items>
void append_list(std::string& out, const Items& items) {
  bool first = true;
  for (const Value& item : items) {
    if (!first) append_checked(out, ", ");
    first = false;
    append_repr(out, item);
  }
}

void append_seq(std::string& out, const Seq& seq) {
  const bool tuple = seq.kind == SeqKind::kTuple;
  if (seq.kind == SeqKind::kRange) return append_checked(out, seq.label);
  if (seq.kind == SeqKind::kGenerator) return append_checked(out, "<" + seq.label + " object>");
  if (seq.kind == SeqKind::kView) append_checked(out, seq.label + "(");
  append_checked(out, tuple ? "(" : "[");
  append_list(out, seq.items);
  if (tuple && seq.items.size() == 1) out += ',';
  append_checked(out, tuple ? ")" : "]");
  if (seq.kind == SeqKind::kView) out += ')';
}

void append_dict(std::string& out, const Dict& dict) {
  append_checked(out, "{");
  for (const auto& [key, value] : dict.entries) {
    if (&key != &dict.entries[0].first) append_checked(out, ", ");
    append_repr(out, key);
    out += ": ";
    append_repr(out, value);
  }
  append_checked(out, "}");
}

std::string object_repr(const Value& value) {
  if (const Loop* loop = value.loop()) {
    return fmt::format("<LoopContext {}/{}>", loop->index0 + 1, loop->items->items.size());
  }
  if (const Callable* callable = value.callable()) return fmt::format("<{} '{}'>", callable->kind, callable->name);
  return "<Namespace>";  // its attributes may lead back to itself
}

void append_repr(std::string& out, const Value& value) {
  if (value.is_markup()) return append_checked(out, "Markup(" + string_repr(value.text()) + ")");
  if (value.is_string()) return append_checked(out, string_repr(value.text()));
  if (const Seq* seq = value.seq()) return append_seq(out, *seq);
  if (const Dict* dict = value.dict()) return append_dict(out, *dict);
  append_checked(out, value.is_undefined() ? "Undefined" : to_text(value));
}

}  // namespace

std::string float_repr(double value) {
  if (std::isnan(value)) return "nan";
  const std::string sign = std::signbit(value) ? "-" : "";
  if (std::isinf(value)) return sign + "inf";
  if (value == 0) return sign + "0.0";
  auto [digits, exponent] = shortest_digits(value);
  const int count = static_cast<int>(digits.size());
  if (exponent < -4 || exponent >= 16) {
    if (count > 1) digits.insert(1, ".");
    return fmt::format("{}{}e{}{:02}", sign, digits, exponent < 0 ? '-' : '+', std::abs(exponent));
  }
  if (exponent < 0) return sign + "0." + std::string(static_cast<size_t>(-exponent - 1), '0') + digits;
  if (count <= exponent + 1) return sign + digits + std::string(static_cast<size_t>(exponent + 1 - count), '0') + ".0";
  return sign + digits.insert(static_cast<size_t>(exponent + 1), ".");
}

std::string escape_html(std::string_view text) {
  static constexpr std::string_view kSpecial = "&<>\"'";
  static constexpr std::string_view kEntities[] = {"&amp;", "&lt;", "&gt;", "&#34;", "&#39;"};
  std::string out;
  for (char c : text) {
    const size_t at = kSpecial.find(c);
    at == std::string_view::npos ? out += c : out += kEntities[at];
  }
  return out;
}

std::string repr(const Value& value) {
  std::string out;
  append_repr(out, value);
  return out;
}

std::string to_text(const Value& value) {
  if (value.is_string()) return value.text();
  if (value.is_none()) return "None";
  if (value.is_undefined()) return "";
  if (value.is_bool()) return truthy(value) ? "True" : "False";
  if (value.is_int()) return std::to_string(value.integer());
  if (value.is_float()) return float_repr(value.real());
  return value.seq() || value.dict() ? repr(value) : object_repr(value);
}

}  // namespace frugal::jinja
