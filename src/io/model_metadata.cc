#include "io/model_metadata.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace frugal {
namespace {

using Json = nlohmann::ordered_json;

uint64_t count(int64_t n) { return static_cast<uint64_t>(n); }

std::string architecture(const ModelConfig& c) { return c.family == "mixtral" ? "llama" : c.family; }

void put_gguf_rope(Json& m, const std::string& arch, const ModelConfig& c) {
  const PositionConfig& p = c.position;
  m[arch + ".rope.freq_base"] = p.theta;
  m[arch + ".rope.dimension_count"] = count(static_cast<int64_t>(p.partial * static_cast<double>(c.head_dim)));
  if (c.local_position && c.local_position->theta != 10000.0) m[arch + ".rope.freq_base_swa"] = c.local_position->theta;
  if (p.scaling == "none" || p.scaling == "llama3") return;  // llama3: the tensor rope_freqs.weight
  if (p.scaling != "linear" && p.scaling != "yarn")
    fail(ErrorCode::kUnsupported, "convert", "GGUF has no key for the rotary scaling '{}'", p.scaling);
  m[arch + ".rope.scaling.type"] = p.scaling;
  m[arch + ".rope.scaling.factor"] = p.factor;
  if (p.scaling != "yarn") return;
  if (p.mscale > 0 || !p.truncate || p.attention_factor > 0)
    fail(ErrorCode::kUnsupported, "convert", "GGUF has no key for yarn's mscale, attention_factor or truncate");
  m[arch + ".rope.scaling.original_context_length"] = count(p.original_context);
  m[arch + ".rope.scaling.yarn_beta_fast"] = p.beta_fast;
  m[arch + ".rope.scaling.yarn_beta_slow"] = p.beta_slow;
}

// GGUF holds float32: 1e-05 rather than the double nearest to its float.
double shortest(double v) {
  return static_cast<double>(static_cast<float>(v)) == v ? std::stod(fmt::format("{}", static_cast<float>(v))) : v;
}

struct Class {
  std::string_view family, type, architecture;
};
constexpr Class kClasses[] = {{"qwen2", "qwen2", "Qwen2ForCausalLM"},
                              {"qwen3", "qwen3", "Qwen3ForCausalLM"},
                              {"gemma3", "gemma3_text", "Gemma3ForCausalLM"},
                              {"mixtral", "mixtral", "MixtralForCausalLM"}};

Class class_of(const ModelConfig& c) {
  for (const Class& k : kClasses)
    if (c.family == k.family) return k;
  if (c.family != "llama") fail(ErrorCode::kUnsupported, "convert", "family '{}' has no config.json here", c.family);
  if (c.window > 0) return {"llama", "mistral", "MistralForCausalLM"};
  return {"llama", "llama", "LlamaForCausalLM"};
}

const char* activation_of(const std::string& name) {
  return name == "gelu_tanh" ? "gelu_pytorch_tanh" : name == "gelu" ? "gelu" : "silu";
}

Json rope_scaling(const PositionConfig& p) {
  Json s = {{"rope_type", p.scaling}, {"factor", shortest(p.factor)}};
  if (p.scaling == "llama3") {
    s["low_freq_factor"] = p.low_freq_factor;
    s["high_freq_factor"] = p.high_freq_factor;
  }
  if (p.scaling == "yarn") {
    s["beta_fast"] = p.beta_fast;
    s["beta_slow"] = p.beta_slow;
    for (const auto& [key, value] : {std::pair("attention_factor", p.attention_factor), std::pair("mscale", p.mscale),
                                     std::pair("mscale_all_dim", p.mscale_all_dim)})
      if (value != 0.0) s[key] = value;
    if (!p.truncate) s["truncate"] = false;
  }
  if (p.scaling == "llama3" || p.scaling == "yarn") s["original_max_position_embeddings"] = p.original_context;
  return s;
}

Json layer_kinds(const ModelConfig& c) {
  Json kinds = Json::array();
  for (bool local : c.layer_is_local) kinds.push_back(local ? "sliding_attention" : "full_attention");
  return kinds;
}

void put_gemma3(Json& m, const ModelConfig& c) {
  m["hidden_activation"] = activation_of(c.activation);
  const double scale = c.attn_scale > 0 ? c.attn_scale : 1.0 / std::sqrt(static_cast<double>(c.head_dim));
  const double scalar = 1.0 / (scale * scale), whole = std::round(scalar);  // whole in every published model
  m["query_pre_attn_scalar"] =
      std::abs(scalar - whole) < 1e-5 * whole ? Json(static_cast<int64_t>(whole)) : Json(scalar);
  if (c.local_position) m["rope_local_base_freq"] = shortest(c.local_position->theta);
  for (const auto& [key, value] :
       {std::pair("attn_logit_softcapping", c.attn_softcap), std::pair("final_logit_softcapping", c.logit_softcap)})
    m[key] = value > 0 ? Json(value) : Json();
}

// What no class of Hugging Face's for this family has a field for.
void check_expressible(const ModelConfig& c, const Class& k) {
  auto require = [&](bool good, const char* what) {
    if (!good) fail(ErrorCode::kUnsupported, "convert", "{} has no field for {}", k.architecture, what);
  };
  const bool gemma = c.family == "gemma3", mistral = k.type == "mistral";
  require(
      c.residual_scale == 1.0 && c.logit_scale == 1.0 && (gemma || (c.embedding_scale == 1.0 && c.attn_scale == 0.0)),
      "multipliers");
  require(gemma || (c.attn_softcap == 0.0 && c.logit_softcap == 0.0), "capped logits");
  require(c.family != "llama" || c.qkv_bias == c.attn_out_bias, "biases on some attention projections alone");
  require(!mistral || (!c.qkv_bias && !c.mlp_bias), "biases");
  require(c.position.kind == "rope", "positions that are not rotary");
}

}  // namespace

Json gguf_metadata(const ModelConfig& c) {
  const std::string arch = architecture(c);
  Json m = Json::object();
  m["general.architecture"] = arch;
  m["general.type"] = "model";
  m["general.name"] = c.name.empty() ? arch : c.name;
  auto put = [&](const char* key, int64_t n) { m[arch + "." + key] = count(n); };
  put("block_count", c.layers);
  put("context_length", c.context);
  put("embedding_length", c.width);
  put("feed_forward_length", c.ff_width);
  put("attention.head_count", c.heads);
  put("attention.head_count_kv", c.kv_heads);
  put("attention.key_length", c.head_dim);
  put("attention.value_length", c.head_dim);
  m[arch + ".attention.layer_norm_rms_epsilon"] = c.norm_eps;
  put("vocab_size", c.vocab);
  if (c.window > 0) put("attention.sliding_window", c.window);
  if (c.experts > 0) {
    put("expert_count", c.experts);
    put("expert_used_count", c.experts_used);
  }
  put_gguf_rope(m, arch, c);
  if (!c.layer_is_local.empty()) m[arch + ".attention.sliding_window_pattern"] = c.layer_is_local;
  if (c.attn_scale > 0 && std::abs(c.attn_scale * std::sqrt(static_cast<double>(c.head_dim)) - 1) > 1e-6)
    m[arch + ".attention.scale"] = c.attn_scale;
  if (c.attn_softcap > 0) m[arch + ".attn_logit_softcapping"] = c.attn_softcap;
  if (c.logit_softcap > 0) m[arch + ".final_logit_softcapping"] = c.logit_softcap;
  return m;
}

Json hugging_face_config(const ModelConfig& c, const std::string& dtype) {
  const Class k = class_of(c);
  check_expressible(c, k);
  Json m = {{"architectures", Json::array({k.architecture})},
            {"model_type", k.type},
            {"vocab_size", c.vocab},
            {"hidden_size", c.width},
            {"intermediate_size", c.ff_width},
            {"num_hidden_layers", c.layers},
            {"num_attention_heads", c.heads},
            {"num_key_value_heads", c.kv_heads},
            {"head_dim", c.head_dim},
            {"max_position_embeddings", c.context},
            {"rms_norm_eps", shortest(c.norm_eps)},
            {"hidden_act", activation_of(c.activation)},
            {"tie_word_embeddings", c.tied_embeddings},
            {"rope_theta", shortest(c.position.theta)}};
  const PositionConfig p = c.position.freq_factors.empty() ? c.position : llama3_scaling(c.position, c.head_dim);
  if (p.scaling != "none") m["rope_scaling"] = rope_scaling(p);
  if (p.partial != 1.0) m["partial_rotary_factor"] = p.partial;
  if (k.type == "llama" || k.family == "qwen3") m["attention_bias"] = c.qkv_bias;
  if (k.type == "llama") m["mlp_bias"] = c.mlp_bias;
  if (c.window > 0) m["sliding_window"] = c.window;
  if (c.family == "qwen2" || c.family == "qwen3") m["use_sliding_window"] = c.window > 0;
  if (c.window == 0 && k.type != "llama") m["sliding_window"] = nullptr;
  if (!c.layer_is_local.empty()) m["layer_types"] = layer_kinds(c);
  if (c.experts > 0) {
    m["num_local_experts"] = c.experts;
    m["num_experts_per_tok"] = c.experts_used;
  }
  if (c.family == "gemma3") put_gemma3(m, c);
  const Json g = generation_config(c);
  for (const auto& [key, value] : g.items()) m[key] = value;
  m["torch_dtype"] = dtype;
  if (!c.name.empty()) m["_name_or_path"] = c.name;
  return m;
}

Json generation_config(const ModelConfig& c) {
  Json m = Json::object();
  if (c.bos >= 0) m["bos_token_id"] = c.bos;
  if (c.eos.size() == 1) m["eos_token_id"] = c.eos[0];
  if (c.eos.size() > 1) m["eos_token_id"] = c.eos;
  return m;
}

}  // namespace frugal
