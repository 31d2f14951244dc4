// frugal eval: tasks with right answers, and sets of prompts, under any cache and drafter.
#include <iostream>

#include "base/error.h"
#include "base/progress.h"
#include "cli/verb.h"
#include "kv/spec.h"
#include "measure/answers.h"
#include "measure/observe.h"
#include "measure/probe.h"

namespace frugal {
namespace {

using Json = nlohmann::ordered_json;

struct EvalFlags {
  EngineFlags engine;
  TableFormat format;
  std::string task, file, text, draft;
  RetrievalOptions retrieval;
  int max_new = 128;
  int64_t per_category = 0;
  bool first_turns = false;
  bool raw = false;
};

Json scored(const std::string& name, const TaskScore& s) {
  const auto [low, high] = s.interval();
  return {{"category", name}, {"score", s.score()}, {"interval", {low, high}}, {"nll", s.nll()}, {"n", s.n}};
}

// Runs each item by run(item) and sums by category.
template <typename Item, typename Run>
Json tally(const std::vector<Item>& items, Run run) {
  if (items.empty()) fail(ErrorCode::kBadInput, "eval", "found no question, expected one a line");
  Progress progress(stderr_progress(), "eval", static_cast<int64_t>(items.size()));
  TaskScore all;
  std::vector<std::pair<std::string, TaskScore>> parts;  // in the order in which they come
  for (const Item& item : items) {
    const ProbeScore s = run(item);
    auto at = std::find_if(parts.begin(), parts.end(), [&](const auto& p) { return p.first == item.category; });
    if (at == parts.end()) at = parts.insert(parts.end(), {item.category, {}});
    at->second.add(s);
    all.add(s);
    progress.add(1);
  }
  Json j = scored("all", all);
  j["by_category"] = Json::array();
  for (const auto& [name, s] : parts) j["by_category"].push_back(scored(name, s));
  return j;
}

Json costs(const std::string& name, const CategoryStats& c) {
  const AnswerStats& s = c.all;
  return {{"category", name},
          {"score", s.accepted_per_step()},
          {"accepted_per_step", s.accepted_per_step()},
          {"not_repeating", c.varied.accepted_per_step()},
          {"n_not_repeating", c.varied.answers},
          {"decode_tok_s", s.decode_tok_s()},
          {"predicted_tok_s", s.predicted_tok_s()},
          {"prompt_tok_s", s.prompt_tok_s()},
          {"new_tokens", s.new_tokens},
          {"prompt_tokens", s.prompt_tokens},
          {"n", s.answers}};
}

Json spec_bench(const EvalFlags& f, Model& model, const Tokenizer& tokenizer, const RunnerOptions& options) {
  auto cases = read_prompts(read_file(f.file), f.per_category);
  if (f.first_turns)
    for (PromptCase& c : cases) c.turns.resize(1);
  std::optional<Chat> chat;
  if (!f.raw && has_chat(tokenizer)) chat.emplace(tokenizer);
  Engine engine(model, &tokenizer, options, 1, f.draft);
  int64_t turns = 0;
  for (const PromptCase& c : cases) turns += static_cast<int64_t>(c.turns.size());
  Progress progress(stderr_progress(), "eval", turns);
  const AnswersOptions answers{f.max_new, "greedy", stop_ids(tokenizer, model.config().eos)};
  const AnswersResult r =
      measure_answers(engine, tokenizer, chat ? &*chat : nullptr, cases, answers, [&] { progress.add(1); });
  Json j = costs("all", r);
  j["by_category"] = Json::array();
  for (const auto& [name, s] : r.by_category) j["by_category"].push_back(costs(name, s));
  return j;
}

Json layer_row(const std::string& layer, const LayerObservations& o) {
  return {{"layer", layer},
          {"rows_for_90", o.rows_for_90},
          {"sink_share", o.sink_share},
          {"persistence", o.persistence},
          {"sink_value_ratio", o.sink_value_ratio},
          {"neighbour_cosine", o.neighbour_cosine},
          {"random_cosine", o.random_cosine},
          {"energy_keys", o.energy_keys},
          {"energy_rotated_keys", o.energy_rotated_keys},
          {"energy_values", o.energy_values}};
}

// A row a layer, and their mean.
Json observations(const EvalFlags& f, Runner& runner, const Tokenizer& tokenizer) {
  if (f.retrieval.text.empty()) fail(ErrorCode::kUsage, "eval", "observations needs --text");
  std::vector<int32_t> ids = tokenizer.encode(f.retrieval.text);
  const size_t most = static_cast<size_t>(std::max<int64_t>(16, f.retrieval.lengths[0]));
  if (ids.size() > most) ids.resize(most);
  const auto records = record_attention(runner, ids);
  Progress progress(stderr_progress(), "observations", static_cast<int64_t>(records.size()));
  Json rows = Json::array(), all = Json::object();
  for (const AttendRecord& r : records) {
    if (r.rows == 0) continue;  // reads another layer's rows
    rows.push_back(layer_row(std::to_string(r.spec.layer), observe(r)));
    for (const auto& [key, value] : rows.back().items())
      if (value.is_number()) all[key] = all.value(key, 0.0) + value.get<double>();
    progress.add(1);
  }
  Json mean = {{"layer", "mean"}};
  for (const auto& [key, value] : all.items()) mean[key] = value.get<double>() / static_cast<double>(rows.size());
  mean["n"] = ids.size();
  mean["by_category"] = rows;
  return mean;
}

int run(EvalFlags f) {
  const bool needs_file = f.task == "choice" || f.task == "exact" || f.task == "spec-bench";
  if (needs_file == f.file.empty())
    fail(ErrorCode::kUsage, "eval", "{} {} --file", f.task, needs_file ? "needs" : "takes no");
  if (!f.draft.empty() && f.task != "spec-bench")
    fail(ErrorCode::kUsage, "eval", "--draft changes speed, never answers: it goes with spec-bench");
  const RunnerOptions options = runner_options(f.engine);
  auto model = Model::open(model_path(f.engine.model));
  const auto tokenizer = make_tokenizer(read_tokenizer(model->file()));
  if (!f.text.empty()) f.retrieval.text = read_file(f.text);
  Json j;
  if (f.task == "spec-bench") {
    j = spec_bench(f, *model, *tokenizer, options);
  } else {
    Runner runner(*model, options);
    const auto probe = [&](const Probe& p) { return run_probe(runner, p); };
    if (f.task == "needle") j = tally(needle_probes(*tokenizer, f.retrieval), probe);
    if (f.task == "key-value") j = tally(key_value_probes(*tokenizer, f.retrieval), probe);
    if (f.task == "observations") j = observations(f, runner, *tokenizer);
    if (f.task == "exact") j = tally(read_probes(*tokenizer, read_file(f.file)), probe);
    if (f.task == "choice")
      j = tally(read_choices(*tokenizer, read_file(f.file)), [&](const Choice& c) { return run_choice(runner, c); });
  }
  j["task"] = f.task;
  j["specs"] = {{"kv", canonical_kv_spec(options.kv)}, {"draft", f.draft}, {"compute", f.engine.compute}};
  if (f.format.is_json()) {
    std::cout << j.dump(1) << "\n";
    return 0;
  }
  Json rows = Json::array(), whole = j;
  for (const char* key : {"by_category", "specs", "task"}) whole.erase(key);
  for (const Json& row : j["by_category"]) rows.push_back(row);
  rows.push_back(whole);
  for (Json& row : rows)
    for (auto& [key, value] : row.items()) {
      if (value.is_array()) value = fmt::format("{:.2f}-{:.2f}", value[0].get<double>(), value[1].get<double>());
      if (value.is_number_float()) value = fmt::format("{:.3f}", value.get<double>());
    }
  f.format.print(rows);
  return 0;
}

std::function<int()> set_up(CLI::App& app) {
  auto f = std::make_shared<EvalFlags>();
  add_engine_flags(app, f->engine);
  app.add_option("TASK", f->task,
                 "needle, key-value (retrieval from long prompts); choice, exact (questions of --file); spec-bench "
                 "(prompts of --file: accepted tokens and speed); observations (of attention over --text)")
      ->required()
      ->check(CLI::IsMember({"needle", "key-value", "choice", "exact", "spec-bench", "observations"}));
  app.add_option("--file", f->file,
                 "a JSON object a line: {prompt, answer}; {prompt, choices, answer: index}; {prompt} or {turns}; each "
                 "with a category or not");
  app.add_option("--text", f->text,
                 "needle: the text to hide it in, default made-up sentences; observations: the text to read");
  app.add_option("--lengths", f->retrieval.lengths,
                 "retrieval: tokens of the prompts; observations: of the text (the first)")
      ->delimiter(',');
  app.add_option("--depths", f->retrieval.depths, "retrieval: where the answer stands, 0 (beginning) to 1")
      ->delimiter(',');
  app.add_option("--repeats", f->retrieval.repeats, "retrieval: prompts of each length and depth")
      ->check(CLI::Range(1, 10000));
  app.add_option("--seed", f->retrieval.seed, "retrieval: another seed, other prompts");
  app.add_option("--draft", f->draft, "spec-bench: a drafter (frugal methods --kind draft)");
  app.add_option("-n,--new", f->max_new, "spec-bench: tokens at most in an answer")->check(CLI::Range(1, 1 << 20));
  app.add_option("--per-category", f->per_category, "spec-bench: only the first prompts of each category; 0: all")
      ->check(CLI::NonNegativeNumber);
  app.add_flag("--first-turns", f->first_turns, "spec-bench: only the first turn of each prompt");
  app.add_flag("--raw", f->raw, "spec-bench: prompts as they are, without the chat template");
  f->format.add(app);
  return [f] { return run(*f); };
}

const RegisterVerb kEval({"eval",
                          "retrieval, multiple choice, exact answers and prompt sets under any cache and drafter",
                          "  frugal eval smollm2-135m needle --lengths 1024,4096 --kv \"h2o(budget=20%)\"\n"
                          "  frugal eval smollm2-135m choice --file questions.jsonl\n"
                          "  frugal eval smollm2-135m spec-bench --file prompts.jsonl --draft \"ngram(n=3,k=8)\"",
                          set_up});

}  // namespace
}  // namespace frugal
