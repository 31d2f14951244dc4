// The Llama family (Touvron et al. 2023, arXiv 2302.13971): Llama 1 to 3.x, Mistral (sliding window), SmolLM2, and with
// projection biases Qwen2, with normalised queries and keys Qwen3. Pre-norm blocks, rotary positions, gated MLP.
#include "model/families/blocks.h"

namespace frugal {
namespace {

Val llama(Ops& ops, Model& m) {
  const ModelConfig& c = m.config();
  Val x = ops.embed(m.weight("token_embd.weight", c.vocab, c.width), static_cast<float>(c.embedding_scale));
  for (int64_t layer = 0; layer < c.layers; ++layer) {
    x = residual(ops, c, x, attention(ops, m, layer, rms(ops, m, x, layer_name(layer, "attn_norm"))));
    x = residual(ops, c, x, mlp(ops, m, layer, rms(ops, m, x, layer_name(layer, "ffn_norm"))));
  }
  return head(ops, m, x);
}

const RegisterFamily kLlama("llama", llama), kQwen2("qwen2", llama), kQwen3("qwen3", llama);

}  // namespace
}  // namespace frugal
