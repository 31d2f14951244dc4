#include "data/pipeline.h"

#include <algorithm>
#include <bit>
#include <filesystem>

#include "base/clock.h"
#include "base/error.h"
#include "base/threads.h"
#include "data/hash.h"
#include "data/manifest.h"
#include "data/pass.h"
#include "data/sketch_files.h"
#include "data/spill.h"

namespace frugal::data {
namespace fs = std::filesystem;
namespace {

// What makes two runs the same: pipeline, inputs, and whether rejects are kept.
std::string identity(const Plan& plan, const std::vector<Part>& parts, const RunOptions& o) {
  std::string all;
  for (const Part& p : parts) all += p.key() + "\n";
  return fmt::format("{} {} parts {:016x} rejects '{}'", plan.spec, parts.size(), hash_bytes(all), o.rejects);
}

// A lane's records of one slice are held in memory: a slice for each 256 MiB of input, a power of two.
uint32_t slices_for(const std::vector<Part>& parts) {
  uint64_t bytes = 0;
  for (const Part& p : parts) bytes += p.bytes;
  return static_cast<uint32_t>(std::bit_ceil(std::clamp<uint64_t>(bytes >> 28, 1, 1 << 16)));
}

void remove_unfinished(const std::string& folder) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored))
    if (entry.path().filename().string().find(".partial-") != std::string::npos) fs::remove(entry.path(), ignored);
}

class Run {
 public:
  Run(Plan& plan, const RunOptions& o)
      : plan_(plan),
        options_(o),
        parts_(plan.source->parts()),
        work_(plan.sink->folder() + ".work"),
        slices_(slices_for(parts_)),
        workers_(o.workers > 0 ? o.workers : usable_cores()) {
    prepare();
  }

  Counts operator()() {
    Manifest manifest(work_ + "/manifest.jsonl", identity(plan_, parts_, options_), options_.resume);
    std::vector<size_t> globals;
    for (size_t s = 0; s < plan_.stages.size(); ++s)
      if (plan_.stages[s].global) globals.push_back(s);
    size_t first = 0;
    for (size_t p = all_done(manifest, globals.size()) ? globals.size() + 1 : 0; p <= globals.size(); ++p) {
      Pass pass = make_pass(p, first, p < globals.size() ? globals[p] : plan_.stages.size(), manifest);
      if (p > 0) group(first, p - 1, pass.bases, manifest);
      Progress progress(options_.progress, fmt::format("pass {} of {}, documents", p + 1, globals.size() + 1), 0);
      run_pass(pass, manifest, workers_, options_.stop, progress);
      first = pass.end_stage;
    }
    finish();
    return total(manifest, globals.size() + 1);
  }

 private:
  void prepare() {
    const std::string out = plan_.sink->output(), folder = plan_.sink->folder();
    const auto taken = [](const std::string& path) {
      return fs::exists(path) && !(fs::is_directory(path) && fs::is_empty(path));
    };
    if (!options_.resume && (taken(out) || taken(folder) || taken(work_)))
      fail(ErrorCode::kUsage, "data",
           "found output in {} already, expected none: --resume goes on with it, or remove {} and {}", out, out, work_);
    fs::create_directories(work_);
    for (const std::string& f : {folder, options_.rejects}) remove_unfinished(f);
  }

  bool all_done(const Manifest& manifest, size_t last_pass) const {
    for (size_t i = 0; i < parts_.size(); ++i)
      if (manifest.find(last_pass, i) == nullptr) return false;
    return true;
  }

  std::string between(const char* what, size_t pass) const { return fmt::format("{}/{}/{}", work_, what, pass); }
  std::vector<std::string> files(const std::string& folder, const char* extension) const {
    std::vector<std::string> list;
    for (size_t i = 0; i < parts_.size(); ++i) list.push_back(part_file(folder, i, extension));
    return list;
  }

  Pass make_pass(size_t number, size_t first, size_t end, const Manifest& manifest) {
    Pass pass;
    pass.number = number;
    pass.plan = &plan_;
    pass.first_stage = first;
    pass.end_stage = end;
    pass.slices = slices_;
    pass.rejects_folder = options_.rejects;
    if (number == 0) {
      pass.source = plan_.source.get();
      pass.parts = parts_;
    } else {
      const auto& columns = plan_.schema.columns;
      spills_.push_back(spill_source(files(between("spill", number - 1), ".batches"), columns));
      pass.source = spills_.back().get();
      for (size_t i = 0; i < parts_.size(); ++i)
        pass.parts.push_back({part_file(between("spill", number - 1), i, ".batches"), 0, ~uint64_t{0}});
      for (size_t i = 0, base = 0; i < parts_.size(); base += manifest.find(number - 1, i)->rows, ++i)
        pass.bases.push_back(base);
    }
    pass.sketcher = end < plan_.stages.size() ? plan_.stages[end].global.get() : nullptr;
    pass.out_folder = pass.sketcher ? between("spill", number) : plan_.sink->folder();
    pass.out_extension = pass.sketcher ? ".batches" : plan_.sink->extension();
    pass.sketch_folder = pass.sketcher ? between("sketch", number) : "";
    return pass;
  }

  void group(size_t stage, size_t pass, const std::vector<uint64_t>& bases, const Manifest& manifest) {
    const uint64_t documents = bases.empty() ? 0 : bases.back() + manifest.find(pass, parts_.size() - 1)->rows;
    plan_.stages[stage].global->group(
        SketchFiles(files(between("sketch", pass), ".sketch"), bases, documents, slices_));
  }

  void finish() {
    plan_.sink->finish(files(plan_.sink->folder(), plan_.sink->extension().c_str()));
    std::error_code ignored;
    fs::remove_all(work_ + "/spill", ignored);
    fs::remove_all(work_ + "/sketch", ignored);
  }

  Counts total(const Manifest& manifest, size_t passes) const {
    Counts sum(plan_.stages.size());
    for (size_t p = 0; p < passes; ++p) {
      for (size_t i = 0; i < parts_.size(); ++i) {
        Counts one = manifest.find(p, i)->counts;
        if (p > 0) one.source_docs = one.source_bytes = 0;  // read from between the passes
        sum.add(one);
      }
    }
    return sum;
  }

  Plan& plan_;
  const RunOptions& options_;
  std::vector<Part> parts_;
  std::string work_;
  uint32_t slices_;
  int workers_;
  std::vector<std::unique_ptr<Source>> spills_;
};

nlohmann::ordered_json row(const std::string& stage, const StageCounts& c) {
  return {{"stage", stage},         {"docs_in", c.docs_in},
          {"docs_out", c.docs_out}, {"bytes_in", c.bytes_in},
          {"seconds", c.seconds},   {"mb_s", c.seconds > 0 ? static_cast<double>(c.bytes_in) / 1e6 / c.seconds : 0.0},
          {"reasons", c.reasons}};
}

}  // namespace

Report run_pipeline(Plan& plan, const RunOptions& options) {
  const double begin = now_s();
  Report report;
  report.counts = Run(plan, options)();
  report.seconds = now_s() - begin;
  return report;
}

nlohmann::ordered_json report_rows(const Plan& plan, const Report& report) {
  const Counts& c = report.counts;
  auto rows = nlohmann::ordered_json::array();
  rows.push_back(row("source", {c.source_docs, c.source_docs, c.source_bytes, c.parse_s, c.faults}));
  for (size_t s = 0; s < plan.stages.size(); ++s) rows.push_back(row(plan.stages[s].name, c.stages[s]));
  rows.push_back(row("sink", {c.out_docs, c.out_docs, c.out_bytes, c.encode_s, {}}));
  return rows;
}

}  // namespace frugal::data
