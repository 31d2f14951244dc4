// Embeddings that a batch brings (images, soft prompts) go in as they are, through both Ops: Gemma scales
// those of its table and not these.
#include <gtest/gtest.h>

#include "model/aten/aten_test_model.h"
#include "model/pass_harness.h"

namespace frugal {
namespace {

TEST(GivenEmbeddings, AreTakenAsTheyAre) {
  auto model = Model::open(testkit::golden("families/gemma3"));
  const ModelConfig& c = model->config();
  Batch batch = whole_batch({{1, 7, 99, 4, 250, 31}});
  AtenWeights weights({at::kDouble, false});
  const at::Tensor expected = logits_of(*model, weights, batch);

  // The same rows, two of them given: what the table would have given them, scaled.
  batch.embeddings.resize(static_cast<size_t>(batch.rows() * c.width));
  for (int64_t r : {1, 4}) {
    float* row = batch.embeddings.data() + r * c.width;
    model->weight("token_embd.weight", c.vocab, c.width).row(batch.ids[static_cast<size_t>(r)], row);
    for (int64_t i = 0; i < c.width; ++i) row[i] *= static_cast<float>(c.embedding_scale);
    batch.ids[static_cast<size_t>(r)] = -1;
  }
  EXPECT_LT((logits_of(*model, weights, batch) - expected).abs().max().item<double>(), 1e-5);

  auto pool = make_kv_pool({model->kv_shapes(), "f32", 4096, true, nullptr});
  auto seq = pool->create();
  ASSERT_TRUE(seq->reserve(batch.rows()));
  batch.seqs[0].seq = seq.get();
  ThreadTeam team(1, false);
  AttendSpec spec;
  spec.heads = static_cast<int>(c.heads);
  const AlignedBuffer scratch(attend_scratch_bytes(*pool, spec, batch.rows(), 1, batch.rows(), 1));
  Programs programs(*model);
  Program& program = programs.get(team, Compute::kF32, batch.rows(), batch.rows());
  program.run(team, {&batch, pool.get(), {reinterpret_cast<std::byte*>(scratch.data()), scratch.size()}});
  const std::span logits(program.logits(), static_cast<size_t>(expected.numel()));
  EXPECT_LT((to_tensor(logits, expected.sizes()) - expected).abs().max().item<double>(), 1e-3);
}

}  // namespace
}  // namespace frugal
