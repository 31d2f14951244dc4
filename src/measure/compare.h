// Several caches and drafters on the same texts, probes and prompts: what they cost and what they keep.
//
// Each pair of specs is one row. Quality is measured through the decode path (what generation would see), speed through
// the engine that users run. A pair that cannot combine is a row too, with the reason.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "measure/answers.h"
#include "measure/perplexity.h"
#include "measure/probe.h"

namespace frugal {

struct CompareInput {
  std::vector<std::vector<int32_t>> texts;  // scored, and compared with the plain run
  int64_t prefix = 0;                       // of each text: the prompt, not scored
  std::map<std::string, std::vector<Probe>> tasks;
  std::vector<PromptCase> prompts;  // answered, for speed
  AnswersOptions answers;
  bool chat = true;  // prompts go through the model's template, where it has one
};

struct CompareRow {
  std::string kv, draft;  // canonical; draft "" is none
  std::string reason;     // why it was refused; else empty and the rest is filled in
  std::optional<ScoreResult> score;
  std::map<std::string, TaskScore> tasks;
  std::optional<AnswersResult> answers;
  // Of the texts, or where there are none of the answers.
  size_t cache_bytes() const { return score ? score->cache_bytes : answers ? answers->all.cache_bytes : 0; }
  size_t cache_bytes_peak() const { return score ? score->cache_bytes_peak : cache_bytes(); }
};

class Comparison {
 public:
  // Both outlive it. options.kv is ignored.
  Comparison(Model& model, const Tokenizer& tokenizer, const RunnerOptions& options, CompareInput input);
  // on_part: after each text, probe and answer; parts() of them a row, fewer when refused.
  CompareRow run(const std::string& kv, const std::string& draft, const std::function<void()>& on_part = nullptr);
  int64_t parts() const;

 private:
  void measure(CompareRow& row, const std::function<void()>& on_part);

  Model& model_;
  const Tokenizer& tokenizer_;
  RunnerOptions options_;
  CompareInput input_;
  std::optional<Chat> chat_;
  std::unique_ptr<Runner> plain_;
  std::map<std::string, CompareRow> quality_;  // by cache: it does not depend on the drafter
};

}  // namespace frugal
