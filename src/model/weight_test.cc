// Weights that change under a model, and adapters on its projections: the Programs follow.
#include <gtest/gtest.h>

#include <cstring>

#include "base/error.h"
#include "model/pass_harness.h"

namespace frugal {
namespace {

// y + scale * (x A^T) B^T, the shape of LoRA (Hu et al. 2021, arXiv 2106.09685): A is r x cols, B is rows x r.
struct LowRank : Adapter {
  int64_t rows, cols, rank;
  float scale;
  std::vector<float> a_values, b_values;
  mutable Weight a, b;

  static std::vector<float> noise(uint64_t seed, int64_t n) {
    Stream random = stream(seed, 6, Purpose::kTest);
    std::vector<float> x(static_cast<size_t>(n));
    for (float& v : x) v = 0.2f * (random.uniform() - 0.5f);
    return x;
  }
  static TensorView view(const char* name, const std::vector<float>& x, int64_t r, int64_t c) {
    return {name, DType::kF32, {r, c}, reinterpret_cast<const std::byte*>(x.data()), x.size() * 4};
  }
  LowRank(int64_t rows_, int64_t cols_, int64_t rank_, float scale_)
      : rows(rows_),
        cols(cols_),
        rank(rank_),
        scale(scale_),
        a_values(noise(1, rank * cols)),
        b_values(noise(2, rows * rank)),
        a(view("a", a_values, rank, cols)),
        b(view("b", b_values, rows, rank)) {}

  Val apply(Ops& ops, Val x, Val base_out, const Linear&) const override {
    const Val low = ops.linear(x, Linear{&a, nullptr, {}});
    return ops.add(base_out, ops.scale(ops.linear(low, Linear{&b, nullptr, {}}), scale));
  }
  // The base weight with the product added to it.
  std::vector<float> merged(Weight& base) const {
    std::vector<float> w(base.floats(), base.floats() + rows * cols);
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t c = 0; c < cols; ++c) {
        double sum = 0;
        for (int64_t k = 0; k < rank; ++k)
          sum += static_cast<double>(b_values[static_cast<size_t>(r * rank + k)]) *
                 static_cast<double>(a_values[static_cast<size_t>(k * cols + c)]);
        w[static_cast<size_t>(r * cols + c)] += static_cast<float>(sum * static_cast<double>(scale));
      }
    return w;
  }
};

struct ChangingWeights : testing::Test {
  std::unique_ptr<Model> model = Model::open(testkit::golden("families/llama"));
  std::vector<int32_t> ids = testkit::random_ids(*model, 30, 9);
  testkit::Pass pass{*model, {Compute::kF32, "f32", 2, nullptr}};

  Linear& projection(const std::string& name, int64_t rows, int64_t cols) { return model->linear(name, rows, cols); }
  std::vector<float> logits(size_t chunk = 30) { return pass.chunks(ids, chunk); }
  static double distance(const std::vector<float>& a, const std::vector<float>& b) {
    double most = a.size() == b.size() ? 0 : 1e9;
    for (size_t i = 0; i < a.size() && i < b.size(); ++i)
      most = std::max(most, std::fabs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
    return most;
  }
};

TEST_F(ChangingWeights, ReplacedAndRestored) {
  const ModelConfig& c = model->config();
  const auto before = logits(), before_by_one = logits(1);
  Weight& w = *projection("blk.1.ffn_down", c.width, c.ff_width).weight;
  std::vector<float> doubled(w.floats(), w.floats() + w.rows() * w.cols());
  for (float& x : doubled) x *= 2;
  w.replace(doubled);
  const auto changed = logits();
  EXPECT_GT(distance(before, changed), 1e-2);
  EXPECT_EQ(logits(1), changed);
  w.replace(doubled);  // twice: restore() still knows the file's values
  w.restore();
  EXPECT_EQ(logits(), before);
  EXPECT_EQ(logits(1), before_by_one);
  w.restore();
  EXPECT_EQ(logits(), before);
  EXPECT_THROW(w.replace({1, 2, 3}), Error);
}

TEST_F(ChangingWeights, ReplacedGainIsSeen) {
  Weight& gain = model->weight("blk.0.attn_norm.weight", 1, model->config().width);
  const auto before = logits();
  gain.replace(std::vector<float>(static_cast<size_t>(gain.cols()), 0.5f));
  EXPECT_GT(distance(logits(), before), 1e-3);
  gain.restore();
  EXPECT_EQ(logits(), before);
}

// On projections that the Recorder fuses in every way: shared input, residual sum, gate.
TEST_F(ChangingWeights, AdapterEqualsMergedWeight) {
  const ModelConfig& c = model->config();
  const struct {
    const char* name;
    int64_t rows, cols;
  } places[] = {{"blk.0.attn_q", c.heads * c.head_dim, c.width},
                {"blk.1.attn_v", c.kv_heads * c.head_dim, c.width},
                {"blk.0.attn_output", c.width, c.heads * c.head_dim},
                {"blk.1.ffn_gate", c.ff_width, c.width},
                {"blk.0.ffn_up", c.ff_width, c.width},
                {"blk.1.ffn_down", c.width, c.ff_width}};
  const auto before = logits();
  for (const auto& place : places) {
    Linear& l = projection(place.name, place.rows, place.cols);
    const LowRank lora(place.rows, place.cols, 4, 1.5f);
    l.adapters.push_back(&lora);
    model->forget_programs();
    const auto adapted = logits();
    EXPECT_EQ(logits(1), adapted) << place.name;  // the row contract holds with adapters
    l.adapters.clear();
    l.weight->replace(lora.merged(*l.weight));
    EXPECT_GT(distance(adapted, before), 1e-2) << place.name;
    EXPECT_LT(distance(adapted, logits()), 2e-4) << place.name;
    l.weight->restore();
    EXPECT_EQ(logits(), before) << place.name;
  }
}

}  // namespace
}  // namespace frugal
