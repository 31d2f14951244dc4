#include "data/recipe.h"

#include <toml++/toml.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/edit_distance.h"
#include "base/error.h"
#include "base/registry.h"

namespace frugal::data {
namespace {

// Reads one document; `name` is the file's.
class Reader {
 public:
  Reader(const toml::table& top, std::string name) : top_(top), name_(std::move(name)) {}

  Recipe operator()() {
    check_keys();
    seed_ = number("seed");
    Spec spec = {{{}, stage(need("input"), "input")}};
    if (const toml::node* stages = top_.get("stages")) {
      if (!stages->is_array()) wrong(*stages, "stages", "a list");
      for (const toml::node& one : *stages->as_array()) spec.push_back({{}, stage(one, "a stage")});
    }
    spec.push_back({{}, stage(need("output"), "output")});
    Recipe recipe;
    recipe.spec = to_string(spec);
    if (const auto workers = number("workers")) recipe.workers = static_cast<int>(*workers);
    recipe.rejects = text("rejects");
    recipe.report = text("report");
    return recipe;
  }

 private:
  [[noreturn]] void wrong(const toml::node& at, std::string_view what, std::string_view expected) const {
    fail(ErrorCode::kUsage, "recipe", "{}:{}: found another kind of value for {}, expected {}", name_,
         at.source().begin.line, what, expected);
  }

  void check_keys() const {
    const std::vector<std::string> known = {"input", "stages", "output", "workers", "rejects", "report", "seed"};
    for (const auto& [key, node] : top_)
      if (std::find(known.begin(), known.end(), key.str()) == known.end())
        fail(ErrorCode::kUsage, "recipe", "{}:{}: found the key '{}', expected {}{}", name_, node.source().begin.line,
             key.str(), fmt::join(known, ", "), hint(key.str(), known));
  }

  const toml::node& need(const char* key) const {
    const toml::node* node = top_.get(key);
    if (node == nullptr) fail(ErrorCode::kUsage, "recipe", "{}: found no '{}', expected one", name_, key);
    return *node;
  }
  std::optional<int64_t> number(const char* key) const {
    const toml::node* node = top_.get(key);
    if (node == nullptr) return {};
    const auto value = node->value_exact<int64_t>();
    if (!value || *value < 0 || *value > (int64_t{1} << 53)) wrong(*node, key, "a whole number");
    return value;
  }
  std::optional<std::string> text(const char* key) const {
    const toml::node* node = top_.get(key);
    if (node == nullptr) return {};
    if (!node->is_string()) wrong(*node, key, "text");
    return node->value_exact<std::string>();
  }

  // "minhash(bands=14)" or { minhash = { bands = 14 } }.
  Unit stage(const toml::node& node, const char* what) const {
    Unit unit;
    if (const auto spec = node.value_exact<std::string>()) {
      unit = parse_unit(*spec);
    } else {
      const toml::table* table = node.as_table();
      if (table == nullptr || table->size() != 1) wrong(node, what, "a spec in quotes or { name = { parameters } }");
      unit = stage_of(table->begin()->first.str(), table->begin()->second);
    }
    add_seed(unit);
    return unit;
  }

  Unit stage_of(std::string_view name, const toml::node& params) const {
    Unit unit{std::string(name), {}};
    if (!params.is_table()) wrong(params, name, "a table of its parameters, {} for none");
    const MethodInfo& info = need_method("data", unit.name);
    for (const auto& [key, node] : *params.as_table())
      unit.args.push_back({std::string(key.str()), value(node, type_of(info, key.str()))});
    return unit;
  }

  static ParamType type_of(const MethodInfo& info, std::string_view name) {
    for (const ParamInfo& p : info.params)
      if (p.name == name) return p.type;
    return ParamType::kText;  // binding will say that there is none
  }

  // Text stands for itself where text is wanted; elsewhere it is a value as specs write it, such as 64MiB.
  Value value(const toml::node& node, ParamType type) const {
    if (const auto number = node.value_exact<double>()) return Value::of(*number);
    if (const auto whole = node.value_exact<int64_t>()) return Value::of(static_cast<double>(*whole));
    if (const auto flag = node.value_exact<bool>()) return Value::of(std::string(*flag ? "true" : "false"));
    if (const auto text = node.value_exact<std::string>()) {
      const bool as_it_is = type == ParamType::kText || type == ParamType::kList || type == ParamType::kChoice;
      return as_it_is ? Value::of(*text) : parse_value(*text);
    }
    Value out;
    if (const toml::array* list = node.as_array()) {
      out.kind = Value::Kind::kList;
      for (const toml::node& item : *list) out.items.push_back(value(item, ParamType::kText));
    } else if (const toml::table* table = node.as_table(); table != nullptr && table->size() == 1) {
      out.kind = Value::Kind::kSpec;
      out.spec = {{{}, stage(node, "a value")}};
    } else {
      wrong(node, "a parameter", "a number, text, true or false, or a list");
    }
    return out;
  }

  void add_seed(Unit& unit) const {
    const MethodInfo* info = find_method("data", unit.name);
    if (!seed_ || info == nullptr ||
        std::none_of(info->params.begin(), info->params.end(), [](const ParamInfo& p) { return p.name == "seed"; }))
      return;
    if (!bind(unit, *info).given("seed")) unit.args.push_back({"seed", Value::of(static_cast<double>(*seed_))});
  }

  const toml::table& top_;
  std::string name_;
  std::optional<int64_t> seed_;
};

}  // namespace

bool is_recipe(const std::string& argument) {
  return argument.ends_with(".toml") && argument.find('|') == std::string::npos;
}

Recipe parse_recipe(std::string_view text, const std::string& name) {
  toml::table top;
  try {
    top = toml::parse(text);
  } catch (const toml::parse_error& e) {
    fail(ErrorCode::kBadInput, "recipe", "{}:{}: {}", name, e.source().begin.line, e.description());
  }
  return Reader(top, name)();
}

Recipe read_recipe(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in || std::filesystem::is_directory(path)) fail(ErrorCode::kNotFound, "recipe", "found no file '{}'", path);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  return parse_recipe(text, path);
}

}  // namespace frugal::data
