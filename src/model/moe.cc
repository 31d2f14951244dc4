#include "model/moe.h"

#include <algorithm>
#include <cmath>

namespace frugal {

void RouteCall::run(const StepParams& step, Team team) const {
  if (team.thread != 0) return;
  const int rows = scores_.count(step);
  for (int r = 0; r < rows; ++r) choose(scores_.row(r), r_.chosen + r * r_.used, r_.weight + r * r_.used);
  order(rows);
}

// The best not yet chosen, used times.
void RouteCall::choose(const float* scores, int32_t* chosen, float* weight) const {
  for (int j = 0; j < r_.used; ++j) {
    int32_t best = -1;
    for (int32_t e = 0; e < r_.experts; ++e)
      if (std::find(chosen, chosen + j, e) == chosen + j && (best < 0 || scores[e] > scores[best])) best = e;
    chosen[j] = best;
  }
  const float top = scores[chosen[0]];
  std::sort(chosen, chosen + r_.used);
  float sum = 0;
  for (int j = 0; j < r_.used; ++j) sum += weight[j] = std::exp(scores[chosen[j]] - top);
  for (int j = 0; j < r_.used; ++j) weight[j] /= sum;
}

// Counting sort of the pairs by expert; rows ascend because they are visited in order.
void RouteCall::order(int rows) const {
  const int pairs = r_.pairs(rows);
  std::fill(r_.first, r_.first + r_.experts + 1, 0);
  for (int i = 0; i < pairs; ++i) ++r_.first[r_.chosen[i] + 1];
  for (int e = 0, tiles = 0; e < r_.experts; ++e) {
    r_.first_tile[e] = tiles;
    tiles += (r_.first[e + 1] + kTile - 1) / kTile;
    r_.first[e + 1] += r_.first[e];
  }
  for (int i = 0; i < pairs; ++i) {
    const int32_t place = r_.first[r_.chosen[i]]++;
    r_.place[i] = place;
    r_.row_of[place] = i / r_.used;
  }
  for (int e = r_.experts; e > 0; --e) r_.first[e] = r_.first[e - 1];
  r_.first[0] = 0;
}

void GatherCall::run(const StepParams&, Team team) const {
  const int64_t pairs = r_.first[r_.experts];
  const size_t bytes = act_tile_bytes(form_, x_.cols, kTile);
  const int64_t begin = team.first(pairs), end = team.last(pairs);
  int e = 0;
  for (int64_t p = begin; p < end; ++p) {
    while (p >= r_.first[e + 1]) ++e;
    const int at = static_cast<int>(p) - r_.first[e], tile = at / kTile;
    uint8_t* out = tiles_ + static_cast<size_t>(r_.first_tile[e] + tile) * bytes;
    k_.prepare(form_, x_.row(by_place_ ? p : r_.row_of[p]), x_.cols, 0, x_.cols, at % kTile,
               std::min(kTile, r_.count(e) - tile * kTile), out);
  }
}

void ExpertCall::run(const StepParams&, Team team) const {
  const size_t bytes = act_tile_bytes(form_, targets_[0].w->cols, kTile);
  for (int e = 0; e < r_.experts; ++e) {
    if (r_.count(e) == 0) continue;
    LinearTarget target = targets_[static_cast<size_t>(e)];
    target.out.data = target.out.row(r_.first[e]);
    const int64_t panels = target.w->panels();
    run_panels(k_, form_, target, tiles_ + static_cast<size_t>(r_.first_tile[e]) * bytes, r_.count(e),
               team.first(panels), team.last(panels));
  }
}

void CombineCall::run(const StepParams& step, Team team) const {
  const int rows = out_.count(step);
  for (int64_t r = team.first(rows); r < team.last(rows); ++r) {
    float* out = out_.row(r);
    std::fill(out, out + out_.cols, 0.0f);
    for (int64_t i = r * r_.used; i < (r + 1) * r_.used; ++i) {
      const float* y = pairs_.row(r_.place[i]);
      for (int64_t c = 0; c < out_.cols; ++c) out[c] += r_.weight[i] * y[c];
    }
  }
}

}  // namespace frugal
