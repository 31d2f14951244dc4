#include "measure/compare.h"

#include "base/error.h"
#include "kv/spec.h"

namespace frugal {
Comparison::Comparison(Model& model, const Tokenizer& tokenizer, const RunnerOptions& options, CompareInput input)
    : model_(model), tokenizer_(tokenizer), options_(options), input_(std::move(input)) {
  if (input_.chat && has_chat(tokenizer)) chat_.emplace(tokenizer);
  options_.kv = "full";
  plain_ = std::make_unique<Runner>(model, options_);
  options_.team = plain_->shared_team();
}

int64_t Comparison::parts() const {
  int64_t n = static_cast<int64_t>(input_.texts.size());
  for (const auto& [name, probes] : input_.tasks) n += static_cast<int64_t>(probes.size());
  for (const PromptCase& c : input_.prompts) n += static_cast<int64_t>(c.turns.size());
  return n;
}

CompareRow Comparison::run(const std::string& kv, const std::string& draft, const std::function<void()>& on_part) {
  CompareRow row;
  row.kv = kv, row.draft = draft;
  try {
    row.kv = canonical_kv_spec(kv);
    if (!draft.empty()) row.draft = canonical_draft_spec(draft);
    measure(row, on_part);
  } catch (const Error& e) {
    if (e.code() != ErrorCode::kUsage && e.code() != ErrorCode::kUnsupported) throw;
    row.reason = e.what();
  }
  return row;
}

void Comparison::measure(CompareRow& row, const std::function<void()>& on_part) {
  const auto tick = [&] {
    if (on_part) on_part();
  };
  RunnerOptions options = options_;
  options.kv = row.kv;
  if (const auto known = quality_.find(row.kv); known != quality_.end()) {
    row.score = known->second.score;
    row.tasks = known->second.tasks;
  } else {
    Runner runner(model_, options);
    for (const auto& ids : input_.texts) {
      if (!row.score) row.score.emplace();
      row.score->add(score_text(runner, plain_.get(), ids, input_.prefix));
      tick();
    }
    for (const auto& [name, probes] : input_.tasks)
      for (const Probe& p : probes) {
        row.tasks[name].add(run_probe(runner, p));
        tick();
      }
    quality_[row.kv] = row;
  }
  if (input_.prompts.empty()) return;
  Engine engine(model_, &tokenizer_, options, 1, row.draft);
  row.answers = measure_answers(engine, tokenizer_, chat_ ? &*chat_ : nullptr, input_.prompts, input_.answers, tick);
}

}  // namespace frugal
