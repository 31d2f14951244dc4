// The blocks that decoder families share: attention with its projections, and the gated MLP.
#pragma once

#include <fmt/format.h>

#include <cmath>

#include "model/model.h"

namespace frugal {

inline std::string layer_name(int64_t layer, const char* part) { return fmt::format("blk.{}.{}", layer, part); }

inline Activation activation_of(const ModelConfig& c) {
  if (c.activation == "gelu") return Activation::kGelu;
  return c.activation == "gelu_tanh" ? Activation::kGeluTanh : Activation::kSilu;
}

inline bool is_local(const ModelConfig& c, int64_t layer) {
  return c.window > 0 && (c.layer_is_local.empty() || c.layer_is_local[static_cast<size_t>(layer)]);
}

// RMSNorm with the model's epsilon; the gain is the vector of that name.
inline Val rms(Ops& ops, Model& m, Val x, const std::string& gain) {
  const ModelConfig& c = m.config();
  return ops.norm(x, &m.weight(gain + ".weight", 1, c.width), static_cast<float>(c.norm_eps), c.norm_plus_one);
}

// Queries, keys and values, each head normalised where the family does (Qwen3, Gemma3), attention, output projection.
inline Val attention(Ops& ops, Model& m, int64_t layer, Val x) {
  const ModelConfig& c = m.config();
  const int64_t q_cols = c.heads * c.head_dim, kv_cols = c.kv_heads * c.head_dim;
  AttendArgs a;
  a.q = project(ops, x, m.linear(layer_name(layer, "attn_q"), q_cols, c.width, c.qkv_bias));
  a.k = project(ops, x, m.linear(layer_name(layer, "attn_k"), kv_cols, c.width, c.qkv_bias));
  a.v = project(ops, x, m.linear(layer_name(layer, "attn_v"), kv_cols, c.width, c.qkv_bias));
  if (c.qk_norm) {
    const float eps = static_cast<float>(c.norm_eps);
    a.q = ops.head_norm(a.q, &m.weight(layer_name(layer, "attn_q_norm.weight"), 1, c.head_dim), eps, c.norm_plus_one);
    a.k = ops.head_norm(a.k, &m.weight(layer_name(layer, "attn_k_norm.weight"), 1, c.head_dim), eps, c.norm_plus_one);
  }
  a.out_cols = q_cols;
  a.spec.layer = static_cast<int>(layer);
  a.spec.heads = static_cast<int>(c.heads);
  a.spec.scale = static_cast<float>(c.attn_scale > 0 ? c.attn_scale : 1.0 / std::sqrt(static_cast<double>(c.head_dim)));
  a.spec.softcap = static_cast<float>(c.attn_softcap);
  a.spec.window = is_local(c, layer) ? c.window : 0;
  a.spec.rope = m.rope(is_local(c, layer));
  a.spec.alibi_slopes = m.slopes();
  return project(ops, ops.attend(a), m.linear(layer_name(layer, "attn_output"), c.width, q_cols, c.attn_out_bias));
}

inline Val mlp(Ops& ops, Model& m, int64_t layer, Val x) {
  const ModelConfig& c = m.config();
  const Val gate = project(ops, x, m.linear(layer_name(layer, "ffn_gate"), c.ff_width, c.width, c.mlp_bias));
  const Val up = project(ops, x, m.linear(layer_name(layer, "ffn_up"), c.ff_width, c.width, c.mlp_bias));
  const Val h = ops.gated(activation_of(c), gate, up);
  return project(ops, h, m.linear(layer_name(layer, "ffn_down"), c.width, c.ff_width, c.mlp_bias));
}

// x + factor * branch, the factor being the configuration's residual multiplier.
inline Val residual(Ops& ops, const ModelConfig& c, Val x, Val branch) {
  return ops.add(x, c.residual_scale == 1.0 ? branch : ops.scale(branch, static_cast<float>(c.residual_scale)));
}

// Final norm and output head over the wanted rows.
inline Val head(Ops& ops, Model& m, Val x) {
  const ModelConfig& c = m.config();
  Val h = rms(ops, m, ops.wanted_rows(x), "output_norm");
  const bool own = !c.tied_embeddings && m.has("output.weight");
  h = project(ops, h, m.linear(own ? "output" : "token_embd", c.vocab, c.width));
  if (c.logit_scale != 1.0) h = ops.scale(h, static_cast<float>(c.logit_scale));
  return c.logit_softcap > 0 ? ops.softcap(h, static_cast<float>(c.logit_softcap)) : h;
}

}  // namespace frugal
