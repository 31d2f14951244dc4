// Stages that scale or select, against their definitions restated in float64.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>

#include "base/error.h"
#include "decode/sampler/reference.h"
#include "decode/sampler/sampler.h"

namespace frugal {
namespace {

using plain::Logits;

// The whole vocabulary's probabilities after spec; also checks the order and the sum of what is exposed.
std::vector<double> dense_probabilities(const std::string& spec, const std::vector<float>& logits) {
  auto sampler = make_sampler(spec, 0);
  const Distribution& d = sampler->distribution(logits);
  std::vector<double> p(logits.size(), 0.0);
  for (size_t i = 0; i < d.tokens.size(); ++i) {
    const TokenProbability& t = d.tokens[i];
    p[static_cast<size_t>(t.id)] += static_cast<double>(t.p);
    EXPECT_TRUE(!d.dense || t.id == static_cast<int32_t>(i));
    if (!d.dense && i > 0) {
      const TokenProbability& before = d.tokens[i - 1];
      EXPECT_TRUE(before.p > t.p || (before.p == t.p && (before.id < t.id || logits[static_cast<size_t>(before.id)] !=
                                                                                 logits[static_cast<size_t>(t.id)])));
    }
  }
  EXPECT_NEAR(d.total, 1, 5e-6);
  return p;
}

using Plain = std::function<Logits(const Logits&, double& closest)>;

// Random vocabularies, many sizes, sharp and flat, with and without ties, against the plain restatement.
void expect_same_as_plain(const std::string& spec, const Plain& restated) {
  std::mt19937 random(5);
  int compared = 0;
  for (size_t n : {1u, 2u, 3u, 16u, 17u, 255u, 256u, 257u, 1000u, 3000u})
    for (double spread : {0.1, 1.0, 3.0, 12.0})
      for (bool coarse : {false, true}) {
        const std::vector<float> logits = plain::random_logits(random, n, spread, coarse);
        double closest = 1;
        const std::vector<double> expected = plain::softmax(restated(Logits(logits.begin(), logits.end()), closest));
        if (closest < 2e-6) continue;
        const std::vector<double> found = dense_probabilities(spec, logits);
        ++compared;
        for (size_t i = 0; i < n; ++i) {  // a float logit of 100 is good to 8e-6, and so to 8e-6 p
          ASSERT_NEAR(found[i], expected[i], 1e-7 + 3e-5 * expected[i]) << spec << " V=" << n << " id " << i;
          ASSERT_TRUE(expected[i] < 1e-30 || found[i] > 0) << spec << " V=" << n << " id " << i;
          ASSERT_TRUE(expected[i] > 0 || found[i] == 0) << spec << " V=" << n << " id " << i;
        }
      }
  EXPECT_GE(compared, 40) << spec;
}

TEST(SampleStage, Temp) {
  for (double t : {0.3, 0.7, 1.0, 2.5})
    expect_same_as_plain(fmt::format("temp({})", t), [&](const Logits& l, double&) { return plain::temp(l, t); });
  for (const char* spec : {"temp(0)", "temp(1e-9)", "greedy", "top_k(1)"})
    expect_same_as_plain(spec, [](const Logits& l, double&) { return plain::top_k(l, 1); });
}

TEST(SampleStage, TopK) {
  for (size_t k : {1u, 2u, 7u, 40u, 300u, 5000u})
    expect_same_as_plain(fmt::format("top_k({})", k), [&](const Logits& l, double&) { return plain::top_k(l, k); });
  expect_same_as_plain("top_k(0)", [](const Logits& l, double&) { return l; });
}

TEST(SampleStage, TopKTiesKeepTheLowestIds) {
  auto sampler = make_sampler("top_k(3)", 0);
  const std::vector<float> logits = {1, 2, 1, 2, 1, 1};
  const Distribution& d = sampler->distribution(logits);
  ASSERT_EQ(d.tokens.size(), 3u);
  EXPECT_EQ(d.tokens[0].id, 1);
  EXPECT_EQ(d.tokens[1].id, 3);
  EXPECT_EQ(d.tokens[2].id, 0);
}

TEST(SampleStage, TopP) {
  for (double p : {0.001, 0.3, 0.9, 0.999})
    expect_same_as_plain(fmt::format("top_p({})", p),
                         [&](const Logits& l, double& c) { return plain::top_p(l, p, c); });
  expect_same_as_plain("top_p(1)", [](const Logits& l, double&) { return l; });
  expect_same_as_plain("top_p(0)", [](const Logits& l, double&) { return plain::top_k(l, 1); });
}

TEST(SampleStage, MinP) {
  for (double p : {0.001, 0.05, 0.5, 1.0})
    expect_same_as_plain(fmt::format("min_p({})", p),
                         [&](const Logits& l, double& c) { return plain::min_p(l, p, c); });
  expect_same_as_plain("min_p(0)", [](const Logits& l, double&) { return l; });
}

TEST(SampleStage, Typical) {
  for (double tau : {0.1, 0.5, 0.95})
    expect_same_as_plain(fmt::format("typical({})", tau),
                         [&](const Logits& l, double& c) { return plain::typical(l, tau, c); });
  expect_same_as_plain("typical(1)", [](const Logits& l, double&) { return l; });
}

TEST(SampleStage, TypicalMayLeaveOutTheMostLikely) {
  // p = 0.4 and six times 0.1: H = 1.748 nats; ln 0.1 is 0.555 from -H, ln 0.4 is 0.832 from it.
  const std::vector<float> logits = {std::log(4.0f), 0, 0, 0, 0, 0, 0};
  EXPECT_EQ(dense_probabilities("typical(0.45)", logits)[0], 0);
  EXPECT_NEAR(dense_probabilities("typical(0.45)", logits)[1], 0.2, 1e-6);
}

TEST(SampleStage, ChainsRunInTheGivenOrder) {
  expect_same_as_plain("temp(0.7) | top_k(50) | top_p(0.9)", [](const Logits& l, double& c) {
    return plain::top_p(plain::top_k(plain::temp(l, 0.7), 50), 0.9, c);
  });
  expect_same_as_plain("top_p(0.9) | temp(0.7)",
                       [](const Logits& l, double& c) { return plain::temp(plain::top_p(l, 0.9, c), 0.7); });
  expect_same_as_plain("typical(0.9) | min_p(0.1) | temp(2) | top_k(20)", [](const Logits& l, double& c) {
    return plain::top_k(plain::temp(plain::min_p(plain::typical(l, 0.9, c), 0.1, c), 2), 20);
  });
  expect_same_as_plain("min_p(0.01) | typical(0.9) | top_p(0.8)", [](const Logits& l, double& c) {
    return plain::top_p(plain::typical(plain::min_p(l, 0.01, c), 0.9, c), 0.8, c);
  });
}

TEST(SampleStage, MaskedTokensStayOut) {
  std::vector<float> logits(300, -std::numeric_limits<float>::infinity());
  logits[7] = 1, logits[290] = 1;
  for (const char* spec :
       {"temp(1)", "top_k(5)", "top_p(0.9)", "min_p(0.1)", "typical(0.9)", "temp(0.5) | top_k(400)"}) {
    const std::vector<double> p = dense_probabilities(spec, logits);
    EXPECT_NEAR(p[7], 0.5, 1e-6) << spec;
    EXPECT_NEAR(p[290], 0.5, 1e-6) << spec;
  }
}

TEST(SampleStage, RefusesLogitsThatAreNoNumbers) {
  for (const char* spec : {"temp(0.7)", "top_k(2)", "top_p(0.9)"}) {
    std::vector<float> logits(20, 0.0f);
    logits[13] = std::numeric_limits<float>::quiet_NaN();
    EXPECT_THROW(make_sampler(spec, 0)->sample(logits), Error);
    logits[13] = std::numeric_limits<float>::infinity();
    EXPECT_THROW(make_sampler(spec, 0)->sample(logits), Error);
    logits.assign(20, -std::numeric_limits<float>::infinity());
    EXPECT_THROW(make_sampler(spec, 0)->sample(logits), Error) << spec;
  }
  EXPECT_THROW(make_sampler("greedy", 0)->sample(std::vector<float>(5, std::nanf(""))), Error);
  EXPECT_THROW(make_sampler("greedy", 0)->sample({}), Error);
}

TEST(SampleStage, WrongParametersAreRefused) {
  for (const char* spec : {"temp(-1)", "top_p(1.5)", "top_k(-3)", "top_k(2.5)", "min_p(2)", "typical(-0.1)", "tmp(1)",
                           "k:temp(1)", "repetition(0)", "logit_bias", "logit_bias([x])", "logit_bias([5:nan])",
                           "logit_bias([5:1,5:2])", "logit_bias([-5:1])", "logit_bias([5:inf])"})
    EXPECT_THROW(make_sampler(spec, 0), Error) << spec;
}

}  // namespace
}  // namespace frugal
