#include "io/quant_mix.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "base/edit_distance.h"
#include "base/error.h"

namespace frugal {
namespace {

constexpr QuantMix kMixes[] = {
    {"f32", DType::kF32, MixKind::kPlain, 0},       {"f16", DType::kF16, MixKind::kPlain, 1},
    {"bf16", DType::kBF16, MixKind::kPlain, 32},    {"q4_0", DType::kQ4_0, MixKind::kPlain, 2},
    {"q4_1", DType::kQ4_1, MixKind::kPlain, 3},     {"q5_0", DType::kQ5_0, MixKind::kPlain, 8},
    {"q5_1", DType::kQ5_1, MixKind::kPlain, 9},     {"q8_0", DType::kQ8_0, MixKind::kPlain, 7},
    {"q2_k", DType::kQ2_K, MixKind::kPlain, 10},    {"q3_k_s", DType::kQ3_K, MixKind::kSmall, 11},
    {"q3_k_m", DType::kQ3_K, MixKind::kMedium, 12}, {"q3_k_l", DType::kQ3_K, MixKind::kLarge, 13},
    {"q4_k_s", DType::kQ4_K, MixKind::kSmall, 14},  {"q4_k_m", DType::kQ4_K, MixKind::kMedium, 15},
    {"q5_k_s", DType::kQ5_K, MixKind::kSmall, 16},  {"q5_k_m", DType::kQ5_K, MixKind::kMedium, 17},
    {"q6_k", DType::kQ6_K, MixKind::kPlain, 18},
};

bool holds(const std::string& name, const char* part) { return name.find(part) != std::string::npos; }

bool stays(const TensorView& t) {
  return t.shape.size() < 2 || !t.name.ends_with("weight") || t.name.ends_with("_norm.weight") ||
         holds(t.name, "ffn_gate_inp.weight");
}

int64_t layer_of(const std::string& name) { return name.rfind("blk.", 0) == 0 ? std::atoll(name.c_str() + 4) : 0; }

// The first and last eighth of the layers, and every third between.
bool gets_more(int64_t layer, int64_t layers) {
  return layer < layers / 8 || layer >= 7 * layers / 8 || (layer - layers / 8) % 3 == 2;
}

DType head_type(const QuantMix& mix, const TensorView& t) {
  if (t.cols() % info(mix.plain).block != 0) return DType::kQ8_0;
  return mix.plain == DType::kQ8_0 ? DType::kQ8_0 : DType::kQ6_K;
}

DType value_type(const QuantMix& mix, int64_t layer, const MixContext& c) {
  if (c.experts == 8) return DType::kQ8_0;
  DType type = mix.plain;
  switch (mix.plain) {
    case DType::kQ2_K: type = c.heads_per_kv >= 4 ? DType::kQ4_K : DType::kQ3_K; break;
    case DType::kQ3_K:
      if (mix.kind == MixKind::kMedium) type = layer < 2 ? DType::kQ5_K : DType::kQ4_K;
      if (mix.kind == MixKind::kLarge) type = DType::kQ5_K;
      break;
    case DType::kQ4_K:
    case DType::kQ5_K:
      if (mix.kind == MixKind::kMedium && gets_more(layer, c.layers)) type = DType::kQ6_K;
      if (mix.plain == DType::kQ4_K && mix.kind == MixKind::kSmall && layer < 4) type = DType::kQ5_K;
      break;
    default: break;
  }
  // Models of 80 layers share each value head among several query heads: more bits there cost next to nothing.
  const bool seventy_billion = c.layers == 80 && c.heads_per_kv > 1;
  return seventy_billion && (type == DType::kQ3_K || type == DType::kQ4_K) ? DType::kQ5_K : type;
}

DType down_type(const QuantMix& mix, int64_t layer, const MixContext& c) {
  switch (mix.plain) {
    case DType::kQ2_K: return DType::kQ3_K;
    case DType::kQ3_K:
      if (mix.kind == MixKind::kMedium) return layer < c.layers / 16 ? DType::kQ5_K : DType::kQ4_K;
      return mix.kind == MixKind::kLarge ? DType::kQ5_K : DType::kQ3_K;
    case DType::kQ4_K:
    case DType::kQ5_K:
      if (mix.kind == MixKind::kMedium && gets_more(layer, c.layers)) return DType::kQ6_K;
      if (mix.plain == DType::kQ4_K && mix.kind == MixKind::kSmall && layer < c.layers / 8) return DType::kQ5_K;
      return mix.plain;
    default: return mix.plain;
  }
}

DType attention_output_type(const QuantMix& mix, const MixContext& c) {
  const bool k3 = mix.plain == DType::kQ3_K;
  if (c.experts == 8) {
    const bool small = mix.plain == DType::kQ2_K || (k3 && mix.kind != MixKind::kLarge) || mix.plain == DType::kQ4_K;
    return small ? DType::kQ5_K : mix.plain;
  }
  if (mix.plain == DType::kQ2_K) return DType::kQ3_K;
  if (k3 && mix.kind == MixKind::kMedium) return DType::kQ4_K;
  return k3 && mix.kind == MixKind::kLarge ? DType::kQ5_K : mix.plain;
}

DType wanted_type(const QuantMix& mix, const TensorView& t, const MixContext& c) {
  const int64_t layer = layer_of(t.name);
  if (t.name == "output.weight" || (c.tied && t.name == "token_embd.weight")) return head_type(mix, t);
  if (holds(t.name, "attn_v.weight")) return value_type(mix, layer, c);
  if (holds(t.name, "attn_k.weight") && c.experts == 8) return DType::kQ8_0;
  if (holds(t.name, "ffn_down")) return down_type(mix, layer, c);
  if (holds(t.name, "attn_output.weight")) return attention_output_type(mix, c);
  return mix.plain;
}

// A type whose blocks fit rows of cols elements.
DType fitting(DType type, int64_t cols) {
  if (cols % info(type).block == 0) return type;
  switch (type) {
    case DType::kQ2_K:
    case DType::kQ3_K: type = DType::kQ4_0; break;
    case DType::kQ4_K: type = DType::kQ5_0; break;
    case DType::kQ5_K: type = DType::kQ5_1; break;
    case DType::kQ6_K: type = DType::kQ8_0; break;
    default: break;
  }
  return cols % info(type).block == 0 ? type : DType::kF16;
}

}  // namespace

std::span<const QuantMix> all_mixes() { return kMixes; }

const QuantMix& find_mix(std::string_view name) {
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  std::vector<std::string> names;
  for (const QuantMix& m : kMixes) {
    if (lower == m.name) return m;
    names.emplace_back(m.name);
  }
  fail(ErrorCode::kUsage, "convert", "there is no type '{}'{}; known are {}", name, hint(lower, names),
       fmt::join(names, ", "));
}

MixContext mix_context(const ModelConfig& c) {
  return {c.layers, c.kv_heads > 0 ? c.heads / c.kv_heads : 1, c.experts, c.tied_embeddings};
}

DType mixed_type(const QuantMix& mix, const TensorView& tensor, const MixContext& context) {
  if (stays(tensor)) return tensor.dtype;
  if (!is_quantised(mix.plain)) return mix.plain;
  return fitting(wanted_type(mix, tensor, context), tensor.cols());
}

}  // namespace frugal
