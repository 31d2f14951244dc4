// The engine against reference implementations' numbers: llama2.c on stories260K, transformers on SmolLM2 and on tiny
// random models of every family. See the SOURCE.txt files under tests/golden.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/sanitized.h"
#include "engine/score.h"

namespace frugal {
namespace {

using GoldenJson = nlohmann::json;
const std::string kGolden = std::string(FRUGAL_SOURCE_DIR) + "/tests/golden/";
const std::string kDefaultModel = std::string(FRUGAL_SOURCE_DIR) + "/models/SmolLM2-135M-Instruct.Q4_1.gguf";

std::vector<GoldenJson> golden_lines(const std::string& path) {
  std::ifstream in(path);
  std::vector<GoldenJson> lines;
  for (std::string line; std::getline(in, line);)
    if (!line.empty()) lines.push_back(GoldenJson::parse(line));
  return lines;
}

RunnerOptions exact_options(int threads = 2) {
  RunnerOptions o;
  o.threads = threads;
  o.compute = Compute::kF32;
  o.kv = "f32";
  return o;
}

// The next n most likely ids, one by one.
std::vector<int32_t> greedy_ids(Runner& runner, const std::vector<int32_t>& prompt, size_t n) {
  auto seq = runner.sequence();
  std::vector<int32_t> feed = prompt, out;
  while (out.size() < n) {
    if (!seq->reserve(static_cast<int64_t>(feed.size()))) break;
    const Batch batch = chain(*seq, feed, 1);
    const float* logits = runner.forward(batch);
    seq->commit(static_cast<int64_t>(feed.size()));
    out.push_back(static_cast<int32_t>(std::max_element(logits, logits + runner.vocab()) - logits));
    feed = {out.back()};
  }
  return out;
}

void check_stories(const std::string& path) {
  auto model = Model::open(path);
  Runner runner(*model, exact_options());
  const auto lines = golden_lines(kGolden + "stories260k/golden.jsonl");
  ASSERT_EQ(lines.size(), 15u);
  for (const GoldenJson& g : lines) {
    const auto ids = g["tokens"].get<std::vector<int32_t>>();
    const auto expected = g["nll"].get<std::vector<double>>();
    const auto found = score_tokens(runner, ids);
    ASSERT_EQ(found.size(), expected.size());
    for (size_t i = 0; i < found.size(); ++i) ASSERT_NEAR(found[i], expected[i], 1e-3) << "token " << i;
    auto seq = runner.sequence();
    ASSERT_TRUE(seq->reserve(static_cast<int64_t>(ids.size())));
    const float* logits = runner.forward(chain(*seq, ids, 1));
    const auto last = g["last_logits"].get<std::vector<double>>();
    for (size_t i = 0; i < last.size(); ++i) ASSERT_NEAR(logits[i], last[i], 1e-2) << "logit " << i;
    const auto greedy = g["greedy"].get<std::vector<int32_t>>();
    EXPECT_EQ(greedy_ids(runner, ids, greedy.size()), greedy);
  }
}

TEST(Golden, Stories260KFromGguf) { check_stories(kGolden + "stories260k/stories260K-f32.gguf"); }
TEST(Golden, Stories260KFromHuggingFace) { check_stories(kGolden + "stories260k/hf"); }

TEST(Golden, SmolLM2AgainstTransformers) {
  if (!std::filesystem::exists(kDefaultModel)) GTEST_SKIP() << "no default model: make setup fetches it";
  auto model = Model::open(kDefaultModel);
  Runner runner(*model, exact_options());
  for (const GoldenJson& g : golden_lines(kGolden + "smollm2/goldens.jsonl")) {
    const auto ids = g["ids"].get<std::vector<int32_t>>();
    if (kSanitized && ids.size() > 120) continue;  // three short texts of thirteen take all the same ways
    const auto expected = g["nlls"].get<std::vector<double>>();
    const auto found = score_tokens(runner, ids);
    ASSERT_EQ(found.size(), expected.size());
    for (size_t i = 0; i < found.size(); ++i) ASSERT_NEAR(found[i], expected[i], 2e-3) << "token " << i;
    if (!g.contains("greedy") || g["greedy"].empty()) continue;
    const auto greedy = g["greedy"].get<std::vector<int32_t>>();
    EXPECT_EQ(greedy_ids(runner, ids, greedy.size()), greedy);
  }
}

// The default form stays near: mean nll within 0.5 % of the float32 form's.
TEST(Golden, SmolLM2DefaultFormStaysNear) {
  if (!std::filesystem::exists(kDefaultModel)) GTEST_SKIP() << "no default model: make setup fetches it";
  auto model = Model::open(kDefaultModel);
  Runner runner(*model, {});
  double sum = 0, expected = 0;
  for (const GoldenJson& g : golden_lines(kGolden + "smollm2/goldens.jsonl")) {
    for (double x : score_tokens(runner, g["ids"].get<std::vector<int32_t>>())) sum += x;
    for (double x : g["nlls"].get<std::vector<double>>()) expected += x;
  }
  EXPECT_NEAR(sum / expected, 1.0, 0.005);
}

class FamilyGolden : public testing::TestWithParam<std::string> {};
TEST_P(FamilyGolden, MatchesTransformers) {
  const std::string dir = kGolden + "families/" + GetParam();
  auto model = Model::open(dir);
  Runner runner(*model, exact_options());
  const GoldenJson golden = GoldenJson::parse(std::ifstream(dir + "/goldens.json"));
  for (const GoldenJson& g : golden["cases"]) {
    const auto ids = g["ids"].get<std::vector<int32_t>>();
    const auto expected = g["nlls"].get<std::vector<double>>();
    model->set_context(static_cast<int64_t>(ids.size()));
    const auto found = score_tokens(runner, ids);
    ASSERT_EQ(found.size(), expected.size());
    for (size_t i = 0; i < found.size(); ++i)
      ASSERT_NEAR(found[i], expected[i], 2e-4) << "token " << i << " of " << ids.size();
  }
}
INSTANTIATE_TEST_SUITE_P(All, FamilyGolden,
                         testing::Values("llama", "llama-bias", "llama-rope-linear", "llama-rope-dynamic",
                                         "llama-rope-llama3", "llama-rope-llama3-v5", "llama-rope-yarn",
                                         "llama-rope-yarn-v5", "mistral-window", "qwen2", "qwen3", "gemma3",
                                         "gemma3-v5", "mixtral"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace frugal
