// inspect: what is in a GGUF or safetensors file, a Hugging Face directory or an adapter.
#include <iostream>
#include <memory>

#include "base/error.h"
#include "cli/verb.h"
#include "io/describe.h"

namespace frugal {
namespace {

using Json = nlohmann::ordered_json;

struct InspectFlags {
  std::string file, match;
  bool full = false;
  TableFormat format;
};

std::string in_words(const Json& v) {
  if (v.is_string()) return v.get<std::string>();
  if (v.is_object() && v.contains("items"))
    return fmt::format("{} items: {} ...", v["items"].dump(), v["first"].dump());
  return v.dump();
}

// One line a fact; nested objects one line for each of their members.
void print_facts(const Json& facts, const std::string& prefix) {
  for (const auto& [key, value] : facts.items()) {
    if (value.is_object() && !value.contains("items"))
      print_facts(value, prefix + key + ".");
    else
      std::cout << fmt::format("{}  {}\n", prefix + key, in_words(value));
  }
}

Json rows_of(const Json& tensors) {
  Json rows = Json::array();
  for (Json t : tensors) {
    std::string shape;
    for (const Json& d : t["shape"]) shape += (shape.empty() ? "" : " x ") + d.dump();
    t["shape"] = shape;
    rows.push_back(t);
  }
  return rows;
}

int run(const InspectFlags& f) {
  Json d = describe(Checkpoint::open(model_path(f.file)), {.longest = f.full ? SIZE_MAX / 100 : 8});
  Json chosen = Json::array();
  for (const Json& t : d["tensors"])
    if (t["name"].get_ref<const std::string&>().find(f.match) != std::string::npos) chosen.push_back(t);
  d["tensors"] = chosen;
  if (f.format.is_json()) {
    std::cout << d.dump(1) << "\n";
    return 0;
  }
  d.erase("tensors");
  if (f.format.format == "table") {
    print_facts(d, "");
    std::cout << "\n";
  }
  f.format.print(rows_of(chosen));
  return 0;
}

std::function<int()> set_up(CLI::App& app) {
  auto f = std::make_shared<InspectFlags>();
  app.add_option("FILE", f->file, "a GGUF or safetensors file, a Hugging Face or adapter directory, or a short name")
      ->required();
  app.add_option("--match", f->match, "only tensors whose name contains this");
  app.add_flag("--full", f->full, "lists and texts of the metadata in full");
  f->format.add(app);
  return [f] { return run(*f); };
}

const RegisterVerb kInspect({"inspect", "what is in a file: model, metadata, tensors",
                             "  frugal inspect smollm2-135m\n  frugal inspect model.safetensors --format csv\n"
                             "  frugal inspect model.gguf --match blk.0. --json",
                             set_up});

}  // namespace
}  // namespace frugal
