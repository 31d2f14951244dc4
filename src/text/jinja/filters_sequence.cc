// Filters on lists, dicts and other iterables. Those that are generators in jinja2 are here too: read once,
// no length.
#include <algorithm>

#include "text/jinja/bind.h"
#include "text/jinja/strings.h"
#include "text/jinja/unicode.h"

namespace frugal::jinja {
namespace {

bool all_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// "a.b.0" looked up step by step; anything else is one step.
Value follow(Interpreter& interpreter, Value value, const Value& path, const Value* otherwise = nullptr) {
  if (path.is_none()) return value;
  if (!path.is_string()) return interpreter.item(value, path);
  std::string_view rest = path.text();
  for (bool more = true; more;) {
    const size_t dot = rest.find('.');
    const std::string_view part = rest.substr(0, dot);
    more = dot != std::string_view::npos;
    if (more) rest.remove_prefix(dot + 1);
    const bool index = all_digits(part) && part.size() < 18;
    value = interpreter.item(value, index ? Value(int64_t{std::stoll(std::string(part))}) : Value(part));
    if (otherwise && value.is_undefined()) value = *otherwise;
  }
  return value;
}

Value folded(const Value& value, bool case_sensitive) {
  return value.is_string() && !case_sensitive ? Value(lower(value.text())) : value;
}

// What an element is sorted or grouped by: one value per comma-separated path of attribute.
Value sort_key(Interpreter& interpreter, const Value& item, const Value* attribute, bool case_sensitive) {
  if (!attribute || attribute->is_none()) return folded(item, case_sensitive);
  if (!attribute->is_string()) return folded(interpreter.item(item, *attribute), case_sensitive);
  std::vector<Value> keys;
  std::string_view rest = attribute->text();
  for (bool more = true; more;) {
    const size_t comma = rest.find(',');
    keys.push_back(folded(follow(interpreter, item, rest.substr(0, comma)), case_sensitive));
    more = comma != std::string_view::npos;
    if (more) rest.remove_prefix(comma + 1);
  }
  return keys.size() == 1 ? keys[0] : make_seq(std::move(keys));
}

using Keyed = std::vector<std::pair<Value, Value>>;  // key, element

Keyed keyed(Interpreter& interpreter, const Value& self, const Value* attribute, bool case_sensitive) {
  Keyed out;
  for (Value& item : interpreter.elements(self)) {
    interpreter.charge(1 + 8 * weight(item));
    Value key = sort_key(interpreter, item, attribute, case_sensitive);
    out.emplace_back(std::move(key), std::move(item));
  }
  return out;
}

void sort_keyed(Keyed& items, bool reverse) {
  std::stable_sort(items.begin(), items.end(), [&](const auto& a, const auto& b) {
    return (reverse ? compare(b.first, a.first) : compare(a.first, b.first)) < 0;
  });
}

std::vector<Value> values_of(Keyed&& items) {
  std::vector<Value> out;
  for (auto& [key, item] : items) out.push_back(std::move(item));
  return out;
}

Value filter_sort(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto [reverse, sensitive, attribute] = bind<3>(arguments, "sort", {"reverse", "case_sensitive", "attribute"});
  Keyed items = keyed(interpreter, self, attribute, flag_or(sensitive, false));
  sort_keyed(items, flag_or(reverse, false));
  return make_seq(values_of(std::move(items)));
}

Value filter_dictsort(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto [sensitive, by, reverse] = bind<3>(arguments, "dictsort", {"case_sensitive", "by", "reverse"});
  if (!self.dict()) raise("dictsort: expected a mapping, got '{}'", type_name(defined(self)));
  const std::string which = by ? to_text(*by) : "key";
  if (which != "key" && which != "value") raise("You can only sort by either \"key\" or \"value\"");
  Keyed items;
  for (const auto& [key, value] : self.dict()->entries) {
    interpreter.charge(8 * (weight(key) + weight(value)));
    items.emplace_back(folded(which == "key" ? key : value, flag_or(sensitive, false)), make_tuple({key, value}));
  }
  sort_keyed(items, flag_or(reverse, false));
  return make_seq(values_of(std::move(items)));
}

Value filter_unique(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto [sensitive, attribute] = bind<2>(arguments, "unique", {"case_sensitive", "attribute"});
  Dict seen;
  for (auto& [key, item] : keyed(interpreter, self, attribute, flag_or(sensitive, false))) {
    if (!seen.find(key)) seen.set(key, item);
  }
  return make_generator(values_of(std::move(seen.entries)));
}

Value filter_groupby(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto [attribute, otherwise, sensitive] =
      bind<3>(arguments, "groupby", {"attribute", "default", "case_sensitive"}, 1);
  Keyed items;
  for (const Value& item : interpreter.elements(self)) {
    interpreter.charge(1 + 8 * weight(item));
    items.emplace_back(folded(follow(interpreter, item, *attribute, otherwise), flag_or(sensitive, false)), item);
  }
  sort_keyed(items, false);
  std::vector<Value> groups;
  for (size_t i = 0; i < items.size();) {
    std::vector<Value> members;
    const Value name = follow(interpreter, items[i].second, *attribute, otherwise);
    const Value key = items[i].first;
    for (; i < items.size() && equal(items[i].first, key); ++i) members.push_back(items[i].second);
    groups.push_back(make_seq({name, make_seq(std::move(members))}, SeqKind::kTuple, "group"));
  }
  return make_seq(std::move(groups));
}

Value extreme(Interpreter& interpreter, const Value& self, Arguments& arguments, bool largest) {
  const auto [sensitive, attribute] = bind<2>(arguments, largest ? "max" : "min", {"case_sensitive", "attribute"});
  const Keyed items = keyed(interpreter, self, attribute, flag_or(sensitive, false));
  if (items.empty()) return Value::undefined("No aggregated item, sequence was empty.");
  const auto* best = &items[0];
  for (const auto& item : items) {
    const int order = compare(item.first, best->first, largest ? ">" : "<");
    if (largest ? order > 0 && order != 2 : order < 0) best = &item;
  }
  return best->second;
}

Value filter_min(Interpreter& i, const Value& self, Arguments& arguments) { return extreme(i, self, arguments, false); }
Value filter_max(Interpreter& i, const Value& self, Arguments& arguments) { return extreme(i, self, arguments, true); }

Value filter_length(Interpreter&, const Value& self, Arguments& arguments) {
  no_arguments(arguments, "length");
  if (self.is_string()) return static_cast<int64_t>(character_count(self.text()));
  if (self.dict()) return static_cast<int64_t>(self.dict()->entries.size());
  if (self.loop()) return static_cast<int64_t>(self.loop()->items->items.size());
  if (self.is_undefined()) return 0;
  const Seq* seq = self.seq();
  if (!seq || seq->kind == SeqKind::kGenerator) raise("object of type '{}' has no len()", type_name(self));
  return static_cast<int64_t>(seq->items.size());
}

Value filter_first(Interpreter& interpreter, const Value& self, Arguments&) {
  const Seq* seq = self.seq();
  if (seq && seq->kind == SeqKind::kGenerator && seq->taken < seq->items.size()) return seq->items[seq->taken++];
  if (seq && seq->kind != SeqKind::kGenerator && !seq->items.empty()) return seq->items[0];
  if (self.is_string() && !self.text().empty()) return *Characters(self.text()).begin();
  const std::vector<Value> items = interpreter.elements(self);
  return items.empty() ? Value::undefined("No first item, sequence was empty.") : items[0];
}

Value filter_last(Interpreter& interpreter, const Value& self, Arguments&) {
  const Seq* seq = self.seq();
  if (seq && seq->kind == SeqKind::kGenerator) raise("'{}' object is not reversible", type_name(self));
  const std::vector<Value> items = interpreter.elements(self);
  return items.empty() ? Value::undefined("No last item, sequence was empty.") : items.back();
}

Value filter_list(Interpreter& interpreter, const Value& self, Arguments&) {
  return make_seq(interpreter.elements(self));
}

Value filter_reverse(Interpreter& interpreter, const Value& self, Arguments&) {
  std::vector<Value> items = interpreter.elements(self);
  std::reverse(items.begin(), items.end());
  if (self.is_string()) return join_text(interpreter, items, "");
  const bool was_generator = self.seq() && self.seq()->kind == SeqKind::kGenerator;
  return was_generator ? make_seq(std::move(items)) : make_generator(std::move(items), "list_reverseiterator");
}

Value filter_join(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto [separator, attribute] = bind<2>(arguments, "join", {"d", "attribute"});
  std::vector<Value> items = interpreter.elements(self);
  if (attribute && !attribute->is_none()) {
    for (Value& item : items) item = follow(interpreter, item, *attribute);
  }
  return join_text(interpreter, items, separator ? to_text(*separator) : "");
}

Value filter_items(Interpreter&, const Value& self, Arguments&) {
  std::vector<Value> pairs;
  if (!self.is_undefined() && !self.dict()) raise("Can only get item pairs from a mapping.");
  if (self.dict()) {
    for (const auto& [key, value] : self.dict()->entries) pairs.push_back(make_tuple({key, value}));
  }
  return make_generator(std::move(pairs));
}

Value take_named(Arguments& arguments, const char* name) {
  Value found = Value::undefined("");
  std::erase_if(arguments.named,
                [&](auto& named) { return named.first == name && (found = std::move(named.second), true); });
  return found;
}

Value filter_map(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  std::vector<Value> out;
  if (!truthy(self)) return make_generator({});
  if (arguments.positional.empty()) {
    const Value attribute = take_named(arguments, "attribute"), otherwise = take_named(arguments, "default");
    if (attribute.is_undefined()) raise("map requires a filter argument");
    if (!arguments.named.empty()) raise("Unexpected keyword argument '{}'", arguments.named[0].first);
    const bool has_default = !otherwise.is_undefined() && !otherwise.is_none();
    for (const Value& item : interpreter.elements(self)) {
      out.push_back(follow(interpreter, item, attribute, has_default ? &otherwise : nullptr));
    }
    return make_generator(std::move(out));
  }
  const Value name = arguments.positional[0];
  Arguments rest{{arguments.positional.begin() + 1, arguments.positional.end()}, arguments.named};
  for (const Value& item : interpreter.elements(self)) out.push_back(interpreter.filter(name, item, rest));
  return make_generator(std::move(out));
}

// select, reject, selectattr, rejectattr: [attribute,] [test, arguments of the test ...].
Value choose(Interpreter& interpreter, const Value& self, Arguments& arguments, bool by_attribute, bool wanted) {
  if (!truthy(self)) return make_generator({});
  if (by_attribute && arguments.positional.empty()) raise("Missing parameter for attribute name");
  const size_t skip = by_attribute ? 1 : 0;
  const bool tested = arguments.positional.size() > skip;
  Arguments rest{{}, arguments.named};
  if (tested)
    rest.positional.assign(arguments.positional.begin() + static_cast<std::ptrdiff_t>(skip) + 1,
                           arguments.positional.end());
  std::vector<Value> out;
  for (const Value& item : interpreter.elements(self)) {
    const Value subject = by_attribute ? follow(interpreter, item, arguments.positional[0]) : item;
    const bool holds = tested ? interpreter.test(arguments.positional[skip], subject, rest) : truthy(subject);
    if (holds == wanted) out.push_back(item);
  }
  return make_generator(std::move(out));
}

Value filter_select(Interpreter& i, const Value& self, Arguments& a) { return choose(i, self, a, false, true); }
Value filter_reject(Interpreter& i, const Value& self, Arguments& a) { return choose(i, self, a, false, false); }
Value filter_selectattr(Interpreter& i, const Value& self, Arguments& a) { return choose(i, self, a, true, true); }
Value filter_rejectattr(Interpreter& i, const Value& self, Arguments& a) { return choose(i, self, a, true, false); }

Value filter_batch(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto [count, fill] = bind<2>(arguments, "batch", {"linecount", "fill_with"}, 1);
  const int64_t size = integer_or(count, 0);
  std::vector<Value> batches, row;
  for (const Value& item : interpreter.elements(self)) {
    if (static_cast<int64_t>(row.size()) == size) batches.push_back(make_seq(std::exchange(row, {})));
    row.push_back(item);
  }
  const bool filled = fill && !fill->is_none() && size > static_cast<int64_t>(row.size());
  if (!row.empty() && filled) {
    interpreter.charge(static_cast<uint64_t>(size));
    row.resize(static_cast<size_t>(size), *fill);
  }
  if (!row.empty()) batches.push_back(make_seq(std::move(row)));
  return make_generator(std::move(batches));
}

Value filter_slice(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto [slices, fill] = bind<2>(arguments, "slice", {"slices", "fill_with"}, 1);
  const std::vector<Value> items = interpreter.elements(self);
  const int64_t count = integer_or(slices, 0), size = static_cast<int64_t>(items.size());
  if (count == 0) raise("integer division or modulo by zero");
  interpreter.charge(static_cast<uint64_t>(std::max<int64_t>(count, 0)));
  std::vector<Value> out;
  auto next = items.begin();
  for (int64_t i = 0; i < count; ++i) {
    const auto end = next + size / count + (i < size % count);
    std::vector<Value> part(next, end);
    if (fill && !fill->is_none() && i >= size % count) part.push_back(*fill);
    out.push_back(make_seq(std::move(part)));
    next = end;
  }
  return make_generator(std::move(out));
}

constexpr NamedFunction kFilters[] = {
    {"length", filter_length},
    {"count", filter_length},
    {"first", filter_first},
    {"last", filter_last},
    {"list", filter_list},
    {"reverse", filter_reverse},
    {"join", filter_join},
    {"items", filter_items},
    {"map", filter_map},
    {"select", filter_select},
    {"reject", filter_reject},
    {"selectattr", filter_selectattr},
    {"rejectattr", filter_rejectattr},
    {"sort", filter_sort},
    {"dictsort", filter_dictsort},
    {"unique", filter_unique},
    {"groupby", filter_groupby},
    {"min", filter_min},
    {"max", filter_max},
    {"batch", filter_batch},
    {"slice", filter_slice},
};

}  // namespace

Function find_sequence_filter(std::string_view name) {
  for (const auto& [known, function] : kFilters) {
    if (known == name) return function;
  }
  return nullptr;
}

}  // namespace frugal::jinja
