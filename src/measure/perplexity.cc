#include "measure/perplexity.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "decode/sampler/candidates.h"

namespace frugal {
namespace {

// KL(p || q) of softmax(p) and softmax(q).
double divergence(const float* p, const float* q, int64_t n) {
  const double lp = kernels().log_sum_exp(p, n), lq = kernels().log_sum_exp(q, n);
  double kl = 0;
  for (int64_t i = 0; i < n; ++i) {
    const double a = static_cast<double>(p[i]) - lp;
    if (a > -40) kl += std::exp(a) * (a - (static_cast<double>(q[i]) - lq));
  }
  return std::max(0.0, kl);
}

}  // namespace

void ScoreResult::add(const ScoreResult& r) {
  tokens += r.tokens;
  scored_tokens += r.scored_tokens;
  nll_sum += r.nll_sum;
  kl.insert(kl.end(), r.kl.begin(), r.kl.end());
  top1_same += r.top1_same;
  cache_bytes = std::max(cache_bytes, r.cache_bytes);
  cache_bytes_peak = std::max(cache_bytes_peak, r.cache_bytes_peak);
}

// Both runs go chunk by chunk together, so that only one chunk's logits are kept.
ScoreResult score_text(Runner& runner, Runner* reference, std::span<const int32_t> ids, int64_t prefix) {
  ScoreResult r;
  r.tokens = static_cast<int64_t>(ids.size());
  const int64_t first = std::max<int64_t>(0, prefix - 1), vocab = runner.vocab();
  auto seq = runner.sequence();
  auto plain = reference != nullptr ? reference->sequence() : nullptr;
  auto take = [&](int64_t i, const float* logits) {
    const double nll =
        kernels().log_sum_exp(logits, vocab) - static_cast<double>(logits[ids[static_cast<size_t>(i) + 1]]);
    r.nlls.push_back(nll);
    r.nll_sum += nll;
    ++r.scored_tokens;
    r.cache_bytes_peak = std::max(r.cache_bytes_peak, seq->bytes());
  };
  for (int64_t at = 0; at < r.tokens;) {
    const int64_t n =
        std::min<int64_t>(r.tokens - at, at < first ? runner.options().max_rows : runner.options().max_wanted);
    // One more id, so that the chunk's last row has a token to predict; it is not fed.
    const auto chunk = ids.subspan(static_cast<size_t>(at), static_cast<size_t>(n));
    std::vector<float> kept;
    std::vector<int64_t> rows;
    for_each_row(
        runner, *seq, chunk, first - at, true,
        [&](int64_t i, const float* logits) {
          if (at + i + 1 >= r.tokens) return;
          take(at + i, logits);
          if (reference == nullptr) return;
          rows.push_back(i);
          kept.insert(kept.end(), logits, logits + vocab);
        },
        prefix - at);
    size_t k = 0;
    if (reference != nullptr)
      for_each_row(
          *reference, *plain, chunk, first - at, true,
          [&](int64_t i, const float* logits) {
            if (k >= rows.size() || rows[k] != i) return;
            const float* mine = kept.data() + static_cast<int64_t>(k++) * vocab;
            r.kl.push_back(divergence(logits, mine, vocab));
            r.top1_same += argmax({logits, static_cast<size_t>(vocab)}) == argmax({mine, static_cast<size_t>(vocab)});
          },
          prefix - at);
    at += n;
  }
  r.cache_bytes = seq->bytes();
  return r;
}

double mean(const std::vector<double>& values) {
  return values.empty() ? 0 : std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double quantile(std::vector<double> values, double q) {
  if (values.empty()) return 0;
  const size_t k = std::min(values.size() - 1, static_cast<size_t>(q * static_cast<double>(values.size())));
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(k), values.end());
  return values[k];
}

}  // namespace frugal
