// One file a verb: each registers itself with its help, its options and what it does.
//
// Results go to stdout, progress and logs to stderr. Exit status: 0 done, 1 the work failed, 2 wrong usage.
#pragma once

#include <CLI/CLI.hpp>

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "model/runner.h"

namespace frugal {

struct Verb {
  const char* name;
  const char* help;      // one line
  const char* examples;  // two or three real ones, shown by --help
  // Adds options to app and returns the work, which main runs when this verb was chosen.
  std::function<std::function<int()>(CLI::App& app)> set_up;
};

const std::vector<Verb>& verbs();
struct RegisterVerb {
  explicit RegisterVerb(Verb verb);
};

// Options that many verbs share.
struct EngineFlags {
  std::string model;
  int threads = 0;
  std::string compute = "auto";
  std::string device = "cpu";
  std::string kv = "full";
};
RunnerOptions runner_options(const EngineFlags& flags);
void add_engine_flags(CLI::App& app, EngineFlags& flags, bool with_kv = true);

// The file that MODEL names: a path as it is, or a short name that `frugal models` lists. Throws Error.
std::string model_path(const std::string& name);
struct KnownModel {
  const char* name;
  const char* file;
  const char* about;
};
const std::vector<KnownModel>& known_models();

std::string read_file(const std::string& path);  // "-" reads stdin; throws Error

// --format table|json|csv|md with --json as its short form.
struct TableFormat {
  std::string format = "table";
  bool json = false;
  void add(CLI::App& app);
  bool is_json() const { return json || format == "json"; }
  // Prints rows (objects with the same keys) in the chosen form.
  void print(const nlohmann::ordered_json& rows) const;
};

}  // namespace frugal
