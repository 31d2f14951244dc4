#include "base/registry.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <tuple>

#include "base/edit_distance.h"
#include "base/error.h"

namespace frugal {
namespace {

struct Entry {
  MethodInfo info;
  std::any make;
};

std::deque<Entry>& entries() {  // a deque: addresses of what it holds stay
  static std::deque<Entry> list;
  return list;
}

const Entry* find_entry(std::string_view kind, std::string_view name) {
  for (const Entry& e : entries())
    if (e.info.kind == kind && e.info.name == name) return &e;
  return nullptr;
}

bool is(const MethodInfo& method, const std::string& what) {
  const auto& can = method.abilities;
  return method.name == what || method.role == what || std::find(can.begin(), can.end(), what) != can.end();
}

void refuse_conflict(const MethodInfo& a, const MethodInfo& b) {
  for (const Conflict& c : a.conflicts)
    if (&a != &b && is(b, c.with))
      fail(ErrorCode::kUsage, a.kind.c_str(), "{} cannot combine with {}: {}", a.name, b.name, c.why);
}

}  // namespace

void register_method(MethodInfo info, std::any make) {
  assert(find_entry(info.kind, info.name) == nullptr && "a method of this kind and name is there already");
  entries().push_back({std::move(info), std::move(make)});
}

const MethodInfo* find_method(std::string_view kind, std::string_view name) {
  const Entry* e = find_entry(kind, name);
  return e == nullptr ? nullptr : &e->info;
}

const MethodInfo& need_method(std::string_view kind, std::string_view name) {
  if (const MethodInfo* found = find_method(kind, name)) return *found;
  const std::vector<std::string> names = method_names(kind);
  const std::string near = hint(name, names);
  fail(ErrorCode::kUsage, std::string(kind).c_str(), "found no method '{}'{}", name,
       near.empty() ? fmt::format(", expected one of {}", fmt::join(names, ", ")) : near);
}

std::vector<const MethodInfo*> catalogue(std::string_view kind) {
  std::vector<const MethodInfo*> out;
  for (const Entry& e : entries())
    if (kind.empty() || e.info.kind == kind) out.push_back(&e.info);
  std::sort(out.begin(), out.end(), [](const MethodInfo* a, const MethodInfo* b) {
    return std::tie(a->kind, a->role, a->name) < std::tie(b->kind, b->role, b->name);
  });
  return out;
}

std::vector<std::string> method_names(std::string_view kind) {
  std::vector<std::string> names;
  for (const MethodInfo* m : catalogue(kind)) names.push_back(m->name);
  return names;
}

const std::any& maker_of(const MethodInfo& info) {
  const Entry* e = find_entry(info.kind, info.name);
  assert(e != nullptr);
  return e->make;
}

void check_spec(std::string_view kind, const Spec& spec) {
  std::vector<const MethodInfo*> methods;
  for (const Part& part : spec) {
    methods.push_back(&need_method(kind, part.unit.name));
    bind(part.unit, *methods.back());
  }
  for (const MethodInfo* a : methods)
    for (const MethodInfo* b : methods) refuse_conflict(*a, *b);
}

Spec canonical(std::string_view kind, const Spec& spec) {
  Spec out = spec;
  for (Part& part : out) part.unit = bind(part.unit, need_method(kind, part.unit.name)).canonical();
  return out;
}

const char* type_name(ParamType type) {
  switch (type) {
    case ParamType::kInteger: return "integer";
    case ParamType::kReal: return "real";
    case ParamType::kFlag: return "flag";
    case ParamType::kChoice: return "choice";
    case ParamType::kBudget: return "budget";
    case ParamType::kBytes: return "bytes";
    case ParamType::kList: return "list";
    case ParamType::kSpec: return "spec";
    case ParamType::kText: break;
  }
  return "text";
}

ParamInfo ParamInfo::make(ParamType type, std::string name, std::string help) {
  ParamInfo p;
  p.type = type;
  p.name = std::move(name);
  p.help = std::move(help);
  return p;
}
ParamInfo ParamInfo::integer(std::string name, std::string help) {
  return make(ParamType::kInteger, std::move(name), std::move(help));
}
ParamInfo ParamInfo::real(std::string name, std::string help) {
  return make(ParamType::kReal, std::move(name), std::move(help));
}
ParamInfo ParamInfo::flag(std::string name, std::string help) {
  return make(ParamType::kFlag, std::move(name), std::move(help));
}
ParamInfo ParamInfo::text(std::string name, std::string help) {
  return make(ParamType::kText, std::move(name), std::move(help));
}
ParamInfo ParamInfo::budget(std::string name, std::string help) {
  return make(ParamType::kBudget, std::move(name), std::move(help));
}
ParamInfo ParamInfo::bytes(std::string name, std::string help) {
  return make(ParamType::kBytes, std::move(name), std::move(help));
}
ParamInfo ParamInfo::list(std::string name, std::string help) {
  return make(ParamType::kList, std::move(name), std::move(help));
}
ParamInfo ParamInfo::choice(std::string name, std::vector<std::string> choices, std::string help) {
  return make(ParamType::kChoice, std::move(name), std::move(help)).words(std::move(choices));
}
ParamInfo ParamInfo::spec(std::string name, std::string kind, std::string help) {
  ParamInfo p = make(ParamType::kSpec, std::move(name), std::move(help));
  p.of = std::move(kind);
  return p;
}

ParamInfo ParamInfo::preset(std::string value) && {
  required = false;
  default_value = std::move(value);
  return std::move(*this);
}
ParamInfo ParamInfo::within(double low, double high) && {
  min = low;
  max = high;
  return std::move(*this);
}
ParamInfo ParamInfo::at_least(double low) && {
  min = low;
  return std::move(*this);
}
ParamInfo ParamInfo::above(double low) && {
  min = low;
  min_open = true;
  return std::move(*this);
}
ParamInfo ParamInfo::above(double low, double high) && {
  max = high;
  return std::move(*this).above(low);
}
ParamInfo ParamInfo::words(std::vector<std::string> allowed) && {
  choices = std::move(allowed);
  return std::move(*this);
}

std::string ParamInfo::range() const {
  std::string out;
  if (type == ParamType::kBudget) out = "(0%, 100%] | rows | bytes";
  if (std::isfinite(min) || std::isfinite(max))
    out = fmt::format("{}{}, {}{}", min_open || std::isinf(min) ? "(" : "[", min, max, std::isinf(max) ? ")" : "]");
  for (const std::string& c : choices) out += (out.empty() ? "" : " | ") + c;
  return out;
}

}  // namespace frugal
