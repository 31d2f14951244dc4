// The values of a template: Python's None, bool, int, float, str, list, tuple, dict, plus what Jinja adds.
//
// Templates were written for Python, so a value behaves as its Python namesake: truth, equality (1 == 1.0 ==
// True), order, repr. Strings are UTF-8 and count in code points. Ints are 64 bits wide; overflow is an
// error, never a wrap. Everything is immutable once built (transformers renders in an immutable sandbox)
// except namespaces, so sharing is by reference count and no cycle can arise outside a namespace; the
// interpreter empties those when it ends. Containers know their depth and total size, so every recursion over
// a value is bounded when the value is built.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>

namespace frugal::jinja {

struct Position {
  int line = 0, column = 0;  // from 1; 0: not known yet
};

// What goes wrong inside a template; the innermost node that is being read or evaluated adds its position.
struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
  Position position;
};

template <typename... Args>
[[noreturn]] void raise(fmt::format_string<Args...> format, Args&&... args) {
  throw Failure(fmt::format(format, std::forward<Args>(args)...));
}

constexpr uint32_t kMaxValueDepth = 200;           // lists inside lists
constexpr uint64_t kMaxStringBytes = 16ull << 20;  // one string, and the whole output
constexpr int64_t kMaxRange = 100000;              // as the sandbox of jinja2

struct Seq;
struct Dict;
struct Namespace;
struct Loop;
struct Callable;

struct None {};
struct Undefined {
  std::shared_ptr<const std::string> message;  // what to say when it is used
};

using Text = std::shared_ptr<const std::string>;

// A string marked safe for HTML (by the filters safe and escape): what is added to it is escaped.
struct Markup {
  Text text;
};

class Value {
 public:
  using Variant = std::variant<None, Undefined, bool, int64_t, double, Text, Markup, std::shared_ptr<const Seq>,
                               std::shared_ptr<const Dict>, std::shared_ptr<Namespace>, std::shared_ptr<Loop>,
                               std::shared_ptr<const Callable>>;

  Value() = default;
  Value(bool b) : data_(b) {}
  Value(int64_t i) : data_(i) {}
  Value(int i) : data_(int64_t{i}) {}
  Value(double d) : data_(d) {}
  Value(std::string text) : data_(std::make_shared<const std::string>(std::move(text))) {}
  Value(std::string_view text) : Value(std::string(text)) {}
  Value(const char* text) : Value(std::string(text)) {}
  template <typename T>
  Value(std::shared_ptr<T> pointer) : data_(std::move(pointer)) {}
  static Value undefined(std::string message);
  static Value markup(std::string text);

  template <typename T>
  const T* get() const {
    return std::get_if<T>(&data_);
  }
  bool is_none() const { return get<None>() != nullptr; }
  bool is_undefined() const { return get<Undefined>() != nullptr; }
  bool is_bool() const { return get<bool>() != nullptr; }
  bool is_int() const { return get<int64_t>() != nullptr || is_bool(); }  // as isinstance(x, int)
  bool is_float() const { return get<double>() != nullptr; }
  bool is_number() const { return is_int() || is_float(); }
  bool is_markup() const { return get<Markup>() != nullptr; }
  bool is_string() const { return get<Text>() != nullptr || is_markup(); }
  const std::string& text() const;                         // only when is_string()
  int64_t integer() const;                                 // only when is_int()
  double real() const;                                     // only when is_number()
  const Seq* seq() const { return pointer<const Seq>(); }  // nullptr when it is something else
  const Dict* dict() const { return pointer<const Dict>(); }
  Namespace* name_space() const { return pointer<Namespace>(); }
  Loop* loop() const { return pointer<Loop>(); }
  const Callable* callable() const { return pointer<const Callable>(); }
  const void* identity() const;  // the address behind, nullptr for plain values
  const Variant& data() const { return data_; }

 private:
  template <typename T>
  T* pointer() const {
    const auto* p = get<std::shared_ptr<T>>();
    return p ? p->get() : nullptr;
  }
  Variant data_;
};

enum class SeqKind : uint8_t {
  kList,
  kTuple,
  kRange,
  kGenerator,  // what map, select, ... return: read once, no length, always true
  kView,       // dict.items() and its like: has a length, no elements by index
};

struct Seq {
  std::vector<Value> items;
  SeqKind kind = SeqKind::kList;
  std::string label;         // how a generator, range or view prints itself; "group" for groupby's tuples
  mutable size_t taken = 0;  // generator: elements already read
  uint32_t depth = 1;
  uint64_t weight = 1;
};

struct Dict {
  std::vector<std::pair<Value, Value>> entries;  // in insertion order
  uint32_t depth = 1;
  uint64_t weight = 1;

  // Adds or replaces. Throws Failure for an unhashable key.
  void set(const Value& key, const Value& value);
  const Value* find(const Value& key) const;  // nullptr when absent
  const Value* find(std::string_view key) const;

 private:
  const Value* find_hashed(const std::string& key) const;
  std::unordered_map<std::string, size_t> index_;  // hash_key -> entry
};

struct Namespace {
  std::map<std::string, Value> attributes;
};

// State of one running for loop.
struct Loop {
  std::shared_ptr<const Seq> items;
  int64_t index0 = 0;
  int64_t depth0 = 0;
  std::string last_changed;  // repr of what loop.changed() saw
  bool changed_once = false;
};

struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;
};

class Interpreter;

struct Callable {
  std::string name, kind;  // kind: "function", "method", "Macro"
  std::function<Value(Interpreter&, Arguments&)> call;
};

// Builds a sequence or takes a finished dict, with depth and weight. Throws Failure when nested too deeply.
Value make_seq(std::vector<Value> items, SeqKind kind = SeqKind::kList, std::string label = "");
Value make_tuple(std::vector<Value> items);
Value make_generator(std::vector<Value> items, const char* label = "generator");
Value make_dict(Dict dict);

uint64_t weight(const Value& value);        // about how much work it is to walk through it
const char* type_name(const Value& value);  // Python's: "str", "NoneType", ...
bool truthy(const Value& value);
bool equal(const Value& a, const Value& b);
bool identical(const Value& a, const Value& b);  // Python's "is", with small values identical when equal
// <0, 0, >0; unordered (NaN) is 2. Throws Failure when Python has no order between the two; op is for the
// message.
int compare(const Value& a, const Value& b, const char* op = "<");
std::string hash_key(const Value& value);  // equal values give equal keys. Throws Failure when unhashable.
std::string float_repr(double value);
std::string repr(const Value& value);
std::string to_text(const Value& value);  // Python's str()
// The elements to loop over: list elements, dict keys, characters. Drains a generator. Throws when not
// iterable.
std::vector<Value> iterate(const Value& value);
const Value& defined(const Value& value);  // throws Failure with the undefined's message
std::string escape_html(std::string_view text);
Value from_json(const nlohmann::ordered_json& json);

}  // namespace frugal::jinja
