#include "decode/logprobs.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "decode/sampler/candidates.h"

namespace frugal {

double log_sum_exp(std::span<const float> logits) {
  const int32_t best = argmax(logits);
  if (best < 0) return -HUGE_VAL;
  const auto top = static_cast<double>(logits[static_cast<size_t>(best)]);
  double sum = 0;
  for (float logit : logits) sum += std::exp(static_cast<double>(logit) - top);
  return top + std::log(sum);
}

double logprob_of(std::span<const float> logits, int32_t id) {
  if (id < 0 || static_cast<size_t>(id) >= logits.size())
    fail(ErrorCode::kBadInput, "logprobs", "found token {}, expected one below {}", id, logits.size());
  return static_cast<double>(logits[static_cast<size_t>(id)]) - log_sum_exp(logits);
}

std::vector<TokenLogprob> top_logprobs(std::span<const float> logits, int k) {
  std::vector<TokenLogprob> out;
  if (k <= 0) return out;
  Candidates candidates;
  candidates.load(logits);
  const double log_sum = log_sum_exp(logits);
  candidates.keep_top(static_cast<size_t>(k));
  for (const Candidate& c : candidates.list()) out.push_back({c.id, static_cast<double>(c.logit) - log_sum});
  return out;
}

}  // namespace frugal
