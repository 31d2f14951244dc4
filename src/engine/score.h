// Likelihood of given tokens under any cache: runs them through the decode path, so that a token sees exactly what the
// cache still holds. Rows are computed together between policy events, where that changes nothing.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "model/runner.h"

namespace frugal {

// Calls on_row(i, logits) for i = first ...: the distribution of what follows ids[0 .. i]. last: for the last id too.
// seq holds what came before (usually nothing) and grows. ids[0 .. prompt) are the rest of a prompt: the cache is told
// where it ends (prompt < 0: it has ended before). Throws Error when the cache is full.
void for_each_row(Runner& runner, KvSeq& seq, std::span<const int32_t> ids, int64_t first, bool last,
                  const std::function<void(int64_t i, const float* logits)>& on_row, int64_t prompt = -1);

// Negative log-likelihoods of ids[first + 1 ...], natural logarithm; ids[0 .. first] are the prompt.
std::vector<double> score_tokens(Runner& runner, std::span<const int32_t> ids, int64_t first = 0);

}  // namespace frugal
