// What a model is, read from GGUF metadata or config.json, in one vocabulary.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "io/checkpoint.h"
#include "text/tokenizer.h"

namespace frugal {

// Rotary and other position schemes. Field meanings follow config.json's rope_scaling (see model/positions.h).
struct PositionConfig {
  std::string kind = "rope";  // rope, alibi, none
  bool interleaved = false;   // pairs (2i, 2i+1) as in the original Llama and GGUF; false: halves (i, i + D/2)
  double theta = 10000.0;
  double partial = 1.0;          // share of the head size that rotates
  std::string scaling = "none";  // none, linear, ntk, dynamic, yarn, llama3
  double factor = 1.0;
  double low_freq_factor = 1.0, high_freq_factor = 4.0;  // llama3
  double beta_fast = 32.0, beta_slow = 1.0;              // yarn
  double attention_factor = 0.0;                         // yarn's temperature; 0: the formula's
  bool truncate = true;                                  // yarn: the ramp's ends are whole pairs
  double mscale = 0.0, mscale_all_dim = 0.0;             // yarn, DeepSeek's form
  int64_t original_context = 0;                          // the context that was trained; for dynamic the configured one
  std::vector<float> freq_factors;  // GGUF rope_freqs.weight: divides the frequency of each pair; empty: none
};

struct ModelConfig {
  std::string family;  // llama, qwen2, qwen3, gemma3, mixtral
  std::string name;
  int64_t layers = 0, width = 0, heads = 0, kv_heads = 0, head_dim = 0, ff_width = 0, vocab = 0, context = 0;
  double norm_eps = 1e-5;
  bool tied_embeddings = false;
  bool qkv_bias = false, attn_out_bias = false, mlp_bias = false;
  bool qk_norm = false;
  std::string activation = "silu";  // silu, gelu, gelu_tanh
  PositionConfig position;
  std::optional<PositionConfig> local_position;  // gemma3: layers with a window use this one
  int64_t window = 0;                            // sliding window in tokens, the token itself counted; 0: none
  std::vector<bool> layer_is_local;              // which layers use the window; empty: all when window > 0
  double attn_scale = 0.0;                       // 0: 1 / sqrt(head_dim)
  double attn_softcap = 0.0, logit_softcap = 0.0;
  double embedding_scale = 1.0, residual_scale = 1.0, logit_scale = 1.0;  // muP-like multipliers
  bool norm_plus_one = false;             // gemma in Hugging Face form: gain is 1 + w (GGUF has it folded in)
  bool sandwich_norms = false;            // gemma: norms after attention and MLP too
  int64_t experts = 0, experts_used = 0;  // mixture of experts
  std::vector<int32_t> eos;               // every end id
  int32_t bos = -1;
};

// Reads the configuration that belongs to checkpoint (for safetensors: config.json and generation_config.json beside
// it). Every field that sizes memory is checked against the tensors that are there. Throws Error.
ModelConfig read_model_config(const Checkpoint& checkpoint);

// Reads the tokenizer that belongs to checkpoint. Throws Error when it has none or its size is not the vocabulary's.
TokenizerSpec read_tokenizer(const Checkpoint& checkpoint);

// The engine's tensor names are GGUF's (token_embd.weight, blk.N.attn_q.weight, ...); this maps them to the file's.
// Hugging Face names on the right for safetensors, the same name for GGUF. Families differ only in a table.
std::string file_name_of(const std::string& engine_name, const ModelConfig& config, const std::string& format);
// The other way; empty when the name is none of the family's.
std::string engine_name_of(const std::string& file_name, const ModelConfig& config, const std::string& format);

}  // namespace frugal
