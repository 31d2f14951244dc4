// Configurations of both formats in one vocabulary, and names both ways, on the tiny models of tests/golden.
#include "io/model_config.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "io/config_reader.h"
#include "io/io_test_files.h"

namespace frugal {
namespace {

using testing_files::kGolden;

ModelConfig family_config(const std::string& name) {
  return read_model_config(Checkpoint::open(kGolden + "families/" + name));
}

TEST(ModelConfig, BothFormatsOfOneModelAgree) {
  const ModelConfig a = read_model_config(Checkpoint::open(kGolden + "stories260k/stories260K-f32.gguf"));
  const ModelConfig b = read_model_config(Checkpoint::open(kGolden + "stories260k/hf"));
  EXPECT_EQ(a.family, "llama");
  EXPECT_EQ(b.family, "llama");
  for (auto field : {&ModelConfig::layers, &ModelConfig::width, &ModelConfig::heads, &ModelConfig::kv_heads,
                     &ModelConfig::head_dim, &ModelConfig::ff_width, &ModelConfig::vocab, &ModelConfig::context})
    EXPECT_EQ(a.*field, b.*field);
  EXPECT_EQ(a.eos, b.eos);
  EXPECT_EQ(a.bos, b.bos);
  EXPECT_TRUE(a.tied_embeddings && b.tied_embeddings);
  EXPECT_TRUE(a.position.interleaved);
  EXPECT_FALSE(b.position.interleaved);
  EXPECT_NEAR(a.norm_eps, b.norm_eps, 1e-9);
}

TEST(ModelConfig, Families) {
  EXPECT_EQ(family_config("mistral-window").window, 16);
  EXPECT_TRUE(family_config("llama-bias").mlp_bias);
  EXPECT_EQ(family_config("llama-rope-llama3").position.scaling, "llama3");
  EXPECT_EQ(family_config("llama-rope-llama3-v5").position.factor, 32.0);
  EXPECT_EQ(family_config("llama-rope-yarn").position.original_context, 64);
  EXPECT_TRUE(family_config("qwen2").qkv_bias);
  EXPECT_FALSE(family_config("qwen2").attn_out_bias);
  EXPECT_EQ(family_config("qwen2").window, 0);
  EXPECT_TRUE(family_config("qwen3").qk_norm);
  const ModelConfig mixtral = family_config("mixtral");
  EXPECT_EQ(mixtral.family, "mixtral");
  EXPECT_EQ(mixtral.experts, 4);
  EXPECT_EQ(mixtral.experts_used, 2);
  for (const char* name : {"gemma3", "gemma3-v5"}) {
    const ModelConfig gemma = family_config(name);
    EXPECT_EQ(gemma.family, "gemma3");
    EXPECT_TRUE(gemma.norm_plus_one && gemma.sandwich_norms && gemma.local_position.has_value());
  }
  EXPECT_EQ(family_config("gemma3").layer_is_local, (std::vector<bool>{true, true, false, true}));
  EXPECT_EQ(family_config("gemma3-v5").layer_is_local, (std::vector<bool>{true, false, true, false}));
}

TEST(ModelConfig, EveryEndTokenOfGenerationConfigCounts) {
  auto config = nlohmann::ordered_json::parse(
      R"({"model_type":"llama","hidden_size":8,"num_hidden_layers":1,"num_attention_heads":2,"intermediate_size":5,"vocab_size":7,"eos_token_id":1})");
  EXPECT_EQ(config_from_json(config, {}).eos, std::vector<int32_t>{1});
  EXPECT_EQ(config_from_json(config, {{"eos_token_id", {2, 3}}}).eos, (std::vector<int32_t>{2, 3}));
}

TEST(NameMap, EveryTensorOfEveryFamilyBothWays) {
  for (const char* family : {"llama", "llama-bias", "mistral-window", "qwen2", "qwen3", "gemma3", "mixtral"}) {
    const Checkpoint file = Checkpoint::open(kGolden + "families/" + family);
    const ModelConfig config = read_model_config(file);
    for (const TensorView& t : file.tensors) {
      const std::string engine = engine_name_of(t.name, config, "safetensors");
      EXPECT_TRUE(engine.starts_with("blk.") || engine.starts_with("token_embd.") || engine.starts_with("output"))
          << t.name << " " << engine;
      EXPECT_EQ(file_name_of(engine, config, "safetensors"), t.name);
    }
  }
}

TEST(NameMap, SpecialNames) {
  ModelConfig llama, gemma, mixtral;
  llama.family = "llama";
  gemma.family = "gemma3";
  mixtral.family = "mixtral";
  EXPECT_EQ(engine_name_of("model.layers.3.post_attention_layernorm.weight", llama, "safetensors"),
            "blk.3.ffn_norm.weight");
  EXPECT_EQ(engine_name_of("model.layers.3.post_attention_layernorm.weight", gemma, "safetensors"),
            "blk.3.post_attention_norm.weight");
  EXPECT_EQ(engine_name_of("model.layers.0.block_sparse_moe.experts.7.w2.weight", mixtral, "safetensors"),
            "blk.0.ffn_down.7.weight");
  EXPECT_EQ(engine_name_of("vision.stem.weight", llama, "safetensors"), "");
  EXPECT_EQ(file_name_of("blk.1.attn_q.weight", llama, "gguf"), "blk.1.attn_q.weight");
}

}  // namespace
}  // namespace frugal
