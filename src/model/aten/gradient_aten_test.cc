// The gradient of a whole model's loss against central finite differences, in float64.
#include <gtest/gtest.h>

#include "model/aten/aten_test_model.h"

namespace frugal {
namespace {

const std::string kGradientFamilies = std::string(FRUGAL_SOURCE_DIR) + "/tests/golden/families/";

// Mean nll of two packed sequences, so that every weight matters and shares stay apart.
at::Tensor small_loss(Model& model, AtenWeights& weights) {
  const std::vector<int32_t> a = {1, 17, 250, 3, 99, 17, 4, 60, 61, 62, 5, 200, 201, 9, 8, 7, 33, 44, 55, 66},
                             b = {1, 90, 91, 30, 30};
  const at::Tensor logits = logits_of(model, weights, whole_batch({a, b}));
  const int64_t n = static_cast<int64_t>(a.size());
  return nlls_of(logits, a).mean() + nlls_of(logits.narrow(0, n, logits.size(0) - n), b).mean();
}

// (loss(w + h) - loss(w - h)) / 2h for entry i of the weight.
double slope_of(Model& model, AtenWeights& weights, double* entry) {
  constexpr double kStep = 1e-5;
  const double value = *entry;
  *entry = value + kStep;
  const double up = small_loss(model, weights).item<double>();
  *entry = value - kStep;
  const double down = small_loss(model, weights).item<double>();
  *entry = value;
  return (up - down) / (2 * kStep);
}

class AtenGradient : public testing::TestWithParam<const char*> {};
TEST_P(AtenGradient, MatchesFiniteDifferences) {
  auto model = Model::open(kGradientFamilies + GetParam());
  AtenWeights weights({at::kDouble, true});
  small_loss(*model, weights).backward();
  AtenWeights plain({at::kDouble, false});
  small_loss(*model, plain);
  ASSERT_EQ(weights.all().size(), plain.all().size());
  EXPECT_GE(weights.all().size(), 20u);  // embeddings, two layers of nine or more, last norm
  for (const auto& [weight, tensor] : weights.all()) {
    const at::Tensor gradient = tensor.grad();
    ASSERT_TRUE(gradient.defined()) << weight->source().name;
    const double* g = gradient.contiguous().const_data_ptr<double>();
    double* entries = plain.of(*weight).mutable_data_ptr<double>();
    const int64_t n = tensor.numel();
    const int64_t largest = gradient.abs().argmax().item<int64_t>();  // an entry that does matter
    for (int64_t i : {largest, int64_t{0}, n / 3, n - 1}) {
      const double expected = slope_of(*model, plain, entries + i);
      EXPECT_NEAR(g[i], expected, 1e-8 + 1e-6 * std::abs(expected)) << weight->source().name << " entry " << i;
    }
    EXPECT_GT(std::abs(g[largest]), 1e-7) << weight->source().name;
  }
}
INSTANTIATE_TEST_SUITE_P(All, AtenGradient, testing::Values("llama", "qwen2", "gemma3", "mixtral"));

}  // namespace
}  // namespace frugal
