// Probes: a prompt whose right continuation is known. One pass under a cache gives both figures: how likely the
// continuation is (nll, mean a token), and whether greedy decoding would have written it (each of its tokens is the
// most likely one after those before it).
//
// The prompt is compressed where it ends, as in generation, so the answer sees what the cache still holds.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "model/runner.h"
#include "text/tokenizer.h"

namespace frugal {

struct Probe {
  std::vector<int32_t> prompt, answer;  // at least one id each
  std::string category;
};
Probe make_probe(const Tokenizer& tokenizer, const std::string& prompt, const std::string& answer,
                 const std::string& category);

struct ProbeScore {
  double nll = 0;      // of the answer, mean a token
  bool exact = false;  // greedy decoding would write it
};
// Throws Error when the cache is full.
ProbeScore run_probe(Runner& runner, const Probe& probe);

// Share of right answers with its 95 % interval (Wilson 1927), and the mean nll.
struct TaskScore {
  int n = 0, right = 0;
  double nll_sum = 0;
  void add(const ProbeScore& s);
  double score() const { return n > 0 ? static_cast<double>(right) / n : 0; }
  double nll() const { return n > 0 ? nll_sum / n : 0; }
  std::pair<double, double> interval() const;
};

// What retrieval probes are made of. Everything follows from the seed.
struct RetrievalOptions {
  std::vector<int64_t> lengths = {512, 1024, 2048};  // tokens of the prompt, about
  std::vector<double> depths = {0.1, 0.5, 0.9};      // where the answer stands: 0 at the beginning, 1 at the end
  int repeats = 3;                                   // probes of each length and depth
  uint64_t seed = 0;
  std::string text;  // to hide needles in; empty: made-up sentences
};
// Needle in a haystack: one sentence with a number stands in a text that has nothing to do with it, and is asked for at
// the end. Category: "LENGTH tokens, depth D".
std::vector<Probe> needle_probes(const Tokenizer& tokenizer, const RetrievalOptions& options);
// Key-value retrieval (Liu et al. 2023, "Lost in the middle", arXiv 2307.03172): many pairs in one form, one key asked
// for. The same categories.
std::vector<Probe> key_value_probes(const Tokenizer& tokenizer, const RetrievalOptions& options);

// JSON lines of {"prompt", "answer"} with an optional "category". Throws Error naming the line.
std::vector<Probe> read_probes(const Tokenizer& tokenizer, const std::string& jsonl);

// Multiple choice: the continuation with the least nll a token is chosen.
struct Choice {
  std::vector<Probe> options;
  size_t right = 0;
  std::string category;
};
ProbeScore run_choice(Runner& runner, const Choice& choice);
// JSON lines of {"prompt", "choices": [texts], "answer": index} with an optional "category".
std::vector<Choice> read_choices(const Tokenizer& tokenizer, const std::string& jsonl);

}  // namespace frugal
