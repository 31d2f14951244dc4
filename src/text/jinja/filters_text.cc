// Filters on strings: their input is turned into text first, as jinja2 does.
#include <algorithm>

#include "text/jinja/bind.h"
#include "text/jinja/operators.h"
#include "text/jinja/strings.h"
#include "text/jinja/unicode.h"

namespace frugal::jinja {
namespace {

// The same string kind as the input's: a safe string stays safe.
template <Function filter>
Value keeping(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  Value out = filter(interpreter, self, arguments);
  return self.is_markup() ? Value::markup(out.text()) : out;
}

Value filter_upper(Interpreter&, const Value& self, Arguments&) { return upper(to_text(self)); }
Value filter_lower(Interpreter&, const Value& self, Arguments&) { return lower(to_text(self)); }
Value filter_capitalize(Interpreter&, const Value& self, Arguments&) { return capitalize(to_text(self)); }
Value filter_string(Interpreter&, const Value& self, Arguments&) {
  return self.is_string() ? self : Value(to_text(self));
}

// Words start after white space, "-" and opening brackets.
Value filter_title(Interpreter&, const Value& self, Arguments&) {
  std::string out, word;
  const auto flush = [&] {
    out += capitalize(word);
    word.clear();
  };
  const std::string text = to_text(self);
  for (std::string_view character : Characters(text)) {
    const uint32_t c = code_point(character);
    const bool separates = is_space(c) || c == '-' || c == '(' || c == '{' || c == '[' || c == '<';
    if (separates) flush();
    (separates ? out : word) += character;
  }
  flush();
  return out;
}

Value filter_trim(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto [chars] = bind<1>(arguments, "trim", {"chars"});
  const std::string text = to_text(self);
  if (!chars || chars->is_none()) return strip(text);
  const std::string_view set = string_of(*chars);
  interpreter.charge_search(text, set);
  return strip(text, Side::kBoth, &set);
}

Value filter_replace(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto [old, with, count] = bind<3>(arguments, "replace", {"old", "new", "count"}, 2);
  return replace_text(interpreter, to_text(self), to_text(*old), to_text(*with), integer_or(count, -1));
}

Value filter_center(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto [width] = bind<1>(arguments, "center", {"width"});
  return pad_text(interpreter, to_text(self), integer_or(width, 80), 0);
}

Value filter_indent(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto [width, first, blank] = bind<3>(arguments, "indent", {"width", "first", "blank"});
  const bool given = width && width->is_string();
  const std::string indent = given ? width->text() : pad_text(interpreter, "", integer_or(width, 4), 1);
  const std::string text = string_of(self) + "\n";
  const std::vector<std::string_view> lines = split_lines(text);
  interpreter.charge(lines.size());
  interpreter.charge_text(text.size() + (indent.size() + 1) * std::min<size_t>(lines.size(), kMaxStringBytes));
  std::string out = flag_or(first, false) ? indent : "";
  for (size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) out += '\n';
    if (i > 0 && (flag_or(blank, false) || !lines[i].empty())) out += indent;
    out += lines[i];
  }
  return out;
}

Value filter_truncate(Interpreter&, const Value& self, Arguments& arguments) {
  const auto [length, kill, end, leeway] = bind<4>(arguments, "truncate", {"length", "killwords", "end", "leeway"});
  const std::string tail = end ? to_text(*end) : "...";
  const int64_t size = integer_or(length, 255), slack = integer_or(leeway, 5);
  const auto tail_size = static_cast<int64_t>(character_count(tail));
  const std::string& text = string_of(self);
  if (size < tail_size) raise("expected length >= {}, got {}", tail_size, size);
  if (slack < 0) raise("expected leeway >= 0, got {}", slack);
  const auto count = static_cast<int64_t>(character_count(text));
  if (count <= size || count - size <= slack) return text;
  std::string kept = slice_of(self, {}, size - tail_size, {}).text();
  const size_t space = flag_or(kill, false) ? std::string::npos : kept.rfind(' ');
  return (space == std::string::npos ? kept : kept.substr(0, space)) + tail;
}

Value filter_wordcount(Interpreter&, const Value& self, Arguments&) {
  int64_t count = 0;
  bool inside = false;
  const std::string text = to_text(self);
  for (std::string_view character : Characters(text)) {
    const uint32_t c = code_point(character);
    const bool word = is_alpha(c) || is_digit(c) || c == '_';
    count += word && !inside;
    inside = word;
  }
  return count;
}

Value filter_safe(Interpreter&, const Value& self, Arguments&) { return Value::markup(to_text(self)); }

Value filter_forceescape(Interpreter& interpreter, const Value& self, Arguments&) {
  std::string out = escape_html(to_text(self));
  interpreter.charge_text(out.size());
  return Value::markup(std::move(out));
}

Value filter_escape(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  return self.is_markup() ? self : filter_forceescape(interpreter, self, arguments);
}

Value filter_urlencode(Interpreter& interpreter, const Value& self, Arguments&) {
  if (self.dict()) raise("urlencode of a mapping is not supported");
  std::string out;
  const std::string text = to_text(self);
  for (char c : text) {
    const bool plain =
        std::isalnum(static_cast<unsigned char>(c)) || std::string_view("_.-~/").find(c) != std::string_view::npos;
    plain ? out += c : out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  interpreter.charge_text(out.size());
  return out;
}

Value filter_format(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  if (!arguments.positional.empty() && !arguments.named.empty()) {
    raise("can't handle positional and keyword arguments at the same time");
  }
  Dict named;
  for (const auto& [name, value] : arguments.named) named.set(name, value);
  const Value values = arguments.named.empty() ? make_tuple(arguments.positional) : make_dict(std::move(named));
  return percent_format(interpreter, to_text(self), values);
}

JsonOptions json_options(const Value* indent, const Value* separators) {
  JsonOptions options;
  if (indent && !indent->is_none()) {
    options.indented = true;
    options.item_separator = ",";
    if (indent->is_string()) {
      options.indent = indent->text();
    } else {
      options.indent.assign(static_cast<size_t>(std::clamp<int64_t>(integer_or(indent, 0), 0, 1000)), ' ');
    }
  }
  if (separators && !separators->is_none()) {
    const std::vector<Value> pair = iterate(*separators);
    if (pair.size() != 2) raise("separators: expected two, got {}", pair.size());
    options.item_separator = string_of(pair[0]);
    options.key_separator = string_of(pair[1]);
  }
  return options;
}

Value filter_tojson(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto [ascii, indent, separators, sort_keys] =
      bind<4>(arguments, "tojson", {"ensure_ascii", "indent", "separators", "sort_keys"});
  JsonOptions options = json_options(indent, separators);
  options.ensure_ascii = flag_or(ascii, false);
  options.sort_keys = flag_or(sort_keys, false);
  return to_json(interpreter, self, options);
}

constexpr NamedFunction kFilters[] = {
    {"upper", keeping<filter_upper>},
    {"lower", keeping<filter_lower>},
    {"capitalize", keeping<filter_capitalize>},
    {"string", filter_string},
    {"safe", filter_safe},
    {"title", filter_title},
    {"trim", keeping<filter_trim>},
    {"replace", filter_replace},
    {"center", keeping<filter_center>},
    {"indent", keeping<filter_indent>},
    {"truncate", filter_truncate},
    {"wordcount", filter_wordcount},
    {"escape", filter_escape},
    {"e", filter_escape},
    {"forceescape", filter_forceescape},
    {"urlencode", filter_urlencode},
    {"format", filter_format},
    {"tojson", filter_tojson},
};

}  // namespace

Function find_text_filter(std::string_view name) {
  for (const auto& [known, function] : kFilters) {
    if (known == name) return function;
  }
  return nullptr;
}

}  // namespace frugal::jinja
