#include "model/positions.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace frugal {
namespace {

constexpr double kTwoPi = 6.283185307179586476925286766559;

std::vector<double> plain(double theta, int64_t dims) {
  std::vector<double> f;
  for (int64_t i = 0; i < dims / 2; ++i)
    f.push_back(std::pow(theta, -2.0 * static_cast<double>(i) / static_cast<double>(dims)));
  return f;
}

// Llama-3.1: long wavelengths are divided by factor, short ones stay, those between are blended.
void scale_llama3(const PositionConfig& c, std::vector<double>& f) {
  const double original = static_cast<double>(c.original_context);
  const double low = original / c.low_freq_factor, high = original / c.high_freq_factor;
  for (double& x : f) {
    const double wavelength = kTwoPi / x;
    if (wavelength < high) continue;
    if (wavelength > low) {
      x /= c.factor;
      continue;
    }
    const double smooth = (original / wavelength - c.low_freq_factor) / (c.high_freq_factor - c.low_freq_factor);
    x = (1.0 - smooth) * x / c.factor + smooth * x;
  }
}

// The (fractional) pair index whose frequency turns rotations times within the original context.
double yarn_dim(double rotations, const PositionConfig& c, int64_t dims) {
  return static_cast<double>(dims) * std::log(static_cast<double>(c.original_context) / (rotations * kTwoPi)) /
         (2.0 * std::log(c.theta));
}

double yarn_mscale(double scale, double mscale) { return scale <= 1.0 ? 1.0 : 0.1 * mscale * std::log(scale) + 1.0; }

// YaRN: fast pairs keep their frequency, slow ones are interpolated, a linear ramp between; temperature in cos and sin.
float scale_yarn(const PositionConfig& c, int64_t dims, std::vector<double>& f) {
  double low = yarn_dim(c.beta_fast, c, dims), high = yarn_dim(c.beta_slow, c, dims);
  if (c.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, static_cast<double>(dims) - 1.0);
  if (high == low) high += 0.001;
  for (size_t i = 0; i < f.size(); ++i) {
    const double ramp = std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0);
    f[i] = f[i] / c.factor * ramp + f[i] * (1.0 - ramp);
  }
  if (c.attention_factor > 0.0) return static_cast<float>(c.attention_factor);
  if (c.mscale > 0.0 && c.mscale_all_dim > 0.0)
    return static_cast<float>(yarn_mscale(c.factor, c.mscale) / yarn_mscale(c.factor, c.mscale_all_dim));
  return static_cast<float>(yarn_mscale(c.factor, 1.0));
}

// NTK-aware: the base grows so that the slowest pair is stretched by s while the fastest stays.
double ntk_theta(double theta, double s, int64_t dims) {
  const double d = static_cast<double>(dims);
  return theta * std::pow(s, d / (d - 2.0));
}

double dynamic_theta(const PositionConfig& c, int64_t dims, int64_t context) {
  const double original = static_cast<double>(c.original_context),
               length = std::max(static_cast<double>(context), original);
  return ntk_theta(c.theta, c.factor * length / original - (c.factor - 1.0), dims);
}

}  // namespace

RopeTable make_rope(const PositionConfig& c, int64_t head_dim, int64_t context) {
  RopeTable t;
  t.interleaved = c.interleaved;
  const int64_t dims = static_cast<int64_t>(c.partial * static_cast<double>(head_dim)) / 2 * 2;
  double theta = c.theta;
  if (c.scaling == "ntk") theta = ntk_theta(theta, c.factor, dims);
  if (c.scaling == "dynamic") theta = dynamic_theta(c, dims, context);
  t.inv_freq = plain(theta, dims);
  if (c.scaling == "linear") {
    for (double& f : t.inv_freq) f /= c.factor;
  } else if (c.scaling == "llama3") {
    scale_llama3(c, t.inv_freq);
  } else if (c.scaling == "yarn") {
    t.attention_factor = scale_yarn(c, dims, t.inv_freq);
  } else if (c.scaling != "none" && c.scaling != "ntk" && c.scaling != "dynamic") {
    fail(ErrorCode::kUnsupported, "positions", "rope scaling '{}'; known are none, linear, ntk, dynamic, yarn, llama3",
         c.scaling);
  }
  if (!c.freq_factors.empty() && c.freq_factors.size() != t.inv_freq.size())
    fail(ErrorCode::kBadInput, "positions", "{} frequency factors for {} rotated pairs", c.freq_factors.size(),
         t.inv_freq.size());
  for (size_t i = 0; i < c.freq_factors.size(); ++i) t.inv_freq[i] /= static_cast<double>(c.freq_factors[i]);
  return t;
}

std::vector<float> alibi_slopes(int64_t heads) {
  int64_t base = 1;
  while (base * 2 <= heads) base *= 2;
  auto power = [](double exponent) { return static_cast<float>(std::exp2(exponent)); };
  std::vector<float> slopes;
  for (int64_t h = 0; h < base; ++h)
    slopes.push_back(power(-8.0 * static_cast<double>(h + 1) / static_cast<double>(base)));
  for (int64_t h = 0; static_cast<int64_t>(slopes.size()) < heads; ++h)
    slopes.push_back(power(-4.0 * static_cast<double>(2 * h + 1) / static_cast<double>(base)));
  return slopes;
}

}  // namespace frugal
