// The registry: what every technique declares once, and what comes of it: the catalogue of `frugal methods`,
// help, checked arguments, hints, refusals with reasons, and the object that does the work.
//
// A technique registers itself from its own source file, and no list anywhere is edited:
//
//   // src/kv/policy/streaming.cc
//   const Register<MakePolicy> kStreaming(
//       {.kind = "kv",
//        .role = "policy",
//        .name = "streaming",
//        .title = "Efficient Streaming Language Models with Attention Sinks",
//        .authors = "Xiao et al.",
//        .year = 2023,
//        .arxiv = "2309.17453",
//        .help = "keeps the first rows and a window of the newest",
//        .params = {ParamInfo::integer("sink", "first rows kept").preset("4").at_least(0),
//                   ParamInfo::budget("window", "newest rows kept")},  // no preset: it must be given
//        .conflicts = {{"merging", "a merged row has no position to move to"}}},
//       [](const Args& a) { return std::make_unique<Streaming>(a.integer("sink"), a.budget("window")); });
//
// with `using MakePolicy = std::unique_ptr<Policy>(const Args&);` beside the interface. A codec is the same
// with .role = "codec". Whoever needs one says make_method<MakePolicy>("kv", unit), where unit comes from
// parse_spec. Folders are object libraries, so that the linker keeps these objects though nothing names them.
#pragma once

#include <any>
#include <cassert>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "base/spec.h"

namespace frugal {

enum class ParamType {
  kInteger,
  kReal,
  kFlag,  // true, false
  kText,
  kChoice,  // one of choices
  kBudget,  // 20% | 512 (rows) | 64MiB
  kBytes,   // 64MiB
  kList,    // [a,b,c]; a single value is a list of one
  kSpec,    // a spec of the kind `of`
};
const char* type_name(ParamType type);  // "integer", "budget", ...

// How much to keep: a share of the prompt in (0, 100] per cent, a whole number of rows, or bytes.
struct Budget {
  enum class Kind { kPercent, kRows, kBytes };
  Kind kind = Kind::kPercent;
  double amount = 100;
  bool operator==(const Budget& other) const = default;
};

struct ParamInfo {
  std::string name, help;
  ParamType type = ParamType::kText;
  bool required = true;
  std::string default_value;  // as it is written in a spec; nothing when required
  double min = -std::numeric_limits<double>::infinity(), max = std::numeric_limits<double>::infinity();
  bool min_open = false;             // min itself is out
  std::vector<std::string> choices;  // kChoice: all there are; numbers: words that stand for one, such as auto
  std::string of;                    // kSpec: the kind of its units

  static ParamInfo make(ParamType type, std::string name, std::string help);
  static ParamInfo integer(std::string name, std::string help);
  static ParamInfo real(std::string name, std::string help);
  static ParamInfo flag(std::string name, std::string help);
  static ParamInfo text(std::string name, std::string help);
  static ParamInfo choice(std::string name, std::vector<std::string> choices, std::string help);
  static ParamInfo budget(std::string name, std::string help);
  static ParamInfo bytes(std::string name, std::string help);
  static ParamInfo list(std::string name, std::string help);
  static ParamInfo spec(std::string name, std::string kind, std::string help);

  ParamInfo preset(std::string value) &&;        // the default; makes it optional
  ParamInfo within(double low, double high) &&;  // both included
  ParamInfo at_least(double low) &&;
  ParamInfo above(double low) &&;
  ParamInfo above(double low, double high) &&;  // (low, high]
  ParamInfo words(std::vector<std::string> allowed) &&;

  std::string range() const;  // "[0, 1]", "(0, inf)", "a | b", "" when anything goes
};

struct Conflict {
  std::string with;  // a method's name, a role, or an ability
  std::string why;
};

struct MethodInfo {
  std::string kind;  // what --kv, --draft, ... take: "kv", "draft", "sample", "adapt", ...
  std::string role;  // within the kind: "policy", "codec", "layout"; may be empty
  std::string name;  // the paper's
  std::string title, authors;
  int year = 0;
  std::string arxiv;  // "2309.17453"
  std::string help;   // one line
  std::vector<ParamInfo> params;
  std::vector<std::string> needs, abilities;
  std::vector<Conflict> conflicts;
};

// The arguments of one unit, checked and complete: every parameter has a value of its type.
class Args {
 public:
  Args(const MethodInfo& info, std::vector<Value> values, std::vector<bool> given);
  const MethodInfo& method() const { return *info_; }
  bool given(std::string_view name) const;  // written in the spec, not a default

  // Name must be a parameter of that type.
  int64_t integer(std::string_view name) const;
  double real(std::string_view name) const;
  bool flag(std::string_view name) const;
  const std::string& text(std::string_view name) const;  // kText, kChoice; or the word given for a number, else ""
  Budget budget(std::string_view name) const;
  double bytes(std::string_view name) const;
  const std::vector<Value>& list(std::string_view name) const;
  const Spec& spec(std::string_view name) const;

  Unit canonical() const;  // name(p=..., q=...): what was given, by name, in declared order

 private:
  size_t index(std::string_view name) const;
  const Value& value(std::string_view name) const { return values_[index(name)]; }

  const MethodInfo* info_;
  std::vector<Value> values_;  // by parameter
  std::vector<bool> given_;
};

// Positional values bind in declared order. Throws Error(kUsage): an unknown name with the nearest one, a
// wrong value with the allowed range, a value that is missing or given twice.
Args bind(const Unit& unit, const MethodInfo& info);

void register_method(MethodInfo info, std::any make);
const MethodInfo* find_method(std::string_view kind, std::string_view name);  // nullptr when there is none
const MethodInfo& need_method(std::string_view kind,
                              std::string_view name);                  // throws Error(kUsage) with a hint
std::vector<const MethodInfo*> catalogue(std::string_view kind = "");  // by kind, role and name; "": all
std::vector<std::string> method_names(std::string_view kind);
const std::any& maker_of(const MethodInfo& info);

// Binds every unit of spec, and throws Error(kUsage) with the declared reason where two of them cannot
// combine.
void check_spec(std::string_view kind, const Spec& spec);
// spec with its arguments by name, in declared order: two ways to write one configuration become one.
Spec canonical(std::string_view kind, const Spec& spec);

template <typename Make>  // a function type: what it makes, from (const Args&, ...)
struct Register {
  Register(MethodInfo info, std::function<Make> make) { register_method(std::move(info), std::move(make)); }
};

template <typename Make, typename... Extra>
auto make_method(std::string_view kind, const Unit& unit, Extra&&... extra) {
  const MethodInfo& info = need_method(kind, unit.name);
  const auto* make = std::any_cast<std::function<Make>>(&maker_of(info));
  assert(make != nullptr && "registered with another function type");
  return (*make)(bind(unit, info), std::forward<Extra>(extra)...);
}

}  // namespace frugal
