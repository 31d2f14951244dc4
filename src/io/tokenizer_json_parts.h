// The parts of a tokenizer.json around its model, each written into the spec. All throw Error for what is not
// supported.
#pragma once

#include <nlohmann/json.hpp>

#include "text/tokenizer.h"

namespace frugal {

void read_normalizer(const nlohmann::ordered_json& normalizer, TokenizerSpec& spec);
void read_pre_tokenizer(const nlohmann::ordered_json& pre_tokenizer, TokenizerSpec& spec);
void read_post_processor(const nlohmann::ordered_json& post_processor, TokenizerSpec& spec);
void read_added_tokens(const nlohmann::ordered_json& added_tokens, TokenizerSpec& spec);  // after the model

// Whether some part, Sequences looked through, is of this type.
bool has_part(const nlohmann::ordered_json& part, const std::string& type);
// Whether blanks become U+2581 somewhere: SentencePiece's manner.
bool escapes_blanks(const nlohmann::ordered_json& tokenizer_json);
// Makes room for id, which must be near the others.
void reserve_piece(int64_t id, size_t known, TokenizerSpec& spec);

}  // namespace frugal
