// Which type each tensor gets when a model is quantised: the published mixes, tensor by tensor as llama-quantize
// chooses.
//
// Problem: tensors are not equally sensitive, so a "4-bit" file holds several types. The rules, for a mix whose plain
// type is T:
//  - vectors, norms and a mixture's router keep the type they have;
//  - the output head (or the embedding that serves as one) becomes Q6_K, unless T is Q8_0 or a float; Q8_0 when its
//  rows
//    are no multiple of T's block;
//  - Q4_K_M and Q5_K_M: attn_v and ffn_down get Q6_K in the first and last eighth of the layers and in every third one
//    between; Q4_K_S: Q5_K for attn_v in the first four layers and ffn_down in the first eighth; Q3_K and Q2_K mixes
//    likewise raise attn_v, ffn_down and attn_output;
//  - eight experts: attn_k and attn_v get Q8_0, attn_output Q5_K in the small mixes;
//  - rows that are no multiple of 256: Q2_K, Q3_K -> Q4_0, Q4_K -> Q5_0, Q5_K -> Q5_1, Q6_K -> Q8_0; rows that are no
//    multiple of 32: F16.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/view.h"
#include "io/model_config.h"

namespace frugal {

enum class MixKind { kPlain, kSmall, kMedium, kLarge };

struct QuantMix {
  const char* name;  // as users write it: "q4_k_m"
  DType plain;       // what most tensors get
  MixKind kind;
  int file_type;  // general.file_type in GGUF
};

// By name, any case; throws Error with the nearest name.
const QuantMix& find_mix(std::string_view name);
std::span<const QuantMix> all_mixes();

// What the model of a tensor is like, as far as the rules ask.
struct MixContext {
  int64_t layers = 0;
  int64_t heads_per_kv = 1;
  int64_t experts = 0;
  bool tied = false;  // no output.weight: the embedding is the head
};
MixContext mix_context(const ModelConfig& config);

// tensor: name as GGUF has it, its type now, and its shape.
DType mixed_type(const QuantMix& mix, const TensorView& tensor, const MixContext& context);

}  // namespace frugal
