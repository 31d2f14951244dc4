// Gemma 3 (arXiv 2503.19786): embeddings scaled by sqrt(width), norms before and after both branches, queries and keys
// normalised, five layers with a sliding window and their own rotary base for each global one, tanh-GELU.
#include "model/families/blocks.h"

namespace frugal {
namespace {

Val gemma3(Ops& ops, Model& m) {
  const ModelConfig& c = m.config();
  Val x = ops.embed(m.weight("token_embd.weight", c.vocab, c.width), static_cast<float>(c.embedding_scale));
  for (int64_t layer = 0; layer < c.layers; ++layer) {
    Val h = attention(ops, m, layer, rms(ops, m, x, layer_name(layer, "attn_norm")));
    x = ops.add(x, rms(ops, m, h, layer_name(layer, "post_attention_norm")));
    h = mlp(ops, m, layer, rms(ops, m, x, layer_name(layer, "ffn_norm")));
    x = ops.add(x, rms(ops, m, h, layer_name(layer, "post_ffw_norm")));
  }
  return head(ops, m, x);
}

const RegisterFamily kGemma3("gemma3", gemma3);

}  // namespace
}  // namespace frugal
