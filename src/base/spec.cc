#include "base/spec.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.h"
#include "base/spec_parse.h"

namespace frugal {
namespace {

template <typename Range, typename Print>
std::string join(const Range& items, const char* between, Print print) {
  std::string out;
  for (const auto& item : items) out += (&item == &*items.begin() ? "" : between) + print(item);
  return out;
}

std::string print_values(const std::vector<Value>& values) {
  return join(values, ",", [](const Value& v) { return to_string(v); });
}

std::string print_bytes(double bytes) {
  static constexpr std::array<std::pair<const char*, double>, 4> kUnits = {
      {{"TiB", 0x1p40}, {"GiB", 0x1p30}, {"MiB", 0x1p20}, {"KiB", 0x1p10}}};
  for (const auto& [unit, size] : kUnits)
    if (bytes >= size && std::fmod(bytes, size) == 0) return fmt::format("{}{}", bytes / size, unit);
  return fmt::format("{:.0f}B", bytes);
}

std::string print_text(const std::string& text) {
  if (reads_as_bare_text(text)) return text;
  std::string out = "\"";
  for (char c : text) out += (c == '"' || c == '\\') ? std::string{'\\', c} : std::string{c};
  return out + "\"";
}

// Parentheses go where the value would otherwise read as something else.
std::string print_nested(const Spec& spec) {
  const bool bare = spec.size() == 1 && !spec[0].scope.narrows() && !spec[0].unit.args.empty();
  return bare ? to_string(spec) : "(" + to_string(spec) + ")";
}

std::string print_scope(const Scope& scope) {
  auto range = [](const std::pair<int, int>& r) {
    if (r.second == Scope::kLastLayer) return fmt::format("{}-", r.first);
    return r.first == r.second ? fmt::format("{}", r.first) : fmt::format("{}-{}", r.first, r.second);
  };
  std::string out;
  if (!scope.layers.empty()) out += "L" + join(scope.layers, ",", range) + ":";
  if (scope.side != 0) out += std::string{scope.side, ':'};
  return out;
}

// The sweeps of a spec in the order they are written.
void collect_sweeps(Spec& spec, std::vector<Value*>& found);
void collect_sweeps(Value& value, std::vector<Value*>& found) {
  if (value.kind == Value::Kind::kSweep) return found.push_back(&value);
  for (Value& item : value.items) collect_sweeps(item, found);
  collect_sweeps(value.spec, found);
}
void collect_sweeps(Spec& spec, std::vector<Value*>& found) {
  for (Part& part : spec)
    for (Arg& arg : part.unit.args) collect_sweeps(arg.value, found);
}

constexpr size_t kMostSweeps = 16;

void expand(const Spec& spec, std::vector<Spec>& out) {
  Spec copy = spec;
  std::vector<Value*> sweeps;
  collect_sweeps(copy, sweeps);
  if (sweeps.empty()) {
    if (out.size() == kMostCombinations)
      fail(ErrorCode::kUsage, "spec", "found more than {} swept combinations, expected fewer", kMostCombinations);
    return out.push_back(std::move(copy));
  }
  if (sweeps.size() > kMostSweeps)
    fail(ErrorCode::kUsage, "spec", "found {} sweeps, expected at most {}", sweeps.size(), kMostSweeps);
  const std::vector<Value> choices = sweeps[0]->items;
  for (const Value& choice : choices) {  // a choice may hold sweeps of its own
    *sweeps[0] = choice;
    expand(copy, out);
  }
}

}  // namespace

Value Value::of(double number) {
  Value v;
  v.kind = Kind::kNumber;
  v.number = number;
  return v;
}

Value Value::of(std::string text) {
  Value v;
  v.text = std::move(text);
  return v;
}

bool Value::operator==(const Value& other) const {
  return kind == other.kind && number == other.number && text == other.text && items == other.items &&
         spec == other.spec;
}

bool Scope::covers(int layer) const {
  return layers.empty() || std::any_of(layers.begin(), layers.end(), [&](const auto& r) {
           return layer >= r.first && (layer <= r.second || r.second == kLastLayer);
         });
}

std::string to_string(const Value& value) {
  switch (value.kind) {
    case Value::Kind::kNumber: return fmt::format("{}", value.number);
    case Value::Kind::kPercent: return fmt::format("{}%", value.number);
    case Value::Kind::kBytes: return print_bytes(value.number);
    case Value::Kind::kSpec: return print_nested(value.spec);
    case Value::Kind::kList: return "[" + print_values(value.items) + "]";
    case Value::Kind::kSweep: return "{" + print_values(value.items) + "}";
    case Value::Kind::kText: break;
  }
  return print_text(value.text);
}

std::string to_string(const Unit& unit) {
  if (unit.args.empty()) return unit.name;
  auto print = [](const Arg& a) { return (a.name.empty() ? "" : a.name + "=") + to_string(a.value); };
  return unit.name + "(" + join(unit.args, ",", print) + ")";
}

std::string to_string(const Part& part) { return print_scope(part.scope) + to_string(part.unit); }

std::string to_string(const Spec& spec) {
  return join(spec, " | ", [](const Part& p) { return to_string(p); });
}

std::vector<Spec> expand_sweeps(const Spec& spec) {
  std::vector<Spec> out;
  expand(spec, out);
  return out;
}

}  // namespace frugal
