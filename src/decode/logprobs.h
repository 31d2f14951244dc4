// Log-probabilities from logits: natural logarithms of the model's own distribution, before any sampling
// stage.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace frugal {

struct TokenLogprob {
  int32_t id = 0;
  double logprob = 0;
};

// log of the sum of e^logit over V logits, summed in double. -inf when there are none.
double log_sum_exp(std::span<const float> logits);
// Throws Error(kBadInput) when id is not in [0, V).
double logprob_of(std::span<const float> logits, int32_t id);
// The k most likely tokens (all, when there are fewer), most likely first, of equals the lower id.
std::vector<TokenLogprob> top_logprobs(std::span<const float> logits, int k);

}  // namespace frugal
