// Configuration from config.json, in the spelling of transformers 4 and of 5.
#include "io/config_reader.h"

#include <cmath>

#include "base/error.h"

namespace frugal {
namespace {

using Json = nlohmann::ordered_json;

// rope_scaling (older files: type or rope_type inside) or the same fields in rope_parameters.
void read_scaling(const Json& json, const ModelConfig& c, PositionConfig& p) {
  const Fields s(json, "config.json rope parameters");
  p.theta = s.number("rope_theta", p.theta);
  p.partial = s.number("partial_rotary_factor", p.partial);
  std::string type = s.text("rope_type", s.text("type", "default"));
  p.scaling = type == "default" ? "none" : type;
  p.original_context = s.whole("original_max_position_embeddings", c.context);
  const double stretched =
      p.original_context > 0 ? static_cast<double>(c.context) / static_cast<double>(p.original_context) : 1.0;
  p.factor = s.number("factor", p.scaling == "yarn" ? stretched : 1.0);
  p.low_freq_factor = s.number("low_freq_factor", 1.0);
  p.high_freq_factor = s.number("high_freq_factor", 4.0);
  p.beta_fast = s.number("beta_fast", 32.0);
  p.beta_slow = s.number("beta_slow", 1.0);
  p.attention_factor = s.number("attention_factor", 0.0);
  p.mscale = s.number("mscale", 0.0);
  p.mscale_all_dim = s.number("mscale_all_dim", 0.0);
  p.truncate = s.flag("truncate", true);
  if (p.scaling == "dynamic") p.original_context = c.context;
}

void read_positions(const Fields& f, ModelConfig& c) {
  c.position.theta = f.number("rope_theta", 10000.0);
  c.position.partial = f.number("partial_rotary_factor", 1.0);
  c.position.original_context = c.context;
  if (c.family == "gemma3") {
    c.local_position = c.position;
    c.position.theta = f.number("rope_theta", 1e6);
    c.local_position->theta = f.number("rope_local_base_freq", 10000.0);
  }
  if (f.has("rope_scaling")) read_scaling(f.at("rope_scaling"), c, c.position);
  if (!f.has("rope_parameters")) return;
  const Json& p = f.at("rope_parameters");
  if (p.is_object() && p.contains("full_attention")) {  // by kind of layer
    read_scaling(p["full_attention"], c, c.position);
    if (p.contains("sliding_attention") && c.local_position) read_scaling(p["sliding_attention"], c, *c.local_position);
  } else {
    read_scaling(p, c, c.position);
  }
}

void read_windows(const Fields& f, ModelConfig& c) {
  c.window = f.whole("sliding_window", 0);
  if ((c.family == "qwen2" || c.family == "qwen3") && !f.flag("use_sliding_window", false)) c.window = 0;
  if (c.window == 0) return;
  if (f.has("layer_types") && f.at("layer_types").is_array()) {
    for (const Json& t : f.at("layer_types")) c.layer_is_local.push_back(t == "sliding_attention");
  } else if (c.family == "gemma3") {
    const int64_t pattern = std::max<int64_t>(1, f.whole("sliding_window_pattern", 6));
    for (int64_t l = 0; l < c.layers; ++l) c.layer_is_local.push_back((l + 1) % pattern != 0);
  }
}

std::string activation_name(const std::string& name) {
  if (name == "silu" || name == "swish") return "silu";
  if (name == "gelu") return "gelu";
  if (name == "gelu_pytorch_tanh" || name == "gelu_new" || name == "gelu_fast") return "gelu_tanh";
  fail(ErrorCode::kUnsupported, "config", "activation '{}'; known are silu, gelu, gelu_pytorch_tanh", name);
}

std::string family_of(const Fields& f) {
  std::string type = f.text("model_type", "");
  if (type == "mistral" || type == "llama") return "llama";
  if (type == "gemma3_text") return "gemma3";
  if (type.empty()) fail(ErrorCode::kBadInput, "config", "config.json has no model_type");
  return type;
}

}  // namespace

ModelConfig config_from_json(const Json& config, const Json& generation) {
  const Fields f(config, "config.json"), g(generation, "generation_config.json");
  ModelConfig c;
  c.family = family_of(f);
  c.name = f.text("_name_or_path", "");
  c.layers = f.whole("num_hidden_layers", 0);
  c.width = f.whole("hidden_size", 0);
  c.heads = f.whole("num_attention_heads", 0);
  c.kv_heads = f.whole("num_key_value_heads", c.heads);
  c.head_dim = f.whole("head_dim", c.heads > 0 ? c.width / c.heads : 0);
  c.ff_width = f.whole("intermediate_size", 0);
  c.vocab = f.whole("vocab_size", 0);
  c.context = f.whole("max_position_embeddings", 2048);
  c.experts = f.whole("num_local_experts", 0);
  c.experts_used = f.whole("num_experts_per_tok", 0);
  check_sizes(c, "config.json");
  c.norm_eps = f.number("rms_norm_eps", 1e-5);
  c.tied_embeddings = f.flag("tie_word_embeddings", c.family == "gemma3");
  c.qkv_bias = f.flag("attention_bias", c.family == "qwen2");
  c.attn_out_bias = c.family == "llama" && f.flag("attention_bias", false);
  c.mlp_bias = f.flag("mlp_bias", false);
  c.qk_norm = c.family == "qwen3" || c.family == "gemma3";
  c.attn_softcap = f.number("attn_logit_softcapping", 0.0);
  c.logit_softcap = f.number("final_logit_softcapping", 0.0);
  const bool gemma = c.family == "gemma3";
  c.activation =
      activation_name(f.text("hidden_activation", f.text("hidden_act", gemma ? "gelu_pytorch_tanh" : "silu")));
  if (gemma) {
    c.norm_plus_one = c.sandwich_norms = true;
    c.embedding_scale = std::sqrt(static_cast<double>(c.width));
    c.attn_scale = 1.0 / std::sqrt(f.number("query_pre_attn_scalar", static_cast<double>(c.head_dim)));
  }
  read_positions(f, c);
  read_windows(f, c);
  c.bos = f.has("bos_token_id") ? static_cast<int32_t>(f.whole("bos_token_id", -1)) : -1;
  c.eos = g.has("eos_token_id") ? g.ids("eos_token_id") : f.ids("eos_token_id");
  return c;
}

}  // namespace frugal
