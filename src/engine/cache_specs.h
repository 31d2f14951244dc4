// For tests: specs of every cache unit there is, in combinations, made from the registry.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/registry.h"

namespace frugal::testkit {

// A unit with its sizes small enough for a short text, or large enough to hold all of it.
inline std::string sized(const MethodInfo& m, const char* rows) {
  std::string args;
  for (const ParamInfo& p : m.params) {
    if (p.name == "budget" || p.name == "window") args += (args.empty() ? "" : ",") + p.name + "=" + rows;
    if (p.name == "residual") args += (args.empty() ? "" : ",") + p.name + "=32";
  }
  return args.empty() ? m.name : m.name + "(" + args + ")";
}
inline std::vector<std::string> units(const std::string& role, const char* rows = "64") {
  std::vector<std::string> list;
  for (const MethodInfo* m : catalogue("kv"))
    if (m->role == role) list.push_back(sized(*m, rows));
  return list;
}

// Every pair of units of different roles at least once.
inline std::set<std::string> pairwise() {
  std::set<std::string> specs;
  const auto policies = units("policy"), codecs = units("codec"), layouts = units("layout");
  for (size_t i = 0; i < policies.size(); ++i)
    for (size_t j = 0; j < codecs.size(); ++j)
      specs.insert(policies[i] + " | k:" + codecs[j] + " | v:" + codecs[(i + j) % codecs.size()] + " | ragged");
  for (const std::string& layout : layouts)
    for (const auto& list : {policies, codecs})
      for (const std::string& unit : list) specs.insert(unit + " | " + layout);
  return specs;
}

// All of them.
inline std::set<std::string> full_product() {
  std::set<std::string> specs;
  const auto codecs = units("codec");
  for (const std::string& policy : units("policy"))
    for (const std::string& layout : units("layout"))
      for (const std::string& k : codecs)
        for (const std::string& v : codecs) specs.insert(policy + " | k:" + k + " | v:" + v + " | " + layout);
  return specs;
}

// Why two units may be refused; anything else is a bug.
inline bool known_reason(const std::string& why) {
  return why.find("a merge never lands in a quantised row") != std::string::npos ||
         why.find("its pages hold the rows of all heads") != std::string::npos;
}

}  // namespace frugal::testkit
