// Conversion against files that others made, and there and back again for every family.
#include "io/convert.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "base/blocks.h"
#include "base/error.h"
#include "io/gguf_tokenizer.h"
#include "io/hf_tokenizer.h"
#include "io/io_test_files.h"
#include "io/model_config.h"
#include "io/tokenizer_gguf.h"

namespace frugal::convert_test {
namespace {

using Json = nlohmann::ordered_json;
using testing_files::kGolden;
using testing_files::TemporaryFolder;

const std::string kGguf = kGolden + "stories260k/stories260K-f32.gguf", kFolder = kGolden + "stories260k/hf";

ConvertReport convert_file(const std::string& in, const std::string& out, const std::string& type = "",
                           int threads = 2) {
  ConvertOptions options;
  options.type = type;
  options.threads = threads;
  return convert(Checkpoint::open(in), out, options);
}

void expect_equal_tensors(const std::string& expected_path, const std::string& found_path, float tolerance = 0.0f) {
  const Checkpoint expected = Checkpoint::open(expected_path), found = Checkpoint::open(found_path);
  EXPECT_EQ(expected.tensors.size(), found.tensors.size());
  for (const TensorView& e : expected.tensors) {
    const TensorView* f = found.find(e.name);
    ASSERT_NE(f, nullptr) << e.name;
    ASSERT_EQ(e.shape, f->shape) << e.name;
    ASSERT_EQ(e.dtype, f->dtype) << e.name;
    if (tolerance == 0.0f) {
      EXPECT_EQ(std::memcmp(e.data, f->data, e.bytes), 0) << e.name;
      continue;
    }
    std::vector<float> a(static_cast<size_t>(e.elements())), b(a.size());
    dequantise_row(e.dtype, e.data, a.data(), e.elements());
    dequantise_row(f->dtype, f->data, b.data(), e.elements());
    for (size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], tolerance) << e.name << " " << i;
  }
}

// Both directions against llama.cpp's own converter, which made the GGUF file from the folder.
TEST(Convert, StoriesToHuggingFace) {
  TemporaryFolder folder;
  const ConvertReport report = convert_file(kGguf, folder / "hf");
  EXPECT_EQ(report.tensors, 47);
  EXPECT_EQ(report.types.at("f32"), 47);
  expect_equal_tensors(kFolder, folder / "hf");
  const ModelConfig c = read_model_config(Checkpoint::open(folder / "hf"));
  EXPECT_EQ(c.family, "llama");
  EXPECT_EQ(c.kv_heads, 4);
  EXPECT_FALSE(c.position.interleaved);
  EXPECT_EQ(c.norm_eps, 1e-5);
}

TEST(Convert, StoriesToGguf) {
  TemporaryFolder folder;
  std::filesystem::copy(kFolder + "/model.safetensors", folder / "model.safetensors");
  std::filesystem::copy(kFolder + "/config.json", folder / "config.json");
  convert_file(folder.path(), folder / "x.gguf");
  expect_equal_tensors(kGguf, folder / "x.gguf");
  const Checkpoint made = Checkpoint::open(folder / "x.gguf"), theirs = Checkpoint::open(kGguf);
  for (const auto& [key, value] : theirs.metadata.items())
    if (key.starts_with("llama.")) {
      EXPECT_EQ(made.metadata.value(key, Json()), value) << key;
    }
  EXPECT_EQ(made.metadata["general.file_type"], 0);
}

std::string config_text(const ModelConfig& c) {
  std::string s = fmt::format(
      "{} {} {} {} {} {} {} {} {} eps {:.3g} tied {} bias {}{}{} qk {} {} window {} local {} experts {} {} eos {} bos "
      "{}",
      c.family, c.layers, c.width, c.heads, c.kv_heads, c.head_dim, c.ff_width, c.vocab, c.context, c.norm_eps,
      c.tied_embeddings, c.qkv_bias, c.attn_out_bias, c.mlp_bias, c.qk_norm, c.activation, c.window,
      c.layer_is_local.size(), c.experts, c.experts_used, fmt::join(c.eos, ","), c.bos);
  for (const PositionConfig& p : {c.position, c.local_position.value_or(c.position)})
    s += fmt::format(" | {} {} theta {:.6g} partial {} factor {:.6g} low {} high {} beta {} {} original {}", p.kind,
                     p.scaling, p.theta, p.partial, p.factor, p.low_freq_factor, p.high_freq_factor, p.beta_fast,
                     p.beta_slow, p.scaling == "none" || p.scaling == "linear" ? 0 : p.original_context);
  return s;
}

class ConvertFamilies : public ::testing::TestWithParam<const char*> {};

TEST_P(ConvertFamilies, ThereAndBackAgain) {
  TemporaryFolder folder;
  const std::string source = kGolden + "families/" + GetParam();
  convert_file(source, folder / "x.gguf");
  convert_file(folder / "x.gguf", folder / "hf");
  const bool gemma = std::string(GetParam()).starts_with("gemma");
  expect_equal_tensors(source, folder / "hf", gemma ? 1e-6f : 0.0f);
  ModelConfig before = read_model_config(Checkpoint::open(source)),
              after = read_model_config(Checkpoint::open(folder / "hf"));
  if (before.position.scaling == "llama3") before.position.original_context = after.position.original_context;
  // GGUF has no key for end ids without a tokenizer.
  before.eos = after.eos;
  before.bos = after.bos;
  EXPECT_EQ(config_text(before), config_text(after));
}

INSTANTIATE_TEST_SUITE_P(All, ConvertFamilies,
                         ::testing::Values("llama", "llama-bias", "llama-rope-linear", "llama-rope-llama3",
                                           "llama-rope-yarn", "qwen2", "qwen3", "mixtral", "mistral-window", "gemma3",
                                           "gemma3-v5"),
                         [](const auto& p) {
                           std::string name = p.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace frugal::convert_test
