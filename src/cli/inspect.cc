// inspect: what is in a GGUF or safetensors file, a Hugging Face directory, an adapter, a saved cache or a datastore.
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>

#include "base/error.h"
#include "base/mapped_file.h"
#include "cli/verb.h"
#include "decode/rest/store.h"
#include "io/describe.h"
#include "kv/cache_file.h"

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
    if (!t.contains("shape")) {
      rows.push_back(t);
      continue;
    }
    std::string shape;
    for (const Json& d : t["shape"]) shape += (shape.empty() ? "" : " x ") + d.dump();
    t["shape"] = shape;
    rows.push_back(t);
  }
  return rows;
}

// Ascending numbers as ranges: "0-3,17,40-63".
std::string ranges(const std::vector<int32_t>& sorted) {
  std::string out;
  for (size_t i = 0, j = 0; i < sorted.size(); i = j) {
    for (j = i + 1; j < sorted.size() && sorted[j] == sorted[j - 1] + 1;) ++j;
    out += fmt::format("{}{}", out.empty() ? "" : ",", sorted[i]);
    if (j > i + 1) out += fmt::format("-{}", sorted[j - 1]);
  }
  return out;
}

// Which tokens' rows each head keeps; needs no model.
Json describe_cache(const MappedFile& file, bool full) {
  ByteReader in(file.bytes(), "kv", file.path());
  const CacheIndex index = read_cache_index(in, file.path());
  const auto shown = static_cast<std::ptrdiff_t>(full ? index.ids.size() : std::min<size_t>(index.ids.size(), 8));
  Json d = {{"format", "frugal cache"},
            {"bytes", file.bytes().size()},
            {"metadata",
             {{"spec", index.spec},
              {"layout", index.layout},
              {"tokens", index.length},
              {"ids", std::vector<int32_t>(index.ids.begin(), index.ids.begin() + shown)}}},
            {"tensors", Json::array()}};
  for (size_t i = 0, head = 0; i < index.heads.size(); ++i) {
    head = i > 0 && index.heads[i].layer == index.heads[i - 1].layer ? head + 1 : 0;
    std::vector<int32_t> kept;
    std::copy_if(index.heads[i].tokens.begin(), index.heads[i].tokens.end(), std::back_inserter(kept),
                 [](int32_t t) { return t >= 0; });
    std::sort(kept.begin(), kept.end());
    d["tensors"].push_back({{"name", fmt::format("layer.{}.head.{}", index.heads[i].layer, head)},
                            {"rows", kept.size()},
                            {"tokens", ranges(kept)}});
  }
  return d;
}

Json describe_store(const MappedFile& file) {
  const RestStore store(file.bytes(), file.path());
  return {{"format", "frugal store"},
          {"bytes", file.bytes().size()},
          {"metadata",
           {{"tokens", store.tokens()},
            {"vocab", store.vocab()},
            {"tokenizer", fmt::format("{:016x}", store.fingerprint())}}},
          {"tensors", Json::array()}};
}

Json description(const InspectFlags& f) {
  if (std::error_code e; std::filesystem::is_regular_file(f.file, e)) {
    const MappedFile file(f.file);
    if (is_saved_cache(file.bytes())) return describe_cache(file, f.full);
    if (RestStore::is_store(file.bytes())) return describe_store(file);
  }
  return describe(Checkpoint::open(model_path(f.file)), {.longest = f.full ? SIZE_MAX / 100 : 8});
}

int run(const InspectFlags& f) {
  Json d = description(f);
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
  if (!chosen.empty()) f.format.print(rows_of(chosen));
  return 0;
}

std::function<int()> set_up(CLI::App& app) {
  auto f = std::make_shared<InspectFlags>();
  app.add_option(
         "FILE", f->file,
         "a GGUF or safetensors file, a Hugging Face or adapter directory, a short name, a saved cache or a datastore")
      ->required();
  app.add_option("--match", f->match, "only tensors (of a cache: heads) whose name contains this");
  app.add_flag("--full", f->full, "lists and texts of the metadata in full");
  f->format.add(app);
  return [f] { return run(*f); };
}

const RegisterVerb kInspect({"inspect",
                             "what is in a file: model, metadata, tensors; a saved cache: which rows each head kept",
                             "  frugal inspect smollm2-135m\n  frugal inspect model.safetensors --format csv\n"
                             "  frugal inspect model.gguf --match blk.0. --json\n"
                             "  frugal inspect long.cache --match layer.3.",
                             set_up});

}  // namespace
}  // namespace frugal
