#include "cli/verb.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include "base/error.h"
#include "base/locations.h"

namespace frugal {
namespace {

std::vector<Verb>& registry() {
  static std::vector<Verb> list;
  return list;
}

std::string cell(const nlohmann::ordered_json& v) {
  if (v.is_string()) return v.get<std::string>();
  if (v.is_number_float()) return fmt::format("{:.4g}", v.get<double>());
  return v.is_null() ? "" : v.dump();
}

std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string out = "\"";
  for (char c : text) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

// All cells as text, the header first.
std::vector<std::vector<std::string>> grid(const nlohmann::ordered_json& rows) {
  std::vector<std::vector<std::string>> cells(1);
  for (const auto& [key, value] : rows.at(0).items()) cells[0].push_back(key);
  for (const auto& row : rows) {
    cells.emplace_back();
    for (const std::string& key : cells[0]) cells.back().push_back(row.contains(key) ? cell(row[key]) : "");
  }
  return cells;
}

void print_aligned(const std::vector<std::vector<std::string>>& cells, bool markdown) {
  std::vector<size_t> width(cells[0].size(), markdown ? 3 : 0);
  for (const auto& row : cells)
    for (size_t c = 0; c < row.size(); ++c) width[c] = std::max(width[c], row[c].size());
  for (size_t r = 0; r < cells.size(); ++r) {
    std::string line = markdown ? "|" : "";
    for (size_t c = 0; c < width.size(); ++c)
      line += fmt::format(fmt::runtime(markdown ? " {:<{}} |" : "{:<{}}  "), cells[r][c], width[c]);
    while (!line.empty() && line.back() == ' ') line.pop_back();
    std::cout << line << "\n";
    if (markdown && r == 0) {
      std::cout << "|";
      for (size_t w : width) std::cout << " " << std::string(w, '-') << " |";
      std::cout << "\n";
    }
  }
}

}  // namespace

const std::vector<Verb>& verbs() { return registry(); }
RegisterVerb::RegisterVerb(Verb verb) { registry().push_back(std::move(verb)); }

void add_engine_flags(CLI::App& app, EngineFlags& f, bool with_kv) {
  app.add_option("MODEL,-m,--model", f.model, "a GGUF file, a Hugging Face directory, or a short name (frugal models)")
      ->required();
  app.add_option("-t,--threads", f.threads, "threads; 0 takes every core this process may use")
      ->check(CLI::Range(0, 1024));
  app.add_option("--compute", f.compute, "form of activations; f32 dequantises weights and is the reference")
      ->check(CLI::IsMember({"auto", "f32", "bf16", "int8"}));
  app.add_option("--device", f.device, "where to run; this build has cpu")->check(CLI::IsMember({"cpu"}));
  if (with_kv) app.add_option("--kv", f.kv, "cache spec, e.g. \"f32\", \"q8\", \"k:q8 | v:f16\"");
}

RunnerOptions runner_options(const EngineFlags& f) {
  RunnerOptions o;
  o.threads = f.threads;
  o.compute = parse_compute(f.compute);
  o.kv = f.kv;
  return o;
}

const std::vector<KnownModel>& known_models() {
  static const std::vector<KnownModel> list = {{"smollm2-135m", "SmolLM2-135M-Instruct.Q4_1.gguf",
                                                "SmolLM2 135M Instruct, Q4_1, Apache-2.0; make setup fetches it"}};
  return list;
}

std::string model_path(const std::string& name) {
  if (std::filesystem::exists(name)) return name;
  std::string known;
  for (const KnownModel& m : known_models()) {
    known += (known.empty() ? "" : ", ") + std::string(m.name);
    if (name != m.name) continue;
    if (std::string found = in_model_folders(m.file); !found.empty()) return found;
    fail(ErrorCode::kNotFound, "models", "{} ({}) is in none of the model folders; `make setup` fetches it", name,
         m.file);
  }
  fail(ErrorCode::kNotFound, "models", "there is no file or directory '{}', and no short name like it (known: {})",
       name, known);
}

std::string read_file(const std::string& path) {
  if (path == "-") return {std::istreambuf_iterator<char>(std::cin), {}};
  std::ifstream in(path, std::ios::binary);
  if (!in || std::filesystem::is_directory(path)) fail(ErrorCode::kNotFound, "file", "cannot read '{}'", path);
  return {std::istreambuf_iterator<char>(in), {}};
}

void TableFormat::add(CLI::App& app) {
  app.add_option("--format", format, "form of the output")->check(CLI::IsMember({"table", "json", "csv", "md"}));
  app.add_flag("--json", json, "the same as --format json");
}

void TableFormat::print(const nlohmann::ordered_json& rows) const {
  if (is_json()) {
    std::cout << rows.dump(1) << "\n";
    return;
  }
  if (rows.empty()) return;
  const auto cells = grid(rows);
  if (format != "csv") return print_aligned(cells, format == "md");
  for (const auto& row : cells)
    for (size_t c = 0; c < row.size(); ++c) std::cout << quoted(row[c]) << (c + 1 < row.size() ? "," : "\n");
}

}  // namespace frugal
