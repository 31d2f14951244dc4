// Parameters and their checked values: the half of registry.h that turns a parsed unit into typed arguments.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "base/edit_distance.h"
#include "base/error.h"
#include "base/registry.h"

namespace frugal {
namespace {

using Kind = Value::Kind;
constexpr double kMostExact = 9007199254740992.0;  // 2^53: beyond, not every whole number is a double

[[noreturn]] void wrong(const MethodInfo& m, const ParamInfo& p, const Value& found, const std::string& expected) {
  fail(ErrorCode::kUsage, m.name.c_str(), "found {} = {}, expected {}", p.name, to_string(found), expected);
}

std::string expected_number(const ParamInfo& p) {
  std::string out = p.type == ParamType::kInteger ? "a whole number" : "a number";
  if (std::isfinite(p.min) && std::isfinite(p.max)) {
    out +=
        p.min_open ? fmt::format(" above {}, at most {}", p.min, p.max) : fmt::format(" from {} to {}", p.min, p.max);
  } else if (std::isfinite(p.min)) {
    out += fmt::format(" {} {}", p.min_open ? "above" : "of at least", p.min);
  } else if (std::isfinite(p.max)) {
    out += fmt::format(" of at most {}", p.max);
  }
  for (const std::string& word : p.choices) out += " or " + word;
  return out;
}

bool is_choice(const ParamInfo& p, const std::string& word) {
  return std::find(p.choices.begin(), p.choices.end(), word) != p.choices.end();
}

bool in_range(const ParamInfo& p, double x) { return (p.min_open ? x > p.min : x >= p.min) && x <= p.max; }
bool is_whole(double x) { return x == std::floor(x) && std::abs(x) <= kMostExact; }

Value number(const MethodInfo& m, const ParamInfo& p, const Value& v) {
  if (v.kind == Kind::kText && is_choice(p, v.text)) return v;
  const bool fits =
      v.kind == Kind::kNumber && in_range(p, v.number) && (p.type == ParamType::kReal || is_whole(v.number));
  if (!fits) wrong(m, p, v, expected_number(p));
  return v;
}

Value flag(const MethodInfo& m, const ParamInfo& p, const Value& v) {
  const std::string text = to_string(v);
  for (const char* yes : {"true", "yes", "on", "1"})
    if (text == yes) return Value::of("true");
  for (const char* no : {"false", "no", "off", "0"})
    if (text == no) return Value::of("false");
  wrong(m, p, v, "true or false");
}

Value text(const MethodInfo& m, const ParamInfo& p, const Value& v) {
  if (v.kind == Kind::kText) return v;
  if (v.kind == Kind::kNumber || v.kind == Kind::kPercent || v.kind == Kind::kBytes) return Value::of(to_string(v));
  wrong(m, p, v, "text (in double quotes if it holds any of ,()|{}[])");
}

Value choice(const MethodInfo& m, const ParamInfo& p, const Value& v) {
  const std::string word = v.kind == Kind::kText ? v.text : to_string(v);
  if (is_choice(p, word)) return Value::of(word);
  wrong(m, p, v, fmt::format("{}{}", fmt::join(p.choices, " | "), hint(word, p.choices)));
}

Value budget(const MethodInfo& m, const ParamInfo& p, const Value& v) {
  if (v.kind == Kind::kText && is_choice(p, v.text)) return v;
  if (v.kind == Kind::kBytes && v.number > 0) return v;
  if (v.kind == Kind::kPercent) {
    if (v.number > 0 && v.number <= 100) return v;
    wrong(m, p, v, "a share of the prompt above 0% and of at most 100%");
  }
  if (v.kind == Kind::kNumber && v.number >= 1 && is_whole(v.number)) return v;
  if (v.kind == Kind::kNumber && v.number > 0 && v.number < 1)
    wrong(m, p, v, fmt::format("a budget with its unit: {:.6g}% of the prompt, 512 (rows) or 64MiB", v.number * 100));
  wrong(m, p, v, "a budget: 20% of the prompt, 512 (a whole number of rows) or 64MiB");
}

Value bytes(const MethodInfo& m, const ParamInfo& p, const Value& v) {
  const bool fits = (v.kind == Kind::kBytes || v.kind == Kind::kNumber) && v.number >= 0 && is_whole(v.number);
  if (!fits) wrong(m, p, v, "a size such as 64MiB");
  Value out = v;
  out.kind = Kind::kBytes;
  return out;
}

Value list(const Value& v) {
  if (v.kind == Kind::kList) return v;
  Value out;
  out.kind = Kind::kList;
  out.items.push_back(v);
  return out;
}

Value spec(const MethodInfo& m, const ParamInfo& p, const Value& v) {
  Value out = v;
  if (v.kind == Kind::kText) {
    out = Value{};
    out.kind = Kind::kSpec;
    out.spec = parse_spec(v.text);
  } else if (v.kind != Kind::kSpec) {
    wrong(m, p, v, "a spec" + (p.of.empty() ? "" : " of kind " + p.of));
  }
  if (!p.of.empty()) check_spec(p.of, out.spec);
  return out;
}

Value checked(const MethodInfo& m, const ParamInfo& p, const Value& v) {
  if (v.kind == Kind::kSweep) wrong(m, p, v, "one value; a sweep is for verbs that compare");
  switch (p.type) {
    case ParamType::kInteger:
    case ParamType::kReal: return number(m, p, v);
    case ParamType::kFlag: return flag(m, p, v);
    case ParamType::kChoice: return choice(m, p, v);
    case ParamType::kBudget: return budget(m, p, v);
    case ParamType::kBytes: return bytes(m, p, v);
    case ParamType::kList: return list(v);
    case ParamType::kSpec: return spec(m, p, v);
    case ParamType::kText: break;
  }
  return text(m, p, v);
}

std::vector<std::string> names_of(const MethodInfo& info) {
  std::vector<std::string> names;
  for (const ParamInfo& p : info.params) names.push_back(p.name);
  return names;
}

size_t find_param(const MethodInfo& info, const std::string& name) {
  const std::vector<std::string> names = names_of(info);
  const auto it = std::find(names.begin(), names.end(), name);
  if (it != names.end()) return static_cast<size_t>(it - names.begin());
  const std::string near = hint(name, names);
  if (names.empty()) fail(ErrorCode::kUsage, info.name.c_str(), "found a parameter '{}', expected none", name);
  fail(ErrorCode::kUsage, info.name.c_str(), "found no parameter '{}'{}", name,
       near.empty() ? fmt::format(", expected one of {}", fmt::join(names, ", ")) : near);
}

}  // namespace

Args bind(const Unit& unit, const MethodInfo& info) {
  std::vector<Value> values(info.params.size());
  std::vector<bool> given(info.params.size());
  size_t next = 0;
  for (const Arg& arg : unit.args) {
    const size_t i = arg.name.empty() ? next++ : find_param(info, arg.name);
    if (i >= values.size())
      fail(ErrorCode::kUsage, info.name.c_str(), "found more values than parameters, expected at most {}{}{}",
           values.size(), values.empty() ? "" : ": ", fmt::join(names_of(info), ", "));
    if (given[i]) fail(ErrorCode::kUsage, info.name.c_str(), "found {} twice, expected it once", info.params[i].name);
    values[i] = checked(info, info.params[i], arg.value);
    given[i] = true;
  }
  for (size_t i = 0; i < values.size(); ++i) {
    const ParamInfo& p = info.params[i];
    if (given[i]) continue;
    if (p.required)
      fail(ErrorCode::kUsage, info.name.c_str(), "found no {}, expected one ({}): {}", p.name, type_name(p.type),
           p.help);
    // Text stands for itself, so that a default may be empty.
    values[i] =
        checked(info, p, p.type == ParamType::kText ? Value::of(p.default_value) : parse_value(p.default_value));
  }
  return {info, std::move(values), std::move(given)};
}

Args::Args(const MethodInfo& info, std::vector<Value> values, std::vector<bool> given)
    : info_(&info), values_(std::move(values)), given_(std::move(given)) {}

size_t Args::index(std::string_view name) const {
  const auto& params = info_->params;
  const auto it = std::find_if(params.begin(), params.end(), [&](const ParamInfo& p) { return p.name == name; });
  assert(it != params.end());
  return static_cast<size_t>(it - params.begin());
}

bool Args::given(std::string_view name) const { return given_[index(name)]; }
int64_t Args::integer(std::string_view name) const { return static_cast<int64_t>(value(name).number); }
double Args::real(std::string_view name) const { return value(name).number; }
bool Args::flag(std::string_view name) const { return value(name).text == "true"; }
const std::string& Args::text(std::string_view name) const { return value(name).text; }
double Args::bytes(std::string_view name) const { return value(name).number; }
const std::vector<Value>& Args::list(std::string_view name) const { return value(name).items; }
const Spec& Args::spec(std::string_view name) const { return value(name).spec; }

Budget Args::budget(std::string_view name) const {
  const Value& v = value(name);
  if (v.kind == Kind::kPercent) return {Budget::Kind::kPercent, v.number};
  return {v.kind == Kind::kBytes ? Budget::Kind::kBytes : Budget::Kind::kRows, v.number};
}

Unit Args::canonical() const {
  Unit unit{info_->name, {}};
  for (size_t i = 0; i < values_.size(); ++i) {
    if (!given_[i]) continue;
    Value value = values_[i];
    const ParamInfo& p = info_->params[i];
    if (p.type == ParamType::kSpec && !p.of.empty()) value.spec = frugal::canonical(p.of, value.spec);
    unit.args.push_back({p.name, std::move(value)});
  }
  return unit;
}

}  // namespace frugal
