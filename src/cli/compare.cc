// frugal compare: several caches and drafters on the same texts, tasks and prompts, in one table and one HTML report.
#include <cmath>
#include <ctime>
#include <fstream>
#include <iostream>

#include "base/error.h"
#include "base/progress.h"
#include "base/spec.h"
#include "cli/verb.h"
#include "measure/report.h"

namespace frugal {
namespace {

using Json = nlohmann::ordered_json;

struct CompareFlags {
  EngineFlags engine;
  TableFormat format;
  std::vector<std::string> kv, draft, tasks;
  std::string text, prompts, html, command;
  RetrievalOptions retrieval;
  int64_t prefix = 0, tokens = 2048;
  int max_new = 128;
  bool zip = false, raw = false;
};

std::vector<std::string> expanded(const std::vector<std::string>& given, const char* otherwise) {
  std::vector<std::string> list;
  for (const std::string& text : given) {
    if (text.empty() || text == "none")
      list.emplace_back();
    else
      for (const Spec& s : expand_sweeps(parse_spec(text))) list.push_back(to_string(s));
  }
  if (list.empty()) list.emplace_back(otherwise);
  return list;
}

std::vector<std::pair<std::string, std::string>> pairs_of(const CompareFlags& f) {
  const auto kv = expanded(f.kv, "full"), draft = expanded(f.draft, "");
  std::vector<std::pair<std::string, std::string>> pairs;
  if (f.zip) {
    if (kv.size() != draft.size())
      fail(ErrorCode::kUsage, "compare", "--zip: found {} caches and {} drafters, expected as many of each", kv.size(),
           draft.size());
    for (size_t i = 0; i < kv.size(); ++i) pairs.emplace_back(kv[i], draft[i]);
    return pairs;
  }
  for (const std::string& k : kv)
    for (const std::string& d : draft) pairs.emplace_back(k, d);
  return pairs;
}

CompareInput input_of(const CompareFlags& f, const Model& model, const Tokenizer& tokenizer) {
  CompareInput in;
  in.prefix = f.prefix;
  in.chat = !f.raw;
  in.answers = {f.max_new, "greedy", stop_ids(tokenizer, model.config().eos)};
  if (!f.text.empty()) {
    std::vector<int32_t> ids = tokenizer.encode(read_file(f.text));
    if (f.tokens > 0 && static_cast<int64_t>(ids.size()) > f.tokens) ids.resize(static_cast<size_t>(f.tokens));
    if (static_cast<int64_t>(ids.size()) < std::max<int64_t>(2, f.prefix + 1))
      fail(ErrorCode::kBadInput, "compare", "found a text of {} tokens, expected more than --prefix {}", ids.size(),
           f.prefix);
    in.texts.push_back(std::move(ids));
  }
  for (const std::string& task : f.tasks) {
    if (task == "needle") in.tasks[task] = needle_probes(tokenizer, f.retrieval);
    if (task == "key-value") in.tasks[task] = key_value_probes(tokenizer, f.retrieval);
  }
  if (!f.prompts.empty()) in.prompts = read_prompts(read_file(f.prompts));
  if (in.texts.empty() && in.tasks.empty() && in.prompts.empty())
    fail(ErrorCode::kUsage, "compare", "nothing to compare on: give --text FILE, --prompts FILE or --eval TASK");
  return in;
}

Json describe(const CompareRow& r) {
  Json j = {{"specs", {{"kv", r.kv}, {"draft", r.draft}}}};
  if (!r.reason.empty()) {
    j["reason"] = r.reason;
    return j;
  }
  if (r.score) {
    j["ppl"] = std::exp(r.score->nll());
    j["kl_mean"] = mean(r.score->kl);
    j["kl_p99"] = quantile(r.score->kl, 0.99);
    j["top1_agreement"] = r.score->top1_agreement();
  }
  for (const auto& [name, s] : r.tasks)
    j[name] = {
        {"score", s.score()}, {"interval", {s.interval().first, s.interval().second}}, {"nll", s.nll()}, {"n", s.n}};
  j["cache_bytes"] = r.cache_bytes();
  j["cache_bytes_peak"] = r.cache_bytes_peak();
  if (!r.answers) return j;
  const AnswersResult& a = *r.answers;
  j["prompt_tok_s"] = a.all.prompt_tok_s();
  j["decode_tok_s"] = a.all.decode_tok_s();
  j["accepted_per_step"] = a.all.accepted_per_step();
  for (const auto& [name, s] : a.by_category)
    if (!name.empty())
      j["by_category"][name] = {{"accepted_per_step", s.all.accepted_per_step()},
                                {"decode_tok_s", s.all.decode_tok_s()}};
  return j;
}

Json table_row(const CompareRow& r) {
  Json j = {{"kv", r.kv}, {"draft", r.draft.empty() ? "none" : r.draft}};
  const auto put = [&](const char* name, double v, const char* form) { j[name] = fmt::format(fmt::runtime(form), v); };
  if (r.score) {
    put("ppl", std::exp(r.score->nll()), "{:.3f}");
    put("KL", mean(r.score->kl), "{:.4f}");
    put("p99", quantile(r.score->kl, 0.99), "{:.3f}");
    put("top-1", 100 * r.score->top1_agreement(), "{:.1f} %");
  }
  for (const auto& [name, s] : r.tasks) j[name] = fmt::format("{:.0f} % ({:.2f})", 100 * s.score(), s.nll());
  if (r.reason.empty()) put("cache MB", static_cast<double>(r.cache_bytes()) * 1e-6, "{:.2f}");
  if (r.answers) {
    put("prompt tok/s", r.answers->all.prompt_tok_s(), "{:.0f}");
    put("decode tok/s", r.answers->all.decode_tok_s(), "{:.0f}");
    put("a step", r.answers->all.accepted_per_step(), "{:.2f}");
  }
  return j;
}

// All rows of a table have the same columns: those of the fullest.
Json table_of(const std::vector<CompareRow>& rows) {
  Json table = Json::array(), fullest = Json::object();
  for (const CompareRow& r : rows)
    if (Json j = table_row(r); j.size() > fullest.size()) fullest = std::move(j);
  for (const CompareRow& r : rows) {
    Json j = table_row(r), row = Json::object();
    for (const auto& [key, value] : fullest.items()) row[key] = j.contains(key) ? j[key] : Json("");
    table.push_back(row);
  }
  return table;
}

void write_html(const CompareFlags& f, const std::vector<CompareRow>& rows) {
  const std::time_t now = std::time(nullptr);
  char date[64];
  std::strftime(date, sizeof date, "%Y-%m-%d %H:%M", std::localtime(&now));
  std::ofstream out(f.html);
  out << comparison_html(
      {"frugal compare: " + f.engine.model, f.command,
       fmt::format("{} threads, kernels {}", f.engine.threads > 0 ? f.engine.threads : usable_cores(), kernels().name),
       date},
      rows);
  if (!out.flush()) fail(ErrorCode::kIo, "compare", "cannot write '{}'", f.html);
}

int run(const CompareFlags& f) {
  const auto pairs = pairs_of(f);
  auto model = Model::open(model_path(f.engine.model));
  const auto tokenizer = make_tokenizer(read_tokenizer(model->file()));
  Comparison comparison(*model, *tokenizer, runner_options(f.engine), input_of(f, *model, *tokenizer));
  std::vector<CompareRow> rows;
  Progress progress(stderr_progress(), "compare", static_cast<int64_t>(pairs.size()));
  for (const auto& [kv, draft] : pairs) {
    rows.push_back(comparison.run(kv, draft));
    progress.add(1);
  }
  if (!f.html.empty()) write_html(f, rows);
  if (!f.format.is_json()) {
    f.format.print(table_of(rows));
    for (const CompareRow& r : rows)
      if (!r.reason.empty())
        std::cerr << fmt::format("refused: {}{}{}: {}\n", r.kv, r.draft.empty() ? "" : " with ", r.draft, r.reason);
    return 0;
  }
  Json all = Json::array();
  for (const CompareRow& r : rows) all.push_back(describe(r));
  f.format.print(all);
  return 0;
}

std::function<int()> set_up(CLI::App& app) {
  auto f = std::make_shared<CompareFlags>();
  add_engine_flags(app, f->engine, false);
  app.add_option("--kv", f->kv, "cache specs, repeatable, or with {...} sweeps; default full");
  app.add_option("--draft", f->draft, "drafters, likewise; none is one of them");
  app.add_flag("--zip", f->zip, "the first cache with the first drafter and so on, instead of all pairs");
  app.add_option("--text", f->text, "a text to score: perplexity, and distance to the plain run");
  app.add_option("--tokens", f->tokens, "of the text, at most; 0: all");
  app.add_option("--prefix", f->prefix, "the text's first N tokens are the prompt: compressed at its end, not scored")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--prompts", f->prompts,
                 "prompts to answer, for speed: {prompt} or {turns} a line, with a category or not");
  app.add_option("-n,--new", f->max_new, "tokens at most in an answer")->check(CLI::Range(1, 1 << 20));
  app.add_option("--eval", f->tasks, "needle, key-value (repeatable)")->check(CLI::IsMember({"needle", "key-value"}));
  app.add_option("--lengths", f->retrieval.lengths, "of the tasks' prompts, in tokens")->delimiter(',');
  app.add_option("--depths", f->retrieval.depths, "where the answer stands, 0 to 1")->delimiter(',');
  app.add_flag("--raw", f->raw, "prompts as they are, without the chat template");
  app.add_option("--html", f->html, "write a report with plots to this file");
  f->format.add(app);
  return [f] {
    f->command = "frugal compare " + f->engine.model;
    for (const auto& s : f->kv) f->command += fmt::format(" --kv \"{}\"", s);
    for (const auto& s : f->draft) f->command += fmt::format(" --draft \"{}\"", s);
    if (!f->text.empty())
      f->command += fmt::format(" --text {} --tokens {} --prefix {}", f->text, f->tokens, f->prefix);
    if (!f->prompts.empty()) f->command += fmt::format(" --prompts {} -n {}", f->prompts, f->max_new);
    for (const auto& s : f->tasks) f->command += " --eval " + s;
    return run(*f);
  };
}

const RegisterVerb kCompare(
    {"compare", "caches and drafters side by side: quality, bytes and speed, in a table and an HTML report",
     "  frugal compare smollm2-135m --kv full --kv q8 --kv \"h2o(budget={10%,20%,50%})\" --text book.txt --prefix "
     "1024\n"
     "  frugal compare smollm2-135m --draft none --draft \"ngram(n=3,k=8)\" --prompts prompts.jsonl --html report.html",
     set_up});

}  // namespace
}  // namespace frugal
