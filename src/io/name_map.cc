// Engine names are GGUF's; one table says what Hugging Face calls the same tensors. N stands for the layer, E for the
// expert (engine: blk.N.ffn_gate.E.weight).
#include <fmt/format.h>

#include "io/model_config.h"

namespace frugal {
namespace {

struct Pair {
  const char* engine;
  const char* hugging_face;
  const char* family;  // nullptr: every family that has no row of its own
};

constexpr Pair kOutside[] = {{"token_embd", "model.embed_tokens", nullptr},
                             {"output_norm", "model.norm", nullptr},
                             {"output", "lm_head", nullptr}};

constexpr Pair kLayer[] = {
    {"attn_norm", "input_layernorm", nullptr},
    {"attn_q", "self_attn.q_proj", nullptr},
    {"attn_k", "self_attn.k_proj", nullptr},
    {"attn_v", "self_attn.v_proj", nullptr},
    {"attn_output", "self_attn.o_proj", nullptr},
    {"attn_q_norm", "self_attn.q_norm", nullptr},
    {"attn_k_norm", "self_attn.k_norm", nullptr},
    {"post_attention_norm", "post_attention_layernorm", "gemma3"},
    {"ffn_norm", "pre_feedforward_layernorm", "gemma3"},
    {"post_ffw_norm", "post_feedforward_layernorm", "gemma3"},
    {"ffn_norm", "post_attention_layernorm", nullptr},
    {"ffn_gate_inp", "block_sparse_moe.gate", nullptr},
    {"ffn_gate", "mlp.gate_proj", nullptr},
    {"ffn_up", "mlp.up_proj", nullptr},
    {"ffn_down", "mlp.down_proj", nullptr},
};

constexpr Pair kExpert[] = {{"ffn_gate", "w1", nullptr}, {"ffn_down", "w2", nullptr}, {"ffn_up", "w3", nullptr}};

bool fits(const Pair& p, const ModelConfig& c) { return p.family == nullptr || c.family == p.family; }

// "blk.3.attn_q.weight" -> {"blk.3.", "attn_q", ".weight"}: prefix with the layer, middle, last part.
struct Parts {
  std::string layer, middle, last;
};
Parts split(const std::string& name, const std::string& prefix) {
  Parts p;
  size_t from = 0;
  if (name.rfind(prefix, 0) == 0) {
    const size_t dot = name.find('.', prefix.size());
    if (dot == std::string::npos) return p;
    p.layer = name.substr(prefix.size(), dot - prefix.size());
    from = dot + 1;
  }
  const size_t last = name.rfind('.');
  if (last == std::string::npos || last < from) return p;
  p.middle = name.substr(from, last - from);
  p.last = name.substr(last);
  return p;
}

}  // namespace

std::string file_name_of(const std::string& engine_name, const ModelConfig& config, const std::string& format) {
  if (format == "gguf") return engine_name;
  const Parts p = split(engine_name, "blk.");
  if (p.layer.empty()) {
    for (const Pair& x : kOutside)
      if (p.middle == x.engine) return x.hugging_face + p.last;
    return engine_name;
  }
  const std::string block = "model.layers." + p.layer + ".";
  if (const size_t dot = p.middle.find('.'); dot != std::string::npos)
    for (const Pair& x : kExpert)
      if (p.middle.substr(0, dot) == x.engine)
        return block + "block_sparse_moe.experts." + p.middle.substr(dot + 1) + "." + x.hugging_face + p.last;
  for (const Pair& x : kLayer)
    if (p.middle == x.engine && fits(x, config)) return block + x.hugging_face + p.last;
  return engine_name;
}

std::string engine_name_of(const std::string& file_name, const ModelConfig& config, const std::string& format) {
  if (format == "gguf") return file_name;
  const Parts p = split(file_name, "model.layers.");
  if (p.layer.empty()) {
    for (const Pair& x : kOutside)
      if (p.middle == x.hugging_face) return x.engine + p.last;
    return "";
  }
  const std::string block = "blk." + p.layer + ".";
  const std::string experts = "block_sparse_moe.experts.";
  if (p.middle.rfind(experts, 0) == 0) {
    const size_t dot = p.middle.rfind('.');
    for (const Pair& x : kExpert)
      if (p.middle.substr(dot + 1) == x.hugging_face)
        return block + x.engine + "." + p.middle.substr(experts.size(), dot - experts.size()) + p.last;
  }
  for (const Pair& x : kLayer)
    if (p.middle == x.hugging_face && fits(x, config)) return block + x.engine + p.last;
  return "";
}

}  // namespace frugal
