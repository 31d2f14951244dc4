// Configuration from GGUF key-values, and from the tensors that are there.
#include "io/config_reader.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"

namespace frugal {
namespace {

// GGUF holds the rotary frequencies' divisors (Llama-3 scaling) as a tensor.
void read_freq_factors(const Checkpoint& file, PositionConfig& p) {
  const TensorView* t = file.find("rope_freqs.weight");
  if (t == nullptr) return;
  if (t->dtype != DType::kF32 || t->elements() > 512)
    fail(ErrorCode::kBadInput, "config", "{}: rope_freqs.weight is no f32 vector of at most 512", file.path);
  p.freq_factors.resize(static_cast<size_t>(t->elements()));
  std::memcpy(p.freq_factors.data(), t->data, t->bytes);  // files need not align their tensors
}

void read_scaling(const Fields& m, const std::string& arch, PositionConfig& p) {
  p.scaling = m.text(arch + ".rope.scaling.type", "none");
  p.factor = m.number(arch + ".rope.scaling.factor", 1.0);
  p.original_context = m.whole(arch + ".rope.scaling.original_context_length", m.whole(arch + ".context_length", 0));
  if (p.scaling != "yarn") return;
  p.beta_fast = m.number(arch + ".rope.scaling.yarn_beta_fast", 32.0);
  p.beta_slow = m.number(arch + ".rope.scaling.yarn_beta_slow", 1.0);
}

// Which layers see a window alone: a list, or that every n-th sees all.
void read_local_layers(const Fields& m, ModelConfig& c, int64_t otherwise) {
  const std::string key = c.family + ".attention.sliding_window_pattern";
  if (m.has(key) && m.at(key).is_array()) {
    for (const auto& local : m.at(key)) c.layer_is_local.push_back(local.is_boolean() ? local.get<bool>() : local == 1);
    return;
  }
  const int64_t pattern = std::max<int64_t>(1, m.whole(key, otherwise));
  for (int64_t l = 0; l < c.layers; ++l) c.layer_is_local.push_back((l + 1) % pattern != 0);
}

void read_gemma3(const Fields& m, ModelConfig& c) {
  c.activation = "gelu_tanh";
  c.qk_norm = c.sandwich_norms = true;
  c.embedding_scale = std::sqrt(static_cast<double>(c.width));
  c.tied_embeddings = true;
  if (c.layers == 62)
    c.attn_scale =
        1.0 / std::sqrt(static_cast<double>(c.width) / static_cast<double>(c.heads));  // the 27B, by its depth
  PositionConfig local = c.position;
  local.scaling = "none";
  local.theta = m.number("gemma3.rope.freq_base_swa", 10000.0);
  c.local_position = local;
  read_local_layers(m, c, 6);
}

}  // namespace

ModelConfig config_from_gguf(const Checkpoint& file) {
  const Fields m(file.metadata, file.path);
  ModelConfig c;
  const std::string arch = m.text("general.architecture", "");
  if (arch.empty()) fail(ErrorCode::kBadInput, "config", "{} has no general.architecture", file.path);
  auto whole = [&](const char* key, int64_t otherwise) { return m.whole(arch + "." + key, otherwise); };
  c.family = arch == "llama" && m.whole("llama.expert_count", 0) > 0 ? "mixtral" : arch;
  c.name = m.text("general.name", "");
  c.layers = whole("block_count", 0);
  c.width = whole("embedding_length", 0);
  c.heads = whole("attention.head_count", 0);
  c.kv_heads = whole("attention.head_count_kv", c.heads);
  c.head_dim = whole("attention.key_length", c.heads > 0 ? c.width / c.heads : 0);
  c.ff_width = whole("feed_forward_length", 0);
  c.context = whole("context_length", 0);
  c.window = whole("attention.sliding_window", 0);
  c.experts = whole("expert_count", 0);
  c.experts_used = whole("expert_used_count", 0);
  c.norm_eps = m.number(arch + ".attention.layer_norm_rms_epsilon", 1e-5);
  c.attn_softcap = m.number(arch + ".attn_logit_softcapping", 0.0);
  c.logit_softcap = m.number(arch + ".final_logit_softcapping", 0.0);
  c.embedding_scale = m.number(arch + ".embedding_scale", 1.0);
  c.residual_scale = m.number(arch + ".residual_scale", 1.0);
  if (const double s = m.number(arch + ".logit_scale", 0.0); s != 0.0) c.logit_scale = 1.0 / s;
  c.attn_scale = m.number(arch + ".attention.scale", 0.0);
  const TensorView* embedding = file.find("token_embd.weight");
  c.vocab = embedding != nullptr ? embedding->rows() : whole("vocab_size", 0);
  check_sizes(c, file.path);
  c.tied_embeddings = file.find("output.weight") == nullptr;
  c.qkv_bias = file.find("blk.0.attn_q.bias") != nullptr;
  c.attn_out_bias = file.find("blk.0.attn_output.bias") != nullptr;
  c.mlp_bias = file.find("blk.0.ffn_gate.bias") != nullptr;
  c.qk_norm = file.find("blk.0.attn_q_norm.weight") != nullptr;
  c.position.theta = m.number(arch + ".rope.freq_base", 10000.0);
  c.position.interleaved = arch == "llama";  // this family's rows are stored for pairs (2i, 2i + 1)
  if (c.head_dim > 0)
    c.position.partial =
        static_cast<double>(whole("rope.dimension_count", c.head_dim)) / static_cast<double>(c.head_dim);
  read_scaling(m, arch, c.position);
  read_freq_factors(file, c.position);
  if (arch == "gemma3") read_gemma3(m, c);
  c.bos = static_cast<int32_t>(m.whole("tokenizer.ggml.bos_token_id", -1));
  for (const char* key : {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id"})
    for (int32_t id : m.ids(key)) c.eos.push_back(id);
  return c;
}

}  // namespace frugal
