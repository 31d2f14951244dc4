// Llama-3.1's rotary scaling between its two forms: four numbers in config.json, one divisor for each pair in GGUF.
//
// A pair of wavelength w, with L the trained context: w < L / high keeps its frequency (divisor 1), w > L / low is
// stretched by factor, those between are blended linearly in L / w. Back from divisors: low is 1 and high is 4, as
// published; the factor is the largest divisor; L is the power of two whose divisors are the others.
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "io/model_metadata.h"

namespace frugal {
namespace {

constexpr double kTwoPi = 6.283185307179586476925286766559;

double divisor(const PositionConfig& p, double wavelength) {
  const double turns = static_cast<double>(p.original_context) / wavelength;
  if (turns > p.high_freq_factor) return 1.0;
  if (turns < p.low_freq_factor) return p.factor;
  const double smooth = (turns - p.low_freq_factor) / (p.high_freq_factor - p.low_freq_factor);
  return 1.0 / ((1.0 - smooth) / p.factor + smooth);
}

std::vector<float> divisors(const PositionConfig& p, int64_t head_dim) {
  const int64_t dims = static_cast<int64_t>(p.partial * static_cast<double>(head_dim));
  std::vector<float> out;
  for (int64_t i = 0; i < dims / 2; ++i) {
    const double wavelength = kTwoPi * std::pow(p.theta, 2.0 * static_cast<double>(i) / static_cast<double>(dims));
    out.push_back(static_cast<float>(divisor(p, wavelength)));
  }
  return out;
}

}  // namespace

std::vector<float> rope_divisors(const ModelConfig& c) {
  if (!c.position.freq_factors.empty()) return c.position.freq_factors;
  return c.position.scaling == "llama3" ? divisors(c.position, c.head_dim) : std::vector<float>();
}

PositionConfig llama3_scaling(const PositionConfig& p, int64_t head_dim) {
  PositionConfig found = p;
  found.freq_factors.clear();
  found.scaling = "llama3";
  found.factor = *std::max_element(p.freq_factors.begin(), p.freq_factors.end());
  found.low_freq_factor = 1.0;
  found.high_freq_factor = 4.0;
  auto same = [](float a, float b) { return std::fabs(a - b) <= 1e-3f * a; };
  for (found.original_context = 32; found.original_context <= (1 << 24); found.original_context *= 2) {
    const std::vector<float> made = divisors(found, head_dim);
    if (std::equal(made.begin(), made.end(), p.freq_factors.begin(), p.freq_factors.end(), same)) return found;
  }
  fail(ErrorCode::kUnsupported, "convert",
       "the {} divisors of rope_freqs.weight are not Llama-3's scaling, so config.json cannot say it",
       p.freq_factors.size());
}

}  // namespace frugal
