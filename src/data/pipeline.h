// Runs a pipeline: as many passes as it has global operators and one more, each over the parts that are not done yet.
//
//   plan = make_plan("jsonl(in/*.gz) | gopher_quality | minhash | jsonl(out)");
//   report = run_pipeline(plan, {.workers = 2, .rejects = "rejects"});
//
// State lies beside the output in OUT.work: the manifest, and what passes hand on (removed at the end).
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "base/progress.h"
#include "data/counts.h"
#include "data/plan.h"

namespace frugal::data {

struct RunOptions {
  int workers = 0;      // 0: one for each core this process may use
  bool resume = false;  // go on with what an interrupted run left
  std::string rejects;  // a folder for dropped documents; empty: they are counted only
  const std::atomic<bool>* stop = nullptr;
  ProgressSink progress = {};
};

struct Report {
  Counts counts;
  double seconds = 0;
};

// Throws Error: kUsage when the output is there already and resume is not asked for, or is of another run.
Report run_pipeline(Plan& plan, const RunOptions& options);

// One row for the source, each stage and the sink: stage, docs_in, docs_out, bytes_in, seconds, mb_s, reasons.
nlohmann::ordered_json report_rows(const Plan& plan, const Report& report);

}  // namespace frugal::data
