#include "decode/sampler/sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "base/error.h"
#include "decode/sampler/reference.h"

namespace frugal {
namespace {

// Pearson's statistic of n draws against their distribution, cells with fewer than 5 expected draws taken
// together.
double chi_square(const std::string& spec, const std::vector<float>& logits, uint64_t seed, int n, int& freedom) {
  auto sampler = make_sampler(spec, seed);
  std::vector<double> count(logits.size(), 0);
  for (int i = 0; i < n; ++i) ++count[static_cast<size_t>(sampler->sample(logits))];
  const Distribution& d = sampler->distribution(logits);
  double sum = 0, rare_found = 0, rare_expected = 0;
  freedom = -1;
  auto add = [&](double found, double expected) {
    sum += (found - expected) * (found - expected) / expected, ++freedom;
  };
  for (size_t i = 0; i < logits.size(); ++i) {
    const double expected = n * static_cast<double>(d.p(static_cast<int32_t>(i)));
    EXPECT_TRUE(expected > 0 || count[i] == 0);
    if (expected >= 5) {
      add(count[i], expected);
    } else {
      rare_found += count[i], rare_expected += expected;
    }
  }
  if (rare_expected > 0) add(rare_found, std::max(rare_expected, 1e-9));
  return sum;
}

TEST(Sampler, DrawsFollowTheDistribution) {
  std::mt19937 random(9);
  const std::vector<float> logits = plain::random_logits(random, 16, 1.5, false);
  for (const char* spec : {"temp(1)", "temp(0.7) | top_p(0.9)", "top_k(5)", "typical(0.8)"})
    for (uint64_t seed = 0; seed < 5; ++seed) {
      int freedom = 0;
      const double x = chi_square(spec, logits, seed, 200000, freedom);
      // Wilson and Hilferty: (x / f)^(1/3) is nearly normal; 4 standard deviations is p = 3e-5 for each
      // of 20.
      const double f = freedom, z = (std::cbrt(x / f) - (1 - 2 / (9 * f))) / std::sqrt(2 / (9 * f));
      EXPECT_LT(z, 4) << spec << " seed " << seed << " chi2 " << x << " over " << freedom;
    }
}

TEST(Sampler, SeedAndRequestDecideTheRun) {
  std::mt19937 random(2);
  const std::vector<float> logits = plain::random_logits(random, 1000, 1, false);
  auto run = [&](uint64_t seed, uint64_t request) {
    auto sampler = make_sampler("temp(1.2) | top_k(200)", seed, request);
    std::vector<int32_t> ids;
    for (int i = 0; i < 20; ++i) ids.push_back(sampler->sample(logits));
    return ids;
  };
  EXPECT_EQ(run(1, 0), run(1, 0));
  std::set<std::vector<int32_t>> runs = {run(1, 0), run(2, 0), run(1, 1), run(0, 0)};
  EXPECT_EQ(runs.size(), 4u);
}

TEST(Sampler, CloneContinuesTheSameStream) {
  std::mt19937 random(2);
  const std::vector<float> logits = plain::random_logits(random, 100, 1, false);
  auto a = make_sampler("temp(1)", 7);
  for (int i = 0; i < 5; ++i) a->sample(logits);
  auto b = a->clone();
  for (int i = 0; i < 20; ++i) EXPECT_EQ(a->sample(logits), b->sample(logits));
}

TEST(Sampler, PickInvertsTheCumulativeDistribution) {
  Distribution d;
  d.tokens = {{4, 0.5f}, {9, 0.25f}, {1, 0.0f}, {2, 0.25f}};
  d.total = 1;
  EXPECT_EQ(d.pick(0), 4);
  EXPECT_EQ(d.pick(0.4999), 4);
  EXPECT_EQ(d.pick(0.5), 9);
  EXPECT_EQ(d.pick(0.75), 2);
  EXPECT_EQ(d.pick(std::nextafter(1.0, 0.0)), 2);
  d.total = 1.01;  // what rounding lacks falls to the last
  EXPECT_EQ(d.pick(0.9999), 2);
  EXPECT_EQ(d.p(9), 0.25f);
  EXPECT_EQ(d.p(3), 0.0f);
}

TEST(Sampler, GreedyTakesTheLowestOfEquals) {
  std::mt19937 random(4);
  for (size_t n : {1u, 15u, 256u, 257u, 1025u})
    for (int i = 0; i < 50; ++i) {
      const std::vector<float> logits = plain::random_logits(random, n, 1, true);
      const auto expected = std::max_element(logits.begin(), logits.end()) - logits.begin();
      EXPECT_EQ(make_sampler("greedy", 0)->sample(logits), expected);
      EXPECT_EQ(make_sampler("temp(0) | top_p(0.5)", 0)->sample(logits), expected);
    }
  EXPECT_TRUE(make_sampler("temp(0)", 0)->greedy());
  EXPECT_FALSE(make_sampler("repetition | greedy", 0)->greedy());
  auto sampler = make_sampler("greedy", 0);
  sampler->sample(std::vector<float>{1, 2});
  EXPECT_EQ(sampler->stream().position(), 0u);  // draws nothing
}

TEST(Sampler, SpecsAreCanonical) {
  EXPECT_EQ(make_sampler("temp=0.7,top-p=0.9", 0)->spec(), "temp(t=0.7) | top_p(p=0.9)");
  EXPECT_THROW(make_sampler("", 0), Error);
}

TEST(Sampler, ReusedMemoryChangesNothing) {
  std::mt19937 random(6);
  auto used = make_sampler("temp(0.9) | typical(0.9) | top_p(0.95)", 1);
  for (size_t n : {500u, 20u, 3000u, 1u}) {
    const std::vector<float> logits = plain::random_logits(random, n, 2, true);
    const std::vector<TokenProbability> again = used->distribution(logits).tokens;
    auto fresh = make_sampler("temp(0.9) | typical(0.9) | top_p(0.95)", 1);
    const std::vector<TokenProbability>& expected = fresh->distribution(logits).tokens;
    ASSERT_EQ(again.size(), expected.size());
    for (size_t i = 0; i < again.size(); ++i) EXPECT_TRUE(again[i].id == expected[i].id && again[i].p == expected[i].p);
  }
}

}  // namespace
}  // namespace frugal
