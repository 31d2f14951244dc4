// For tests: every sampling stage restated over a whole vocabulary in float64, as its definition reads and no
// faster.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

namespace frugal::plain {

using Logits = std::vector<double>;  // by id; -inf: out of play
constexpr double kOut = -std::numeric_limits<double>::infinity();

inline std::vector<double> softmax(const Logits& logits) {
  const double top = *std::max_element(logits.begin(), logits.end());
  std::vector<double> p;
  for (double l : logits) p.push_back(std::exp(l - top));
  const double sum = std::accumulate(p.begin(), p.end(), 0.0);
  for (double& x : p) x /= sum;
  return p;
}

// Ids in ascending key, of equals the lower id first.
inline std::vector<size_t> order_by(const std::vector<double>& key) {
  std::vector<size_t> ids(key.size());
  std::iota(ids.begin(), ids.end(), size_t{0});
  std::stable_sort(ids.begin(), ids.end(), [&](size_t a, size_t b) { return key[a] < key[b]; });
  return ids;
}

inline std::vector<double> negated(std::vector<double> x) {
  for (double& v : x) v = -v;
  return x;
}

inline Logits temp(Logits logits, double t) {
  for (double& l : logits) l /= t;
  return logits;
}

inline Logits top_k(const Logits& logits, size_t k) {
  Logits out(logits.size(), kOut);
  const std::vector<size_t> ids = order_by(negated(logits));
  for (size_t i = 0; i < std::min(k, ids.size()); ++i) out[ids[i]] = logits[ids[i]];
  return out;
}

// The smallest beginning of ids whose probabilities sum to at least mass. closest: how near a border came to
// mass, for a test cannot ask float to side with float64 where they meet.
inline Logits smallest_set(const Logits& logits, const std::vector<size_t>& ids, double mass, double& closest) {
  const std::vector<double> p = softmax(logits);
  Logits out(logits.size(), kOut);
  double sum = 0;
  for (size_t i = 0; i < ids.size() && (i == 0 || sum < mass); ++i) {
    out[ids[i]] = logits[ids[i]];
    sum += p[ids[i]];
    closest = std::min(closest, std::abs(sum - mass));
  }
  return out;
}

inline Logits top_p(const Logits& logits, double mass, double& closest) {
  return mass >= 1 ? logits : smallest_set(logits, order_by(negated(logits)), mass, closest);
}

inline Logits min_p(const Logits& logits, double share, double& closest) {
  const std::vector<double> p = softmax(logits);
  const double least = share * *std::max_element(p.begin(), p.end());
  Logits out(logits.size(), kOut);
  for (size_t i = 0; i < p.size(); ++i) {
    if (p[i] >= least) out[i] = logits[i];
    if (share < 1) closest = std::min(closest, std::abs(p[i] / least - 1));
  }
  return out;
}

inline Logits typical(const Logits& logits, double tau, double& closest) {
  const std::vector<double> p = softmax(logits);
  double entropy = 0;
  for (double x : p) entropy -= x > 0 ? x * std::log(x) : 0;
  std::vector<double> distance;
  for (double x : p) distance.push_back(x > 0 ? std::abs(entropy + std::log(x)) : -kOut);
  const std::vector<size_t> ids = order_by(distance);
  for (size_t i = 1; i < ids.size(); ++i)  // equal distances on both sides of the entropy
    if (logits[ids[i]] != logits[ids[i - 1]])
      closest = std::min(closest, std::abs(distance[ids[i]] - distance[ids[i - 1]]));
  return tau >= 1 ? logits : smallest_set(logits, ids, tau, closest);
}

// V normal logits; coarse ones repeat, so that ties are tested.
inline std::vector<float> random_logits(std::mt19937& random, size_t n, double spread, bool coarse) {
  std::normal_distribution<double> normal(0, spread);
  std::vector<float> out;
  for (size_t i = 0; i < n; ++i) {
    const double x = normal(random);
    out.push_back(static_cast<float>(coarse ? std::round(x * 2) / 2 : x));
  }
  return out;
}

}  // namespace frugal::plain
