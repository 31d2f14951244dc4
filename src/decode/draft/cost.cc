#include "decode/draft/cost.h"

#include <algorithm>
#include <cmath>

namespace frugal {
namespace {

constexpr double kFade = 0.97;    // of old tests, with each new one
constexpr double kNew = 0.15;     // weight of the newest measurement
constexpr int kProbe = 16;        // steps without a draft before one is tried
constexpr int64_t kLately = 512;  // passes

void mix(double& mean, double value) { mean = mean == 0 ? value : mean + kNew * (value - mean); }

}  // namespace

void Acceptance::observe(bool accepted) {
  accepted_ = kFade * accepted_ + (accepted ? 1 : 0);
  tested_ = kFade * tested_ + 1;
}

bool Acceptance::probe() {
  if (++idle_ < kProbe) return false;
  idle_ = 0;
  return true;
}

double expected_tokens(double alpha, int length) {
  return alpha >= 1 ? length + 1 : (1 - std::pow(alpha, length + 1)) / (1 - alpha);
}

void DraftCost::verified(int rows, double seconds) {
  Measured& m = passes_[static_cast<size_t>(std::clamp(rows, 1, kWidest))];
  if (m.times++ == 0) return;
  if (++now_ - m.last > kLately) m.seconds = 0;
  mix(m.seconds, seconds);
  m.last = now_;
}

void DraftCost::drafted(int tokens, double seconds) {
  if (tokens > 0) mix(token_s_, seconds / tokens);
}

bool DraftCost::known(int rows) const {
  const Measured& m = passes_[static_cast<size_t>(rows)];
  return m.seconds > 0 && now_ - m.last <= kLately;
}

double DraftCost::pass_s(int rows) const {
  const int m = std::clamp(rows, 1, kWidest);
  int below = m, above = m;
  while (below > 0 && !known(below)) --below;
  while (above <= kWidest && !known(above)) ++above;
  if (above > kWidest) return below > 0 ? at(below) : 0;
  return below == 0 || below == above ? at(above) : at(below) + (at(above) - at(below)) * (m - below) / (above - below);
}

int DraftCost::best_depth(Acceptance& acceptance, int most, int sequences) const {
  if (!known(std::clamp(sequences, 1, kWidest))) return 0;  // what a step costs, first
  int best = 0;
  double speed = 0;
  for (int g = 0; g <= most; ++g) {
    const double tokens = sequences - 1 + expected_tokens(acceptance.alpha(), g);
    const double now = tokens / step_s(g, sequences + g);
    if (now > speed) best = g, speed = now;
  }
  return best == 0 && most > 0 && acceptance.probe() ? 1 : best;
}

}  // namespace frugal
