// Stages that change chosen logits, and what they remember: penalties and biases.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>

#include "decode/sampler/reference.h"
#include "decode/sampler/sampler.h"
#include "decode/sampler/token_memory.h"

namespace frugal {
namespace {

using Ids = std::vector<int32_t>;

// Log-probability ratios to token `base` are logit differences: what a stage did to the logits, read from
// outside.
std::vector<double> logits_after(Sampler& sampler, const std::vector<float>& logits, size_t base) {
  const Distribution& d = sampler.distribution(logits);
  std::vector<double> out;
  for (size_t i = 0; i < logits.size(); ++i)
    out.push_back(std::log(static_cast<double>(d.p(static_cast<int32_t>(i)))) -
                  std::log(static_cast<double>(d.p(static_cast<int32_t>(base)))) + static_cast<double>(logits[base]));
  return out;
}

void expect_logits(const std::string& spec, const Ids& prompt, const Ids& accepted, const std::vector<float>& logits,
                   const std::vector<double>& expected) {
  auto sampler = make_sampler(spec, 0);
  sampler->reset_prompt(prompt);
  for (int32_t id : accepted) sampler->advance(id);
  const std::vector<double> found = logits_after(*sampler, logits, 4);  // token 4 never occurs in these tests
  for (size_t i = 0; i < logits.size(); ++i) EXPECT_NEAR(found[i], expected[i], 2e-5) << spec << " id " << i;
}

const std::vector<float> kPenaltyLogits = {2, -2, 1, 0.5, -1};

TEST(SamplePenalty, RepetitionDividesPositiveAndMultipliesNegative) {
  expect_logits("repetition(2)", {0, 1}, {2, 2, 2}, kPenaltyLogits, {1, -4, 0.5, 0.5, -1});
  expect_logits("repetition(2,prompt=false)", {0, 1}, {2}, kPenaltyLogits, {2, -2, 0.5, 0.5, -1});
  expect_logits("repetition(2,window=2)", {0, 1}, {2}, kPenaltyLogits, {2, -4, 0.5, 0.5, -1});
  expect_logits("repetition(2,window=2)", {0, 1, 2, 3}, {}, kPenaltyLogits, {2, -2, 0.5, 0.25, -1});
}

TEST(SamplePenalty, FrequencyCountsAndPresenceDoesNot) {
  expect_logits("frequency(0.5)", {0}, {1, 2, 2, 2}, kPenaltyLogits, {2, -2.5, -0.5, 0.5, -1});
  expect_logits("frequency(0.5,prompt=true)", {0, 0}, {2}, kPenaltyLogits, {1, -2, 0.5, 0.5, -1});
  expect_logits("frequency(-0.5)", {}, {3}, kPenaltyLogits, {2, -2, 1, 1, -1});
  expect_logits("presence(0.5)", {0}, {1, 2, 2, 2}, kPenaltyLogits, {2, -2.5, 0.5, 0.5, -1});
  expect_logits("frequency(0.25) | presence(0.5)", {}, {2, 2}, kPenaltyLogits, {2, -2, 0, 0.5, -1});
}

TEST(SamplePenalty, LogitBiasAddsAndBans) {
  expect_logits("logit_bias([1:3.5, 0:-1])", {}, {}, kPenaltyLogits, {1, 1.5, 1, 0.5, -1});
  expect_logits("logit_bias([99:5])", {}, {}, kPenaltyLogits, {2, -2, 1, 0.5, -1});  // no such token
  auto sampler = make_sampler("logit_bias([0:-inf]) | greedy", 0);
  EXPECT_EQ(sampler->sample(kPenaltyLogits), 2);
}

TEST(SamplePenalty, WorkOnListsToo) {
  auto sampler = make_sampler("top_k(3) | repetition(4) | greedy", 0);
  sampler->reset_prompt(Ids{0, 1});
  EXPECT_EQ(sampler->sample(kPenaltyLogits), 2);  // 2 / 4 < 1
}

TEST(SamplePenalty, AdvanceFollowsOnePathAndClonesPart) {
  auto a = make_sampler("frequency(10) | greedy", 0);
  EXPECT_EQ(a->sample(kPenaltyLogits), 0);
  auto b = a->clone();
  b->advance(0);
  EXPECT_EQ(b->sample(kPenaltyLogits), 2);
  EXPECT_EQ(a->sample(kPenaltyLogits), 0);
  b->reset_prompt({});
  EXPECT_EQ(b->sample(kPenaltyLogits), 0);
}

TEST(TokenMemory, CountsAsAPlainRecount) {
  std::mt19937 random(3);
  for (int64_t window : {0, 1, 5, 40})
    for (bool prompt : {false, true}) {
      TokenMemory memory(window, prompt);
      Ids seen;
      for (size_t i = 0; i < random() % 60; ++i) seen.push_back(static_cast<int32_t>(random() % 9));
      memory.reset(seen);
      if (!prompt) seen.clear();
      for (int i = 0; i < 100; ++i) {
        seen.push_back(static_cast<int32_t>(random() % 9));
        memory.advance(seen.back());
        std::map<int32_t, int32_t> expected;
        const size_t n = window == 0 ? seen.size() : std::min(seen.size(), static_cast<size_t>(window));
        for (size_t j = seen.size() - n; j < seen.size(); ++j) ++expected[seen[j]];
        ASSERT_EQ(memory.counts(), (std::vector<std::pair<int32_t, int32_t>>(expected.begin(), expected.end())));
      }
    }
}

}  // namespace
}  // namespace frugal
