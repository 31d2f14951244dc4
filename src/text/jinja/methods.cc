// Methods of strings, lists, tuples and dicts, as Python's types have them; those that change a value are not
// here.
#include <algorithm>

#include "text/jinja/bind.h"
#include "text/jinja/operators.h"
#include "text/jinja/strings.h"
#include "text/jinja/unicode.h"

namespace frugal::jinja {
namespace {

Value str_upper(Interpreter&, const Value& self, Arguments& a) { return no_arguments(a, "upper"), upper(self.text()); }
Value str_lower(Interpreter&, const Value& self, Arguments& a) { return no_arguments(a, "lower"), lower(self.text()); }
Value str_title(Interpreter&, const Value& self, Arguments& a) { return no_arguments(a, "title"), title(self.text()); }
Value str_capitalize(Interpreter&, const Value& self, Arguments& a) {
  return no_arguments(a, "capitalize"), capitalize(self.text());
}
Value str_swapcase(Interpreter&, const Value& self, Arguments& a) {
  return no_arguments(a, "swapcase"), swap_case(self.text());
}

template <Side side>
Value str_strip(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto [chars] = bind<1>(arguments, "strip", {"chars"});
  if (!chars || chars->is_none()) return strip(self.text(), side);
  const std::string_view set = string_of(*chars);
  interpreter.charge_search(self.text(), set);
  return strip(self.text(), side, &set);
}

template <bool from_right>
Value str_split(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto [separator, limit] = bind<2>(arguments, "split", {"sep", "maxsplit"});
  return split_text(interpreter, self.text(), separator, integer_or(limit, -1), from_right);
}

template <bool from_right>
Value str_partition(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto [separator] = bind<1>(arguments, "partition", {"sep"}, 1);
  const std::string &text = self.text(), &mark = string_of(*separator);
  if (mark.empty()) raise("empty separator");
  interpreter.charge_search(text, mark);
  const size_t at = from_right ? text.rfind(mark) : text.find(mark);
  if (at == std::string::npos) return from_right ? make_tuple({"", "", text}) : make_tuple({text, "", ""});
  return make_tuple({text.substr(0, at), mark, text.substr(at + mark.size())});
}

Value str_splitlines(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto [keep] = bind<1>(arguments, "splitlines", {"keepends"});
  interpreter.charge(self.text().size() / 2);
  std::vector<Value> lines;
  for (std::string_view line : split_lines(self.text(), flag_or(keep, false))) lines.emplace_back(line);
  return make_seq(std::move(lines));
}

template <bool at_end>
Value str_has_affix(Interpreter&, const Value& self, Arguments& arguments) {
  const auto [affix, start, end] =
      bind<3>(arguments, at_end ? "endswith" : "startswith", {"prefix", "start", "end"}, 1);
  const Value none, part = start ? slice_of(self, *start, end ? *end : none, none) : self;
  const std::string_view text = part.text();
  const auto matches = [&](const Value& value) {
    return at_end ? text.ends_with(string_of(value)) : text.starts_with(string_of(value));
  };
  const Seq* options = affix->seq();
  if (!options || options->kind != SeqKind::kTuple) return matches(*affix);
  return std::any_of(options->items.begin(), options->items.end(), matches);
}

template <bool at_end>
Value str_remove_affix(Interpreter&, const Value& self, Arguments& arguments) {
  const auto [affix] = bind<1>(arguments, at_end ? "removesuffix" : "removeprefix", {"prefix"}, 1);
  const std::string &text = self.text(), &part = string_of(*affix);
  if (at_end) return text.ends_with(part) ? Value(text.substr(0, text.size() - part.size())) : self;
  return text.starts_with(part) ? Value(text.substr(part.size())) : self;
}

Value str_replace(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto [old, with, count] = bind<3>(arguments, "replace", {"old", "new", "count"}, 2);
  return replace_text(interpreter, self.text(), string_of(*old), string_of(*with), integer_or(count, -1));
}

// Position in code points of the first or last match inside [start, end), -1 when there is none.
int64_t find_in(Interpreter& interpreter, const Value& self, Arguments& arguments, bool last) {
  const auto [sub, start, end] = bind<3>(arguments, "find", {"sub", "start", "end"}, 1);
  const std::string& part = string_of(*sub);
  const Value none, window = start ? slice_of(self, *start, end ? *end : none, none) : self;
  interpreter.charge_search(window.text(), part);
  const size_t at = last ? window.text().rfind(part) : window.text().find(part);
  if (at == std::string::npos) return -1;
  const int64_t size = start ? static_cast<int64_t>(character_count(self.text())) : 0, from = integer_or(start, 0);
  const int64_t offset = from < 0 ? std::max<int64_t>(from + size, 0) : from;
  if (offset > size) return -1;
  return offset + static_cast<int64_t>(character_count(std::string_view(window.text()).substr(0, at)));
}

template <bool last>
Value str_find(Interpreter& i, const Value& self, Arguments& arguments) {
  return find_in(i, self, arguments, last);
}

template <bool last>
Value str_index(Interpreter& i, const Value& self, Arguments& arguments) {
  const int64_t at = find_in(i, self, arguments, last);
  if (at < 0) raise("substring not found");
  return at;
}

Value str_count(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto [sub] = bind<1>(arguments, "count", {"sub"}, 1);
  const std::string &text = self.text(), &part = string_of(*sub);
  interpreter.charge_search(text, part);
  if (part.empty()) return static_cast<int64_t>(character_count(text)) + 1;
  int64_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++count;
  return count;
}

Value str_join(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto [iterable] = bind<1>(arguments, "join", {"iterable"}, 1);
  const std::vector<Value> items = interpreter.elements(*iterable);
  for (size_t i = 0; i < items.size(); ++i) {
    if (!items[i].is_string()) raise("sequence item {}: expected str instance, {} found", i, type_name(items[i]));
  }
  return join_text(interpreter, items, self.text());
}

template <int where>
Value str_pad(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto [width, fill] = bind<2>(arguments, "ljust", {"width", "fillchar"}, 1);
  return pad_text(interpreter, self.text(), integer_or(width, 0), where,
                  fill ? std::string_view(string_of(*fill)) : " ");
}

Value str_zfill(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto [width] = bind<1>(arguments, "zfill", {"width"}, 1);
  const std::string& text = self.text();
  const bool sign = !text.empty() && (text[0] == '-' || text[0] == '+');
  const std::string_view body = std::string_view(text).substr(sign ? 1 : 0);
  return text.substr(0, sign ? 1 : 0) +
         pad_text(interpreter, body, std::max<int64_t>(integer_or(width, 0), 1) - (sign ? 1 : 0), 1, "0");
}

Value str_format(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  return brace_format(interpreter, self.text(), arguments);
}

template <bool (*accept)(uint32_t)>
Value str_all(Interpreter&, const Value& self, Arguments&) {
  for (std::string_view character : Characters(self.text())) {
    if (!accept(code_point(character))) return false;
  }
  return !self.text().empty();
}

bool is_alnum(uint32_t c) { return is_alpha(c) || is_digit(c); }
Value str_islower(Interpreter& i, const Value& self, Arguments& a) { return find_test("lower")(i, self, a); }
Value str_isupper(Interpreter& i, const Value& self, Arguments& a) { return find_test("upper")(i, self, a); }
Value str_isascii(Interpreter&, const Value& self, Arguments&) {
  return std::none_of(self.text().begin(), self.text().end(), [](char c) { return (c & 0x80) != 0; });
}

Value seq_count(Interpreter&, const Value& self, Arguments& arguments) {
  const auto [value] = bind<1>(arguments, "count", {"value"}, 1);
  const auto& items = self.seq()->items;
  return static_cast<int64_t>(
      std::count_if(items.begin(), items.end(), [&, v = value](const Value& item) { return equal(item, *v); }));
}

Value seq_index(Interpreter&, const Value& self, Arguments& arguments) {
  const auto [value] = bind<1>(arguments, "index", {"value"}, 1);
  const auto& items = self.seq()->items;
  for (size_t i = 0; i < items.size(); ++i) {
    if (equal(items[i], *value)) return static_cast<int64_t>(i);
  }
  raise("{} is not in list", repr(*value));
}

Value copy(Interpreter&, const Value& self, Arguments& arguments) { return no_arguments(arguments, "copy"), self; }

Value dict_get(Interpreter&, const Value& self, Arguments& arguments) {
  const auto [key, otherwise] = bind<2>(arguments, "get", {"key", "default"}, 1);
  const Value* found = self.dict()->find(*key);
  return found ? *found : otherwise ? *otherwise : Value();
}

Value dict_items(Interpreter&, const Value& self, Arguments& arguments) {
  no_arguments(arguments, "items");
  std::vector<Value> pairs;
  for (const auto& [key, value] : self.dict()->entries) pairs.push_back(make_tuple({key, value}));
  return make_seq(std::move(pairs), SeqKind::kView, "dict_items");
}

template <bool values>
Value dict_side(Interpreter&, const Value& self, Arguments& arguments) {
  no_arguments(arguments, values ? "values" : "keys");
  std::vector<Value> side;
  for (const auto& entry : self.dict()->entries) side.push_back(values ? entry.second : entry.first);
  return make_seq(std::move(side), SeqKind::kView, values ? "dict_values" : "dict_keys");
}

constexpr NamedFunction kStringMethods[] = {
    {"upper", str_upper},
    {"lower", str_lower},
    {"casefold", str_lower},
    {"title", str_title},
    {"capitalize", str_capitalize},
    {"swapcase", str_swapcase},
    {"strip", str_strip<Side::kBoth>},
    {"lstrip", str_strip<Side::kLeft>},
    {"rstrip", str_strip<Side::kRight>},
    {"split", str_split<false>},
    {"rsplit", str_split<true>},
    {"partition", str_partition<false>},
    {"rpartition", str_partition<true>},
    {"splitlines", str_splitlines},
    {"startswith", str_has_affix<false>},
    {"endswith", str_has_affix<true>},
    {"removeprefix", str_remove_affix<false>},
    {"removesuffix", str_remove_affix<true>},
    {"replace", str_replace},
    {"find", str_find<false>},
    {"rfind", str_find<true>},
    {"index", str_index<false>},
    {"rindex", str_index<true>},
    {"count", str_count},
    {"join", str_join},
    {"format", str_format},
    {"center", str_pad<0>},
    {"ljust", str_pad<-1>},
    {"rjust", str_pad<1>},
    {"zfill", str_zfill},
    {"isalpha", str_all<is_alpha>},
    {"isdigit", str_all<is_digit>},
    {"isdecimal", str_all<is_digit>},
    {"isnumeric", str_all<is_digit>},
    {"isalnum", str_all<is_alnum>},
    {"isspace", str_all<is_space>},
    {"islower", str_islower},
    {"isupper", str_isupper},
    {"isascii", str_isascii},
};
constexpr NamedFunction kSeqMethods[] = {{"count", seq_count}, {"index", seq_index}};
constexpr NamedFunction kListMethods[] = {{"copy", copy}};
constexpr NamedFunction kDictMethods[] = {
    {"get", dict_get}, {"items", dict_items}, {"keys", dict_side<false>}, {"values", dict_side<true>}, {"copy", copy}};

template <size_t N>
Function look(const NamedFunction (&table)[N], std::string_view name) {
  for (const auto& [known, function] : table) {
    if (known == name) return function;
  }
  return nullptr;
}

}  // namespace

Function find_method(const Value& object, std::string_view name) {
  if (object.is_string()) return look(kStringMethods, name);
  if (object.dict()) return look(kDictMethods, name);
  const Seq* seq = object.seq();
  if (!seq || seq->kind == SeqKind::kGenerator || seq->kind == SeqKind::kView) return nullptr;
  const Function shared = look(kSeqMethods, name);
  return shared || seq->kind != SeqKind::kList ? shared : look(kListMethods, name);
}

}  // namespace frugal::jinja
