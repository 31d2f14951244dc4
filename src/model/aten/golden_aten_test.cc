// AtenOps against other people's numbers: llama2.c on stories260K, transformers on tiny random models of
// every family.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "model/aten/aten_test_model.h"

namespace frugal {
namespace {

using AtenJson = nlohmann::json;
const std::string kAtenGolden = std::string(FRUGAL_SOURCE_DIR) + "/tests/golden/";

void expect_near_all(const at::Tensor& found, const std::vector<double>& expected, double tolerance, const char* what) {
  const at::Tensor f = found.to(at::kDouble).contiguous();
  ASSERT_EQ(f.numel(), static_cast<int64_t>(expected.size()));
  for (size_t i = 0; i < expected.size(); ++i)
    ASSERT_NEAR(f.const_data_ptr<double>()[i], expected[i], tolerance) << what << " " << i << " of " << expected.size();
}

void check_aten_stories(const std::string& path) {
  auto model = Model::open(path);
  AtenWeights weights;
  std::ifstream in(kAtenGolden + "stories260k/golden.jsonl");
  int lines = 0;
  for (std::string line; std::getline(in, line); ++lines) {
    const AtenJson g = AtenJson::parse(line);
    const auto ids = g["tokens"].get<std::vector<int32_t>>();
    const at::Tensor logits = logits_of(*model, weights, whole_batch({ids}));
    expect_near_all(nlls_of(logits, ids), g["nll"].get<std::vector<double>>(), 1e-3, "token");
    expect_near_all(logits.select(0, -1), g["last_logits"].get<std::vector<double>>(), 1e-2, "logit");
  }
  EXPECT_EQ(lines, 15);
}

TEST(AtenGolden, Stories260KFromGguf) { check_aten_stories(kAtenGolden + "stories260k/stories260K-f32.gguf"); }
TEST(AtenGolden, Stories260KFromHuggingFace) { check_aten_stories(kAtenGolden + "stories260k/hf"); }

class AtenFamily : public testing::TestWithParam<std::string> {};
TEST_P(AtenFamily, MatchesTransformers) {
  const std::string dir = kAtenGolden + "families/" + GetParam();
  auto model = Model::open(dir);
  AtenWeights weights;
  const AtenJson golden = AtenJson::parse(std::ifstream(dir + "/goldens.json"));
  ASSERT_EQ(golden["cases"].size(), 3u);
  for (const AtenJson& g : golden["cases"]) {
    const auto ids = g["ids"].get<std::vector<int32_t>>();
    model->set_context(static_cast<int64_t>(ids.size()));
    const at::Tensor logits = logits_of(*model, weights, whole_batch({ids}));
    expect_near_all(nlls_of(logits, ids), g["nlls"].get<std::vector<double>>(), 1e-4, "token");
    expect_near_all(logits.select(0, -1), g["last_logits"].get<std::vector<double>>(), 1e-3, "logit");
  }
}

// Sequences of one batch do not see one another.
TEST_P(AtenFamily, PackedSequencesAreApart) {
  auto model = Model::open(kAtenGolden + "families/" + GetParam());
  AtenWeights weights({at::kDouble, false});
  const std::vector<std::vector<int32_t>> ids = {
      {1, 5, 9, 200, 7}, {3}, {8, 8, 1, 30, 60, 90, 120, 150, 180, 210, 4, 2, 1, 0, 11, 12, 13, 14, 15}};
  const at::Tensor together = logits_of(*model, weights, whole_batch(ids));
  int64_t first = 0;
  for (const auto& one : ids) {
    const int64_t n = static_cast<int64_t>(one.size());
    const at::Tensor alone = logits_of(*model, weights, whole_batch({one}));
    EXPECT_LT((alone - together.narrow(0, first, n)).abs().max().item<double>(), 1e-12);
    first += n;
  }
}

INSTANTIATE_TEST_SUITE_P(All, AtenFamily,
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
