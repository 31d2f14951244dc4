// frugal data: a curation pipeline from a spec or a recipe: what goes in, what is dropped and why, what comes out.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <iostream>

#include "base/error.h"
#include "cli/train_classifier.h"
#include "cli/verb.h"
#include "data/pipeline.h"
#include "data/recipe.h"
#include "data/report.h"

namespace frugal {
namespace {

using Json = nlohmann::ordered_json;

struct Flags {
  std::string spec;
  data::RunOptions run;
  std::string report;
  TableFormat format;
};

std::atomic<bool> stopped{false};

// The reasons of one row, most frequent first: "gopher_short_doc 12, ...".
std::string reasons_of(const Json& row) {
  std::vector<std::pair<uint64_t, std::string>> list;
  for (const auto& [name, n] : row["reasons"].items()) list.emplace_back(n.get<uint64_t>(), name);
  std::sort(list.rbegin(), list.rend());
  std::string out;
  for (const auto& [n, name] : list) out += fmt::format("{}{} {}", out.empty() ? "" : ", ", name, n);
  return out;
}

Json table_rows(const Json& rows) {
  Json table = Json::array();
  for (const Json& r : rows)
    table.push_back({{"stage", r["stage"]},
                     {"docs_in", r["docs_in"]},
                     {"docs_out", r["docs_out"]},
                     {"MB", r["bytes_in"].get<double>() / 1e6},
                     {"seconds", r["seconds"]},
                     {"MB/s", r["mb_s"]},
                     {"reasons", reasons_of(r)}});
  return table;
}

void print(const data::Plan& plan, const data::Report& report, const Flags& f) {
  const Json rows = data::report_rows(plan, report);
  if (f.format.is_json()) {
    std::cout << Json{{"spec", plan.spec}, {"seconds", report.seconds}, {"stages", rows}}.dump(1) << "\n";
    return;
  }
  f.format.print(table_rows(rows));
  if (f.format.format == "table")
    std::cout << fmt::format("\n{} of {} documents kept, {:.1f} s\n", report.counts.out_docs, report.counts.source_docs,
                             report.seconds);
}

// What a recipe says, where the command line says nothing.
void take_recipe(Flags& f) {
  const data::Recipe recipe = data::read_recipe(f.spec);
  f.spec = recipe.spec;
  if (f.run.workers == 0) f.run.workers = recipe.workers.value_or(0);
  if (f.run.rejects.empty()) f.run.rejects = recipe.rejects.value_or("");
  if (f.report.empty()) f.report = recipe.report.value_or("");
}

int run(Flags& f) {
  if (f.spec.empty())
    fail(ErrorCode::kUsage, "data", "found no pipeline, expected one such as \"jsonl(in) | exact | jsonl(out)\"");
  if (data::is_recipe(f.spec)) take_recipe(f);
  data::Plan plan = data::make_plan(f.spec);
  if (!f.report.empty()) data::need_readable_output(plan);
  f.run.stop = &stopped;
  f.run.progress = stderr_progress();
  const auto before = std::signal(SIGINT, [](int) { stopped = true; });
  const data::Report report = data::run_pipeline(plan, f.run);
  std::signal(SIGINT, before);
  if (!f.report.empty()) data::write_report(plan, report, f.run.rejects, f.report);
  print(plan, report, f);
  return 0;
}

std::function<int()> set_up(CLI::App& app) {
  auto f = std::make_shared<Flags>();
  app.add_option("SPEC", f->spec,
                 "source | stages | sink, or a recipe's file, X.toml; frugal methods --kind data lists them");
  app.add_option("-w,--workers", f->run.workers, "threads; 0 takes every core this process may use")
      ->check(CLI::Range(0, 1024));
  app.add_flag("--resume", f->run.resume, "go on where an interrupted run stopped");
  app.add_option("--rejects", f->run.rejects, "a folder for what was dropped, with stage and reason");
  app.add_option("--report", f->report, "an HTML file: funnel, reasons, languages, how values are spread, samples");
  f->format.add(app);
  const std::function<int()> train = add_train_classifier(app);
  return [f, train] {
    const int trained = train();
    return trained >= 0 ? trained : run(*f);
  };
}

const RegisterVerb kData(
    {"data", "curate text: filter, deduplicate, convert, with a reason for all that is dropped",
     "  frugal data \"jsonl(in.jsonl.gz) | gopher_quality | gopher_repetition | jsonl(out)\" --rejects rejects\n"
     "  frugal data \"jsonl(crawl/*.jsonl.zst) | c4(punctuation=false) | fineweb | minhash | jsonl(clean.jsonl.gz)\" "
     "--report report.html\n"
     "  frugal data recipe.toml --resume\n"
     "  frugal data train-classifier judged.jsonl --hold-out 0.1 --out quality.bin\n"
     "  frugal methods --kind data",
     set_up});

}  // namespace
}  // namespace frugal
