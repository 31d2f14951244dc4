#include "decode/logprobs.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "decode/sampler/reference.h"

namespace frugal {
namespace {

TEST(Logprobs, AgreeWithASoftmaxInDouble) {
  std::mt19937 random(8);
  for (size_t n : {1u, 7u, 300u, 5000u}) {
    const std::vector<float> logits = plain::random_logits(random, n, 4, true);
    const std::vector<double> p = plain::softmax({logits.begin(), logits.end()});
    std::vector<double> key;
    for (float l : logits) key.push_back(-static_cast<double>(l));
    const std::vector<size_t> ids = plain::order_by(key);
    const std::vector<TokenLogprob> top = top_logprobs(logits, 5);
    ASSERT_EQ(top.size(), std::min<size_t>(n, 5));
    for (size_t i = 0; i < top.size(); ++i) {
      EXPECT_EQ(top[i].id, static_cast<int32_t>(ids[i]));
      EXPECT_NEAR(top[i].logprob, std::log(p[ids[i]]), 1e-12);
      EXPECT_EQ(logprob_of(logits, top[i].id), top[i].logprob);
    }
  }
}

TEST(Logprobs, LargeLogitsDoNotOverflow) {
  EXPECT_NEAR(log_sum_exp(std::vector<float>{1000, 1000}), 1000 + std::log(2.0), 1e-12);
  EXPECT_NEAR(log_sum_exp(std::vector<float>{-1000, -1000}), -1000 + std::log(2.0), 1e-12);
  EXPECT_EQ(log_sum_exp({}), -HUGE_VAL);
}

TEST(Logprobs, BoundsAreChecked) {
  const std::vector<float> logits = {0, 1};
  EXPECT_THROW(logprob_of(logits, 2), Error);
  EXPECT_THROW(logprob_of(logits, -1), Error);
  EXPECT_TRUE(top_logprobs(logits, 0).empty());
  EXPECT_EQ(top_logprobs(logits, 100).size(), 2u);
}

}  // namespace
}  // namespace frugal
