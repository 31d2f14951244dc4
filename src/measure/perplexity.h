// Likelihood of texts under a cache, and the distance of its distributions from a plain run's.
#pragma once

#include <string>
#include <vector>

#include "engine/score.h"

namespace frugal {

struct ScoreResult {
  int64_t tokens = 0, scored_tokens = 0;
  double nll_sum = 0;
  std::vector<double> nlls;  // by scored token
  size_t cache_bytes = 0, cache_bytes_peak = 0;
  std::vector<double> kl;  // KL(reference || this), by scored token; empty without a reference
  int64_t top1_same = 0;
  void add(const ScoreResult& other);  // all but nlls
  double top1_agreement() const {
    return kl.empty() ? 1 : static_cast<double>(top1_same) / static_cast<double>(kl.size());
  }
  double nll() const { return scored_tokens > 0 ? nll_sum / static_cast<double>(scored_tokens) : 0; }
};

// Scores ids[prefix ...] (at least ids[1 ...]). reference, if given, runs beside: the same tokens under another runner.
ScoreResult score_text(Runner& runner, Runner* reference, std::span<const int32_t> ids, int64_t prefix);

double mean(const std::vector<double>& values);
double quantile(std::vector<double> values, double q);  // 0.99: the value that 99 % do not exceed

}  // namespace frugal
