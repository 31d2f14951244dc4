// Mixtral (Jiang et al. 2024, arXiv 2401.04088): Llama's attention, and a mixture of gated MLPs with a linear router in
// place of the MLP.
#include "model/families/blocks.h"

namespace frugal {
namespace {

Val experts(Ops& ops, Model& m, int64_t layer, Val x) {
  const ModelConfig& c = m.config();
  MoeArgs moe;
  moe.x = x;
  moe.scores = project(ops, x, m.linear(layer_name(layer, "ffn_gate_inp"), c.experts, c.width));
  moe.used = static_cast<int>(c.experts_used);
  moe.act = activation_of(c);
  for (int64_t e = 0; e < c.experts; ++e) {
    auto part = [&](const char* name, int64_t rows, int64_t cols) {
      return &m.linear(fmt::format("blk.{}.{}.{}", layer, name, e), rows, cols);
    };
    moe.experts.push_back({part("ffn_gate", c.ff_width, c.width), part("ffn_up", c.ff_width, c.width),
                           part("ffn_down", c.width, c.ff_width)});
  }
  return ops.moe(moe);
}

Val mixtral(Ops& ops, Model& m) {
  const ModelConfig& c = m.config();
  Val x = ops.embed(m.weight("token_embd.weight", c.vocab, c.width), static_cast<float>(c.embedding_scale));
  for (int64_t layer = 0; layer < c.layers; ++layer) {
    x = residual(ops, c, x, attention(ops, m, layer, rms(ops, m, x, layer_name(layer, "attn_norm"))));
    x = residual(ops, c, x, experts(ops, m, layer, rms(ops, m, x, layer_name(layer, "ffn_norm"))));
  }
  return head(ops, m, x);
}

const RegisterFamily kMixtral("mixtral", mixtral);

}  // namespace
}  // namespace frugal
