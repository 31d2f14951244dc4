// Construction, truth, equality and order of template values, as Python defines them. Printing is in repr.cc.
#include "text/jinja/value.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "text/jinja/unicode.h"

namespace frugal::jinja {
namespace {

constexpr uint64_t kMaxWeight = 1ull << 40;

struct Measure {
  uint32_t depth = 0;
  uint64_t weight = 1;
  void add(const Value& value) {
    const Seq* seq = value.seq();
    const Dict* dict = value.dict();
    depth = std::max(depth, seq ? seq->depth : dict ? dict->depth : 0);
    weight = std::min(kMaxWeight, weight + jinja::weight(value));
  }
  uint32_t checked_depth() const {
    if (depth >= kMaxValueDepth) raise("value nested more than {} deep", kMaxValueDepth);
    return depth + 1;
  }
};

int order(double a, double b) { return a < b ? -1 : a > b ? 1 : a == b ? 0 : 2; }

int compare_numbers(const Value& a, const Value& b) {
  if (a.is_int() && b.is_int()) return a.integer() < b.integer() ? -1 : a.integer() > b.integer();
  return order(a.real(), b.real());
}

bool is_list_or_tuple(const Seq* seq) { return seq && (seq->kind == SeqKind::kList || seq->kind == SeqKind::kTuple); }

bool equal_seq(const Seq& a, const Seq& b) {
  if (&a == &b) return true;
  if (a.kind != b.kind || a.kind == SeqKind::kGenerator || a.items.size() != b.items.size()) return false;
  return std::equal(a.items.begin(), a.items.end(), b.items.begin(), equal);
}

bool equal_dict(const Dict& a, const Dict& b) {
  if (&a == &b) return true;
  if (a.entries.size() != b.entries.size()) return false;
  return std::all_of(a.entries.begin(), a.entries.end(), [&](const auto& entry) {
    const Value* other = b.find(entry.first);
    return other && equal(entry.second, *other);
  });
}

Value json_container(const nlohmann::ordered_json& json, uint32_t depth);

Value convert_json(const nlohmann::ordered_json& json, uint32_t depth) {
  using Type = nlohmann::ordered_json::value_t;
  if (depth > kMaxValueDepth) raise("value nested more than {} deep", kMaxValueDepth);
  switch (json.type()) {
    case Type::boolean: return json.get<bool>();
    case Type::number_integer: return json.get<int64_t>();
    case Type::number_float: return json.get<double>();
    case Type::string: return json.get_ref<const std::string&>();
    case Type::number_unsigned:
      if (json.get<uint64_t>() > uint64_t{INT64_MAX}) raise("integer {} needs more than 64 bits", json.get<uint64_t>());
      return json.get<int64_t>();
    case Type::array:
    case Type::object: return json_container(json, depth);
    default: return {};
  }
}

Value json_container(const nlohmann::ordered_json& json, uint32_t depth) {
  if (json.is_array()) {
    std::vector<Value> items;
    items.reserve(json.size());
    for (const auto& item : json) items.push_back(convert_json(item, depth + 1));
    return make_seq(std::move(items));
  }
  Dict dict;
  for (const auto& [key, item] : json.items()) dict.set(Value(key), convert_json(item, depth + 1));
  return make_dict(std::move(dict));
}

std::string number_key(const Value& value) {
  if (value.is_int()) return fmt::format("n{}", value.integer());
  const double d = value.real();
  if (std::abs(d) < 9e18 && d == std::trunc(d)) return fmt::format("n{}", static_cast<int64_t>(d));
  return "f" + float_repr(d);
}

std::string text_key(std::string_view text) { return fmt::format("s{}:{}", text.size(), text); }

}  // namespace

Value Value::undefined(std::string message) {
  Value value;
  value.data_ = Undefined{std::make_shared<const std::string>(std::move(message))};
  return value;
}

Value Value::markup(std::string text) {
  Value value;
  value.data_ = Markup{std::make_shared<const std::string>(std::move(text))};
  return value;
}

const std::string& Value::text() const {
  const Text* plain = get<Text>();
  return plain ? **plain : *get<Markup>()->text;
}

int64_t Value::integer() const {
  const bool* flag = get<bool>();
  return flag ? *flag : *get<int64_t>();
}

double Value::real() const {
  const double* d = get<double>();
  return d ? *d : static_cast<double>(integer());
}

const void* Value::identity() const {
  return std::visit(
      [](const auto& x) -> const void* {
        if constexpr (requires { x.get(); }) {
          return x.get();
        } else {
          return nullptr;
        }
      },
      data_);
}

void Dict::set(const Value& key, const Value& value) {
  auto [place, added] = index_.try_emplace(hash_key(key), entries.size());
  if (added) {
    entries.emplace_back(key, value);
  } else {
    entries[place->second].second = value;
  }
}

const Value* Dict::find_hashed(const std::string& key) const {
  const auto place = index_.find(key);
  return place == index_.end() ? nullptr : &entries[place->second].second;
}

const Value* Dict::find(const Value& key) const { return find_hashed(hash_key(key)); }
const Value* Dict::find(std::string_view key) const { return find_hashed(text_key(key)); }

Value make_seq(std::vector<Value> items, SeqKind kind, std::string label) {
  Measure measure;
  for (const Value& item : items) measure.add(item);
  auto seq = std::make_shared<Seq>();
  seq->items = std::move(items);
  seq->kind = kind;
  seq->label = std::move(label);
  seq->depth = measure.checked_depth();
  seq->weight = measure.weight;
  return std::shared_ptr<const Seq>(std::move(seq));
}

Value make_tuple(std::vector<Value> items) { return make_seq(std::move(items), SeqKind::kTuple); }

Value make_generator(std::vector<Value> items, const char* label) {
  return make_seq(std::move(items), SeqKind::kGenerator, label);
}

Value make_dict(Dict dict) {
  Measure measure;
  for (const auto& [key, value] : dict.entries) {
    measure.add(key);
    measure.add(value);
  }
  dict.depth = measure.checked_depth();
  dict.weight = measure.weight;
  return std::make_shared<const Dict>(std::move(dict));
}

uint64_t weight(const Value& value) {
  if (value.is_string()) return 1 + value.text().size() / 32;
  if (const Seq* seq = value.seq()) return seq->weight;
  if (const Dict* dict = value.dict()) return dict->weight;
  if (const Namespace* ns = value.name_space()) return 1 + ns->attributes.size();
  return 1;
}

const char* type_name(const Value& value) {
  static constexpr const char* kNames[] = {"NoneType", "Undefined", "bool", "int",       "float",       "str",
                                           "Markup",   "list",      "dict", "Namespace", "LoopContext", "function"};
  const Seq* seq = value.seq();
  if (!seq || seq->kind == SeqKind::kList) return kNames[value.data().index()];
  switch (seq->kind) {
    case SeqKind::kTuple: return "tuple";
    case SeqKind::kRange: return "range";
    default: return seq->label.c_str();
  }
}

bool truthy(const Value& value) {
  if (value.is_none() || value.is_undefined()) return false;
  if (value.is_number()) return value.real() != 0;
  if (value.is_string()) return !value.text().empty();
  if (const Seq* seq = value.seq()) return seq->kind == SeqKind::kGenerator || !seq->items.empty();
  if (const Dict* dict = value.dict()) return !dict->entries.empty();
  return true;
}

bool equal(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) return compare_numbers(a, b) == 0;
  if (a.is_string() && b.is_string()) return a.text() == b.text();
  if (a.data().index() != b.data().index()) return false;
  if (a.is_none() || a.is_undefined()) return true;
  if (a.seq()) return equal_seq(*a.seq(), *b.seq());
  if (a.dict()) return equal_dict(*a.dict(), *b.dict());
  return a.identity() == b.identity();
}

bool identical(const Value& a, const Value& b) {
  if (a.data().index() != b.data().index()) return false;
  if (a.is_none() || a.is_number() || a.is_string()) return equal(a, b);
  return a.identity() == b.identity() && !a.is_undefined();
}

int compare(const Value& a, const Value& b, const char* op) {
  if (a.is_number() && b.is_number()) return compare_numbers(a, b);
  if (a.is_string() && b.is_string())
    return a.text() < b.text() ? -1 : a.text() > b.text();  // bytes sort as code points
  if (is_list_or_tuple(a.seq()) && is_list_or_tuple(b.seq()) && a.seq()->kind == b.seq()->kind) {
    const auto &x = a.seq()->items, &y = b.seq()->items;
    for (size_t i = 0; i < std::min(x.size(), y.size()); ++i) {
      if (!equal(x[i], y[i])) return compare(x[i], y[i], op);
    }
    return x.size() < y.size() ? -1 : x.size() > y.size();
  }
  defined(a), defined(b);
  raise("'{}' not supported between instances of '{}' and '{}'", op, type_name(a), type_name(b));
}

std::string hash_key(const Value& value) {
  if (value.is_string()) return text_key(value.text());
  if (value.is_number()) return number_key(value);
  if (value.is_none()) return "0";
  if (value.is_undefined()) return "u";
  const Seq* seq = value.seq();
  if (value.dict() || (seq && seq->kind == SeqKind::kList)) raise("unhashable type: '{}'", type_name(value));
  if (!seq || seq->kind != SeqKind::kTuple) return fmt::format("p{}", value.identity());
  std::string key = fmt::format("t{}(", seq->items.size());
  for (const Value& item : seq->items) key += hash_key(item);
  return key;
}

std::vector<Value> iterate(const Value& value) {
  if (const Seq* seq = value.seq()) {
    if (seq->kind != SeqKind::kGenerator) return seq->items;
    std::vector<Value> rest(seq->items.begin() + static_cast<std::ptrdiff_t>(seq->taken), seq->items.end());
    seq->taken = seq->items.size();
    return rest;
  }
  std::vector<Value> items;
  if (const Dict* dict = value.dict()) {
    for (const auto& entry : dict->entries) items.push_back(entry.first);
  } else if (value.is_string()) {
    for (std::string_view character : Characters(value.text())) items.emplace_back(character);
  } else if (!value.is_undefined()) {
    raise("'{}' object is not iterable", type_name(value));
  }
  return items;
}

const Value& defined(const Value& value) {
  if (const auto* undefined = value.get<Undefined>()) throw Failure(*undefined->message);
  return value;
}

Value from_json(const nlohmann::ordered_json& json) { return convert_json(json, 0); }

}  // namespace frugal::jinja
