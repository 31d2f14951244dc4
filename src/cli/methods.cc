// frugal methods: the catalogue of every registered technique.
#include <iostream>

#include "base/error.h"
#include "base/registry.h"
#include "cli/verb.h"

namespace frugal {
namespace {

using Json = nlohmann::ordered_json;

Json describe(const MethodInfo& m) {
  Json params = Json::array(), conflicts = Json::array();
  for (const ParamInfo& p : m.params)
    params.push_back({{"name", p.name},
                      {"type", type_name(p.type)},
                      {"default", p.required ? Json() : Json(p.default_value)},
                      {"range", p.range()},
                      {"help", p.help}});
  for (const Conflict& c : m.conflicts) conflicts.push_back({{"with", c.with}, {"why", c.why}});
  return {{"kind", m.kind},   {"role", m.role},           {"name", m.name},
          {"title", m.title}, {"authors", m.authors},     {"year", m.year == 0 ? Json() : Json(m.year)},
          {"arxiv", m.arxiv}, {"help", m.help},           {"params", params},
          {"needs", m.needs}, {"abilities", m.abilities}, {"conflicts", conflicts}};
}

std::string signature(const MethodInfo& m) {
  std::string s = m.name;
  for (size_t i = 0; i < m.params.size(); ++i)
    s += (i == 0 ? "(" : ",") + m.params[i].name + (m.params[i].required ? "" : "=" + m.params[i].default_value);
  return m.params.empty() ? s : s + ")";
}

void print_one(const MethodInfo& m) {
  std::cout << signature(m) << "\n  " << m.help << "\n";
  if (!m.title.empty())
    std::cout << "  " << m.authors << ": " << m.title << " (" << m.year << (m.arxiv.empty() ? "" : ", arXiv " + m.arxiv)
              << ")\n";
  for (const ParamInfo& p : m.params)
    std::cout << "  " << p.name << "  " << type_name(p.type) << (p.range().empty() ? "" : " " + p.range()) << ": "
              << p.help << "\n";
  for (const Conflict& c : m.conflicts) std::cout << "  not with " << c.with << ": " << c.why << "\n";
}

std::function<int()> set_up(CLI::App& app) {
  auto format = std::make_shared<TableFormat>();
  auto name = std::make_shared<std::string>(), kind = std::make_shared<std::string>();
  app.add_option("NAME", *name, "one technique, with its parameters");
  app.add_option("--kind", *kind, "only this kind: kv, sample, draft, adapt, ...");
  format->add(app);
  return [=] {
    Json rows = Json::array();
    int found = 0;
    for (const MethodInfo* m : catalogue(*kind)) {
      if (!name->empty() && m->name != *name) continue;
      ++found;
      if (format->is_json())
        rows.push_back(describe(*m));
      else if (!name->empty())
        print_one(*m);
      else
        rows.push_back({{"kind", m->kind}, {"role", m->role}, {"method", signature(*m)}, {"help", m->help}});
    }
    if (found == 0)
      fail(ErrorCode::kUsage, "methods", "nothing registered is named '{}'{}", *name,
           kind->empty() ? "" : " in kind '" + *kind + "'");
    if (format->is_json() || name->empty()) format->print(rows);
    return 0;
  };
}

const RegisterVerb kMethods({"methods", "the catalogue: every registered technique with its paper and parameters",
                             "  frugal methods\n  frugal methods --kind kv\n  frugal methods top_p --json", set_up});

}  // namespace
}  // namespace frugal
