// Attention in plain code and double precision: what every path over pages is tested against.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "ops/attention.h"

namespace frugal {
namespace {

double score(const float* q, const float* key, int width, float softcap) {
  double dot = 0;
  for (int d = 0; d < width; ++d) dot += static_cast<double>(q[d]) * static_cast<double>(key[d]);
  const double cap = softcap;
  return cap > 0 ? cap * std::tanh(dot / cap) : dot;
}

}  // namespace

void attention_reference(const float* q, const float* keys, const float* values, int64_t rows, int k_width, int v_width,
                         float softcap, const float* bias, float* out) {
  std::vector<double> scores(static_cast<size_t>(rows)), sums(static_cast<size_t>(v_width), 0.0);
  double top = -std::numeric_limits<double>::infinity(), total = 0;
  for (int64_t r = 0; r < rows; ++r) {
    double& s = scores[static_cast<size_t>(r)];
    s = score(q, keys + r * k_width, k_width, softcap) + (bias != nullptr ? static_cast<double>(bias[r]) : 0.0);
    top = std::max(top, s);
  }
  for (int64_t r = 0; r < rows && std::isfinite(top); ++r) {
    const double p = std::exp(scores[static_cast<size_t>(r)] - top);
    total += p;
    for (int d = 0; d < v_width; ++d) sums[static_cast<size_t>(d)] += p * static_cast<double>(values[r * v_width + d]);
  }
  for (int d = 0; d < v_width; ++d)
    out[d] = total > 0 ? static_cast<float>(sums[static_cast<size_t>(d)] / total) : 0.0f;
}

}  // namespace frugal
