// The kernels that work on rows of floats, on every kernel table, against double precision; odd sizes try the tails.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "base/rng.h"
#include "ops/kernels.h"

namespace frugal {
namespace {

constexpr int64_t kSizes[] = {1, 7, 15, 16, 17, 31, 64, 100, 576};

std::vector<float> spread(uint64_t seed, int64_t n, float low, float high) {
  Stream random = stream(seed, 2, Purpose::kTest);
  std::vector<float> x(static_cast<size_t>(n));
  for (float& v : x) v = low + (high - low) * random.uniform();
  return x;
}

void each_size(const std::function<void(const KernelTable&, int64_t)>& f) {
  for (const KernelTable* table : kernel_tables())
    for (int64_t n : kSizes) {
      SCOPED_TRACE(std::string(table->name) + ", " + std::to_string(n) + " values");
      f(*table, n);
    }
}

// A result row with a guard behind it, which must stay.
struct Guarded {
  std::vector<float> data;
  explicit Guarded(int64_t n) : data(static_cast<size_t>(n) + 16, 77.0f) {}
  void check() const {
    for (size_t i = data.size() - 16; i < data.size(); ++i) ASSERT_EQ(data[i], 77.0f) << "written past the end";
  }
};

TEST(Rows, RmsNorm) {
  each_size([](const KernelTable& k, int64_t n) {
    const auto x = spread(1, n, -3, 3), gain = spread(2, n, 0.5f, 2);
    for (const float* g : {static_cast<const float*>(nullptr), gain.data()}) {
      double squares = 0;
      for (float v : x) squares += static_cast<double>(v) * static_cast<double>(v);
      const double scale = 1 / std::sqrt(squares / static_cast<double>(n) + 1e-5);
      Guarded y(n);
      k.rms_norm(x.data(), g, 1e-5f, n, y.data.data());
      y.check();
      for (size_t i = 0; i < x.size(); ++i) {
        const double expected = static_cast<double>(x[i]) * scale * (g != nullptr ? static_cast<double>(g[i]) : 1.0);
        ASSERT_NEAR(y.data[i], expected, 1e-6 * std::fabs(expected) + 1e-9);
      }
    }
  });
}

double exact(Activation act, double x) {
  if (act == Activation::kSilu) return x / (1 + std::exp(-x));
  if (act == Activation::kGelu) return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
  return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
}

TEST(Rows, GatedActivations) {
  each_size([](const KernelTable& k, int64_t n) {
    const auto gate = spread(3, n, -12, 12), up = spread(4, n, -2, 2);
    for (Activation act : {Activation::kSilu, Activation::kGelu, Activation::kGeluTanh}) {
      Guarded y(n);
      k.gated(act, gate.data(), up.data(), n, y.data.data());
      y.check();
      for (size_t i = 0; i < gate.size(); ++i) {
        const double g = gate[i], u = up[i];
        ASSERT_NEAR(y.data[i], exact(act, g) * u, 3e-7 * std::fabs(g * u) + 1e-7)
            << "activation " << static_cast<int>(act) << " of " << g;
      }
    }
  });
}

TEST(Rows, ActivationsFarOut) {
  for (const KernelTable* k : kernel_tables())
    for (Activation act : {Activation::kSilu, Activation::kGelu, Activation::kGeluTanh}) {
      const std::vector<float> gate = {-1e4f, -200, -90, 0, 90, 200, 1e4f}, one(gate.size(), 1.0f);
      std::vector<float> y(gate.size());
      k->gated(act, gate.data(), one.data(), static_cast<int64_t>(gate.size()), y.data());
      for (size_t i = 0; i < gate.size(); ++i)
        EXPECT_NEAR(y[i], std::max(gate[i], 0.0f), 1e-30f) << k->name << " at " << gate[i];
    }
}

TEST(Rows, AddScaleSoftcap) {
  each_size([](const KernelTable& k, int64_t n) {
    const auto a = spread(5, n, -90, 90), b = spread(6, n, -5, 5);
    Guarded sum(n), scaled(n), capped(n);
    k.add(a.data(), b.data(), n, sum.data.data());
    k.scale(a.data(), 0.37f, n, scaled.data.data());
    k.softcap(a.data(), 30.0f, n, capped.data.data());
    sum.check(), scaled.check(), capped.check();
    for (size_t i = 0; i < a.size(); ++i) {
      ASSERT_EQ(sum.data[i], a[i] + b[i]);
      ASSERT_EQ(scaled.data[i], a[i] * 0.37f);
      ASSERT_NEAR(capped.data[i], 30 * std::tanh(static_cast<double>(a[i]) / 30), 2e-5);
    }
  });
}

// e^x, seen through log_sum_exp of {0, x}: log(1 + e^x) is precise enough in double to give e^x back.
TEST(Rows, ExpOverItsRange) {
  for (const KernelTable* k : kernel_tables()) {
    double worst = 0;
    for (double x = -20; x <= 0; x += 0.00913) {
      const float pair[2] = {0.0f, static_cast<float>(x)};
      const double found = std::expm1(k->log_sum_exp(pair, 2)), expected = std::exp(static_cast<double>(pair[1]));
      worst = std::max(worst, std::fabs(found - expected) / (1 + expected));
    }
    EXPECT_LT(worst, 2.5e-7) << k->name;
  }
}

// ... and through silu far below zero, where only e^-x counts: relative accuracy over many magnitudes.
TEST(Rows, ExpIsRelativelyAccurate) {
  for (const KernelTable* k : kernel_tables())
    for (float x = -86; x < -20; x += 0.37f) {
      const float one = 1;
      float y = 0;
      k->gated(Activation::kSilu, &x, &one, 1, &y);
      const double expected = exact(Activation::kSilu, static_cast<double>(x));
      ASSERT_NEAR(static_cast<double>(y) / expected, 1, 6e-7) << k->name << " at " << x;
    }
}

TEST(Rows, LogSumExp) {
  for (const KernelTable* k : kernel_tables())
    for (int64_t n : {1, 5, 16, 17, 512, 4096, 4103, 50001}) {
      const auto x = spread(8, n, -30, 30);
      double total = 0;
      for (float v : x) total += std::exp(static_cast<double>(v));
      EXPECT_NEAR(k->log_sum_exp(x.data(), n), std::log(total), 5e-7) << k->name << ", " << n << " values";
      std::vector<float> masked = x;
      masked.insert(masked.end(), 19, -std::numeric_limits<float>::infinity());
      EXPECT_NEAR(k->log_sum_exp(masked.data(), n + 19), std::log(total), 5e-7) << k->name << ", masked tail";
    }
}

}  // namespace
}  // namespace frugal
