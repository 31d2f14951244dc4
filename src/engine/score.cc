#include "engine/score.h"

#include <algorithm>

#include "base/error.h"

namespace frugal {

void for_each_row(Runner& runner, KvSeq& seq, std::span<const int32_t> ids, int64_t first, bool last,
                  const std::function<void(int64_t, const float*)>& on_row, int64_t prompt) {
  const int64_t n = static_cast<int64_t>(ids.size());
  for (int64_t at = 0; at < n;) {
    if (at == prompt) seq.end_prompt();
    const bool wanted = at + 1 > first;  // rows before `first` need no logits and come in larger chunks
    int64_t rows = std::min<int64_t>(n - at, wanted ? runner.options().max_wanted : runner.options().max_rows);
    if (!wanted) rows = std::min(rows, first - at);
    if (at < prompt) rows = std::min(rows, prompt - at);
    rows = std::min(rows, seq.rows_until_event());
    if (!seq.reserve(rows)) fail(ErrorCode::kUsage, "score", "the cache is full after {} tokens", seq.length());
    const Batch batch = chain(seq, ids.subspan(static_cast<size_t>(at), static_cast<size_t>(rows)),
                              wanted ? static_cast<int>(rows) : 0);
    const float* logits = runner.forward(batch);
    seq.commit(rows);
    for (int64_t i = 0; wanted && i < rows; ++i)
      if (at + i >= first && (last || at + i + 1 < n)) on_row(at + i, logits + i * runner.vocab());
    at += rows;
  }
}

std::vector<double> score_tokens(Runner& runner, std::span<const int32_t> ids, int64_t first) {
  std::vector<double> nlls;
  auto seq = runner.sequence();
  for_each_row(
      runner, *seq, ids, first, false,
      [&](int64_t i, const float* logits) {
        const double lse = kernels().log_sum_exp(logits, runner.vocab());
        nlls.push_back(lse - static_cast<double>(logits[ids[static_cast<size_t>(i) + 1]]));
      },
      first > 0 ? first + 1 : 0);
  return nlls;
}

}  // namespace frugal
