// A pipeline as a TOML file, for those who keep it with comments beside the data:
//
//   input  = "jsonl(crawl/*.jsonl.gz)"
//   stages = [
//     "gopher_quality",                              # as in a spec
//     { minhash = { bands = 14, rows = 8 } },        # or a table of parameters
//   ]
//   output = "parquet(clean)"
//   workers = 4
//   rejects = "rejects"
//
// Input and output may be tables as well. `workers`, `rejects` and `report` are the command line's options; `seed` goes
// to every stage that has a seed and does not say its own. Paths are relative to where the program runs, as in a spec.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace frugal::data {

struct Recipe {
  std::string spec;
  std::optional<int> workers;
  std::optional<std::string> rejects, report;
};

bool is_recipe(const std::string& argument);  // a file's name, not a spec
// Throw Error: kNotFound, kBadInput for what is no TOML, kUsage for wrong keys and values; with the line.
Recipe read_recipe(const std::string& path);
Recipe parse_recipe(std::string_view text, const std::string& name);

}  // namespace frugal::data
