// An adapter is written on Ops once: the same LoRA-shaped change runs through AtenOps and through a Program,
// on every projection of a model, and gives the same logits; its own weights get gradients.
#include <gtest/gtest.h>

#include <deque>

#include "model/aten/aten_test_model.h"
#include "model/pass_harness.h"

namespace frugal {
namespace {

// y + scale * B (A x) (Hu et al. 2021, arXiv 2106.09685), with random A and B.
class LowRankChange : public Adapter {
 public:
  LowRankChange(int64_t rows, int64_t cols, int64_t rank, uint64_t seed)
      : a_values_(random_values(rank * cols, seed)),
        b_values_(random_values(rows * rank, seed + 1)),
        a_(view("A", a_values_, rank, cols)),
        b_(view("B", b_values_, rows, rank)) {}

  Val apply(Ops& ops, Val x, Val base_out, const Linear&) const override {
    return ops.add(base_out, ops.scale(ops.linear(ops.linear(x, down_), up_), 0.5f));
  }
  const Weight& a() const { return a_; }
  const Weight& b() const { return b_; }

 private:
  static std::vector<float> random_values(int64_t n, uint64_t seed) {
    Stream random(seed, 0, Purpose::kTest);
    std::vector<float> values(static_cast<size_t>(n));
    for (float& v : values) v = 0.4f * (random.uniform() - 0.5f);
    return values;
  }
  static TensorView view(const char* name, const std::vector<float>& values, int64_t rows, int64_t cols) {
    return {name,
            DType::kF32,
            {rows, cols},
            reinterpret_cast<const std::byte*>(values.data()),
            values.size() * sizeof(float)};
  }

  std::vector<float> a_values_, b_values_;
  Weight a_, b_;
  Linear down_{&a_, nullptr, {}}, up_{&b_, nullptr, {}};
};

// A change for every projection of the model's layers.
std::deque<LowRankChange> adapt_everything(Model& model, int64_t rank) {
  const ModelConfig& c = model.config();
  const int64_t q = c.heads * c.head_dim, kv = c.kv_heads * c.head_dim;
  struct Projection {
    const char* name;
    int64_t rows, cols;
    bool bias;
  };
  const Projection all[] = {{"attn_q", q, c.width, c.qkv_bias},
                            {"attn_k", kv, c.width, c.qkv_bias},
                            {"attn_v", kv, c.width, c.qkv_bias},
                            {"attn_output", c.width, q, c.attn_out_bias},
                            {"ffn_gate", c.ff_width, c.width, c.mlp_bias},
                            {"ffn_up", c.ff_width, c.width, c.mlp_bias},
                            {"ffn_down", c.width, c.ff_width, c.mlp_bias}};
  std::deque<LowRankChange> changes;
  for (int64_t layer = 0; layer < c.layers; ++layer)
    for (const Projection& p : all) {
      const LowRankChange& change = changes.emplace_back(p.rows, p.cols, rank, 2 * changes.size());
      model.linear("blk." + std::to_string(layer) + "." + p.name, p.rows, p.cols, p.bias).adapters.push_back(&change);
    }
  return changes;
}

class AtenAdapter : public testing::TestWithParam<const char*> {
 protected:
  const std::string path_ = testkit::golden("families/") + GetParam();
};

TEST_P(AtenAdapter, SameThroughProgramAndAtOnce) {
  auto plain = Model::open(path_), adapted = Model::open(path_);
  const auto changes = adapt_everything(*adapted, 5);
  const std::vector<int32_t> ids = testkit::random_ids(*adapted, 37, 3);
  AtenWeights weights({at::kDouble, false});
  const at::Tensor expected = logits_of(*adapted, weights, whole_batch({ids}));
  testkit::Pass pass(*adapted, {Compute::kF32, "f32", 2, nullptr});
  for (size_t chunk : {ids.size(), size_t{1}}) {
    const std::vector<float> found = pass.chunks(ids, chunk);
    const at::Tensor off = (to_tensor(std::span(found), expected.sizes()) - expected).abs();
    EXPECT_LT(off.max().item<double>(), 1e-4) << "chunks of " << chunk;
  }
  AtenWeights plain_weights({at::kDouble, false});
  EXPECT_GT((logits_of(*plain, plain_weights, whole_batch({ids})) - expected).abs().max().item<double>(), 0.1);
}

TEST_P(AtenAdapter, ItsWeightsGetGradients) {
  auto model = Model::open(path_);
  const auto changes = adapt_everything(*model, 5);
  const std::vector<int32_t> ids = testkit::random_ids(*model, 12, 4);
  AtenWeights weights({at::kDouble, true});
  nlls_of(logits_of(*model, weights, whole_batch({ids})), ids).mean().backward();
  for (const LowRankChange& change : changes)
    for (const Weight* w : {&change.a(), &change.b()}) {
      ASSERT_TRUE(weights.of(*w).grad().defined());
      EXPECT_GT(weights.of(*w).grad().abs().max().item<double>(), 0.0);
    }
}
INSTANTIATE_TEST_SUITE_P(All, AtenAdapter, testing::Values("llama", "llama-bias", "qwen3", "gemma3"));

}  // namespace
}  // namespace frugal
