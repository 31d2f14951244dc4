// Spec strings: one line that names a configuration of techniques, prints back, and parses again to the same.
//
//   spec   = part { "|" part }
//   part   = [scope ":"] unit
//   scope  = "k" | "v" | "L" ranges | "L" ranges ":" ("k" | "v")
//   ranges = 0-1,5,12-  (12- runs to the last layer)
//   unit   = name [ "(" [name "="] value { "," [name "="] value } ")" ]
//   value  = number | 20% | 64MiB | text | "quoted text" | unit | "(" spec ")"
//          | "[" [values] "]" | "{" values "}"       the last is a sweep; values = value { "," value }
//
//   h2o(budget=20%) | k:kivi(bits=2,group=32) | L0-1:full        eagle2(head=/models/e2,depth={4,6})
//
// What a bare word means is decided where it is bound (see registry.h): text, or the name of a unit. Text
// that holds any of ,()|{}[]" or that would read as something else is quoted; inside quotes \" and \\ stand
// for " and \. A sweep {a,b} stands only where a value stands. temp=0.7,top_p=0.9 is short for temp(0.7) |
// top_p(0.9). Dashes in names are read as underscores (top-k is top_k).
//
// Specs come from strangers (HTTP): length, nesting and the number of swept combinations are bounded.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace frugal {

struct Part;
using Spec = std::vector<Part>;

struct Value {
  enum class Kind { kNumber, kPercent, kBytes, kText, kSpec, kList, kSweep };
  Kind kind = Kind::kText;
  double number = 0;         // kNumber; kPercent: 20 for 20%; kBytes: a whole number of bytes
  std::string text;          // kText
  std::vector<Value> items;  // kList, kSweep
  std::vector<Part> spec;    // kSpec: a unit with arguments, or a spec in parentheses

  static Value of(double number);
  static Value of(std::string text);
  bool operator==(const Value& other) const;
};

struct Arg {
  std::string name;  // empty: positional
  Value value;
  bool operator==(const Arg& other) const = default;
};

struct Unit {
  std::string name;
  std::vector<Arg> args;
  bool operator==(const Unit& other) const = default;
};

// Where a part applies. Layers are sorted ranges, both ends included, that neither touch nor overlap; none:
// every layer.
struct Scope {
  std::vector<std::pair<int, int>> layers;
  char side = 0;                              // 'k', 'v', or 0 for both
  static constexpr int kLastLayer = 1 << 20;  // the end of an open range
  bool operator==(const Scope& other) const = default;
  bool covers(int layer) const;
  bool narrows() const { return side != 0 || !layers.empty(); }
};

struct Part {
  Scope scope;
  Unit unit;
  bool operator==(const Part& other) const = default;
};

// Throw Error(kUsage) that says at which column what was found and what was expected.
Spec parse_spec(std::string_view text);
Unit parse_unit(std::string_view text);    // a spec of one part, without a scope
Value parse_value(std::string_view text);  // a value as it stands after "name="

// Canonical form: parse_spec(to_string(s)) == s.
std::string to_string(const Spec& spec);
std::string to_string(const Part& part);
std::string to_string(const Unit& unit);
std::string to_string(const Value& value);

// Every combination of the sweeps in spec, the first sweep varying slowest; the spec itself when there is
// none. Throws Error(kUsage) beyond kMostCombinations.
constexpr size_t kMostCombinations = 1024;
std::vector<Spec> expand_sweeps(const Spec& spec);

}  // namespace frugal
