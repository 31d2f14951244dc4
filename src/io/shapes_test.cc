// Random models: the file has the declared shape and types, reads back as that configuration, and repeats with its
// seed.
#include "io/shapes.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/blocks.h"
#include "base/error.h"
#include "io/io_test_files.h"

namespace frugal {
namespace {

using testing_files::TemporaryFolder;

TEST(Shapes, FileHasTheShape) {
  TemporaryFolder folder;
  const std::string path = folder / "x.gguf";
  int64_t reported = 0;
  const int64_t bytes = write_random_model("smollm2-135m", "q4_k_m", path, 7, [&](int64_t n) { reported += n; });
  EXPECT_EQ(bytes, random_model_bytes("smollm2-135m", "q4_k_m"));
  EXPECT_EQ(reported, bytes);
  const Checkpoint file = Checkpoint::open(path);
  EXPECT_EQ(file.tensors.size(), 2u + 30 * 9);
  EXPECT_EQ(file.metadata["general.file_type"], 15);
  EXPECT_EQ(file.at("token_embd.weight").dtype, DType::kQ8_0);  // 576 is no multiple of 256: from q6_k
  EXPECT_EQ(file.at("blk.0.ffn_down.weight").dtype, DType::kQ6_K);
  EXPECT_EQ(file.at("blk.4.ffn_down.weight").dtype, DType::kQ4_K);
  EXPECT_EQ(file.at("blk.4.ffn_up.weight").dtype, DType::kQ5_0);  // from q4_k
  EXPECT_EQ(file.at("blk.4.attn_norm.weight").dtype, DType::kF32);
  const ModelConfig read = read_model_config(file), made = shape_config("smollm2-135m");
  EXPECT_EQ(read.layers, made.layers);
  EXPECT_EQ(read.kv_heads, made.kv_heads);
  EXPECT_EQ(read.head_dim, made.head_dim);
  EXPECT_EQ(read.ff_width, made.ff_width);
  EXPECT_EQ(read.vocab, made.vocab);
  EXPECT_EQ(read.context, made.context);
  EXPECT_TRUE(read.tied_embeddings);
  EXPECT_DOUBLE_EQ(read.position.theta, 1e5);
}

TEST(Shapes, WeightsAreNormalAndRowsDiffer) {
  TemporaryFolder folder;
  write_random_model("smollm2-135m", "q8_0", folder / "a.gguf", 1);
  write_random_model("smollm2-135m", "q8_0", folder / "b.gguf", 1);
  write_random_model("smollm2-135m", "q8_0", folder / "c.gguf", 2);
  EXPECT_TRUE(testing_files::slurp(folder / "a.gguf") == testing_files::slurp(folder / "b.gguf"));
  EXPECT_FALSE(testing_files::slurp(folder / "a.gguf") == testing_files::slurp(folder / "c.gguf"));
  const Checkpoint file = Checkpoint::open(folder / "a.gguf");
  const TensorView& t = file.at("blk.3.ffn_up.weight");
  double sum = 0, squares = 0;
  std::vector<float> first(576), row(576);
  dequantise_row(t.dtype, t.row(0), first.data(), 576);
  for (int64_t r = 0; r < t.rows(); ++r) {
    dequantise_row(t.dtype, t.row(r), row.data(), 576);
    ASSERT_TRUE(r == 0 || row != first) << r;
    for (float v : row) sum += v, squares += v * v;
  }
  EXPECT_NEAR(sum / static_cast<double>(t.elements()), 0, 2e-4);
  EXPECT_NEAR(std::sqrt(squares / static_cast<double>(t.elements())), 0.02, 2e-4);
}

TEST(Shapes, SizesAreThoseOfTheModels) {
  constexpr int64_t kMatrices = 1235746816, kNorms = 33 * 2048, kDivisors = 32;
  EXPECT_EQ(random_model_bytes("llama-3.2-1b", "bf16"), 2 * kMatrices + 4 * kNorms + 4 * kDivisors);
  EXPECT_EQ(shape_config("llama-3.1-8b").position.factor, 8);
  EXPECT_THROW(shape_config("llama-3.1-9b"), Error);
  EXPECT_THROW(random_model_bytes("llama-3.2-1b", "q9"), Error);
}

}  // namespace
}  // namespace frugal
