// What a set of prompts costs under a cache and a drafter: the same engine that users run, one answer at a time.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/chat.h"
#include "engine/engine.h"

namespace frugal {

struct PromptCase {
  std::string category;
  std::vector<std::string> turns;
};
// JSON lines of {"prompt": text} or {"turns": [texts]} with an optional "category", the first `most` of each category
// (0: all). Throws Error naming the line.
std::vector<PromptCase> read_prompts(const std::string& jsonl, int64_t most = 0);

// Sums over answers.
struct AnswerStats {
  int answers = 0, prompt_tokens = 0, new_tokens = 0, steps = 0;
  double prompt_s = 0, decode_s = 0, predicted_tokens = 0, predicted_s = 0;
  size_t cache_bytes = 0;  // of the largest answer
  void add(const RequestStats& s);
  double prompt_tok_s() const { return prompt_s > 0 ? prompt_tokens / prompt_s : 0; }
  double decode_tok_s() const { return decode_s > 0 ? (new_tokens - answers) / decode_s : 0; }
  double accepted_per_step() const { return steps > 0 ? static_cast<double>(new_tokens) / steps : 0; }
  // What the cost model of drafting would have decode_tok_s be; 0: it had measured nothing yet.
  double predicted_tok_s() const { return predicted_s > 0 ? predicted_tokens / predicted_s : 0; }
};

struct CategoryStats {
  AnswerStats all, varied;  // varied: without answers that repeat themselves
  void add(const RequestStats& s, bool repeats);
};

struct AnswersResult : CategoryStats {
  std::map<std::string, CategoryStats> by_category;
  std::vector<std::vector<int32_t>> ids;  // of every answer
};

struct AnswersOptions {
  int max_new = 128;
  std::string sample = "greedy";
  std::vector<int32_t> stop_ids;
};

// Answers every turn of every case. chat: nullptr takes prompts as they are. on_answer, if any, after each.
AnswersResult measure_answers(Engine& engine, const Tokenizer& tokenizer, const Chat* chat,
                              const std::vector<PromptCase>& cases, const AnswersOptions& options,
                              const std::function<void()>& on_answer = nullptr);

// Does the answer repeat itself: do more than a fifth of its runs of eight tokens stand in it before?
bool repeats_itself(std::span<const int32_t> ids);

}  // namespace frugal
