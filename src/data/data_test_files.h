// For tests: the golden files of the pipeline, rules run on single texts, and pipelines in folders of their own.
#pragma once

#include <fmt/format.h>
#include <unistd.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "data/op.h"
#include "data/pipeline.h"
#include "data/scratch.h"

namespace frugal::data {

inline std::string gz_text(const std::string& path) {
  std::string out;
  gzFile in = gzopen(path.c_str(), "rb");
  char buffer[1 << 16];
  for (int n; in != nullptr && (n = gzread(in, buffer, sizeof buffer)) > 0;) out.append(buffer, static_cast<size_t>(n));
  if (in != nullptr) gzclose(in);
  return out;
}

inline std::vector<nlohmann::json> json_rows(const std::string& text) {
  std::vector<nlohmann::json> rows;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) rows.push_back(nlohmann::json::parse(line));
  return rows;
}

inline std::string golden_path(const std::string& name) { return FRUGAL_SOURCE_DIR "/tests/golden/data/" + name; }
inline std::vector<nlohmann::json> gz_rows(const std::string& name) { return json_rows(gz_text(golden_path(name))); }

struct RuleResult {
  std::vector<double> numbers;
  std::vector<std::string> labels;
  std::string reason, text, meta;
};

// One row operator, from its spec, on one text at a time.
class RuleRunner {
 public:
  explicit RuleRunner(const std::string& spec) : rule_(make_method<MakeRowOp>("data", parse_unit(spec))) {}
  RuleResult operator()(const std::string& text, const std::string& meta = "") {
    Batch batch;
    batch.add(text, "", meta);
    batch.set_columns(rule_->columns());
    Document doc(batch, 0);
    scratch_.forget();
    rule_->apply(doc, scratch_);
    RuleResult r;
    for (const auto& n : batch.numbers) r.numbers.push_back(n.empty() ? 0 : n[0]);
    for (const auto& l : batch.labels) r.labels.emplace_back(l.empty() ? "" : l[0]);
    if (batch.verdict[0] != kKept) r.reason = rule_->reasons()[batch.verdict[0] - 1u];
    r.text = doc.text();
    r.meta = doc.meta();
    return r;
  }

 private:
  std::unique_ptr<RowOp> rule_;
  Scratch scratch_;
};

// A folder that goes when the test ends.
class TestFolder {
 public:
  TestFolder() {
    static int count = 0;
    path_ = (std::filesystem::temp_directory_path() / fmt::format("frugal-data-{}-{}", ::getpid(), count++)).string();
    std::filesystem::create_directories(path_);
  }
  ~TestFolder() { std::filesystem::remove_all(path_); }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  std::string write(const std::string& name, const std::string& bytes) const {
    std::filesystem::create_directories(std::filesystem::path(path_ + "/" + name).parent_path());
    std::ofstream(path_ + "/" + name, std::ios::binary) << bytes;
    return path_ + "/" + name;
  }

 private:
  std::string path_;
};

inline std::string file_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// All files below a folder (or the file itself), in the order of their names, one after the other.
inline std::string all_text(const std::string& path) {
  if (!std::filesystem::is_directory(path)) return file_text(path);
  std::vector<std::string> files;
  for (const auto& e : std::filesystem::recursive_directory_iterator(path)) files.push_back(e.path().string());
  std::sort(files.begin(), files.end());
  std::string out;
  for (const auto& f : files) out += file_text(f);
  return out;
}

inline Report run_spec(const std::string& spec, RunOptions options = {}) {
  Plan plan = make_plan(spec);
  return run_pipeline(plan, options);
}

}  // namespace frugal::data
