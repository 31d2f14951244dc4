// A ModelConfig written down again: as GGUF key-values and as config.json.
#pragma once

#include "io/model_config.h"

namespace frugal {

// general.architecture and the architecture's own keys. Throws Error for what GGUF has no key for.
nlohmann::ordered_json gguf_metadata(const ModelConfig& config);

// What transformers' AutoConfig reads. dtype: of the weights, as torch spells it ("float16").
nlohmann::ordered_json hugging_face_config(const ModelConfig& config, const std::string& dtype);
nlohmann::ordered_json generation_config(const ModelConfig& config);

// Llama-3's scaling as GGUF's rope_freqs.weight: one divisor for each rotary pair; empty for other scalings.
std::vector<float> rope_divisors(const ModelConfig& config);
// The way back: position without its freq_factors. Throws Error when they are not of that form.
PositionConfig llama3_scaling(const PositionConfig& position, int64_t head_dim);

}  // namespace frugal
