#include "io/tokenizer_json.h"

#include <algorithm>

#include "base/error.h"
#include "io/config_reader.h"
#include "io/tokenizer_json_parts.h"

namespace frugal {
namespace {

using Large = nlohmann::json;         // keeps a vocabulary's keys in a tree
using Json = nlohmann::ordered_json;  // in a list
constexpr char kPart[] = "tokenizer.json";

// The value at key as the other kind of JSON; null when there is none.
Json part(const Large& object, const char* key) { return object.contains(key) ? Json(object[key]) : Json(); }

// The model's fields but for its vocabulary and merges.
Json small_fields(const Large& model) {
  Json out = Json::object();
  for (const auto& [key, value] : model.items())
    if (!value.is_structured()) out[key] = Json(value);
  return out;
}

const Large& list_or_object(const Large& model, const char* key) {
  if (!model.contains(key) || !model[key].is_structured())
    fail(ErrorCode::kBadInput, kPart, "the model has no {}", key);
  return model[key];
}

void put_piece(int64_t id, const std::string& piece, float score, size_t known, TokenizerSpec& s) {
  reserve_piece(id, known, s);
  const auto at = static_cast<size_t>(id);
  if (!s.pieces[at].empty())
    fail(ErrorCode::kBadInput, kPart, "id {} stands for both '{}' and '{}'", id, s.pieces[at], piece);
  s.pieces[at] = piece;
  s.scores[at] = score;
  s.types[at] = TokenType::kNormal;
}

// BPE: {piece: id, ...}.
void read_vocabulary(const Large& vocab, TokenizerSpec& s) {
  if (!vocab.is_object()) fail(ErrorCode::kBadInput, kPart, "vocab is {}, expected an object", vocab.type_name());
  for (const auto& [piece, id] : vocab.items()) {
    if (!id.is_number_integer()) fail(ErrorCode::kBadInput, kPart, "vocab gives '{}' the id {}", piece, id.type_name());
    put_piece(id.get<int64_t>(), piece, 0.0f, vocab.size(), s);
  }
}

// Unigram: [[piece, score], ...] by id.
void read_scored_vocabulary(const Large& vocab, TokenizerSpec& s) {
  for (const Large& entry : vocab) {
    if (!entry.is_array() || entry.size() != 2 || !entry[0].is_string() || !entry[1].is_number())
      fail(ErrorCode::kBadInput, kPart, "vocab entry {} is not a piece and its score", s.pieces.size());
    put_piece(static_cast<int64_t>(s.pieces.size()), entry[0].get<std::string>(), entry[1].get<float>(), vocab.size(),
              s);
  }
}

// "a b" or ["a", "b"].
std::pair<std::string, std::string> merge_of(const Large& entry) {
  if (entry.is_array() && entry.size() == 2 && entry[0].is_string() && entry[1].is_string())
    return {entry[0], entry[1]};
  const std::string text = entry.is_string() ? entry.get<std::string>() : "";
  const size_t blank = text.find(' ', 1);
  if (blank == std::string::npos || blank + 1 == text.size())
    fail(ErrorCode::kBadInput, kPart, "merge '{}' is not two pieces", text);
  return {text.substr(0, blank), text.substr(blank + 1)};
}

void read_bpe(const Large& model, TokenizerSpec& s) {
  const Json small = small_fields(model);
  const Fields f(small, kPart);
  for (const char* affix : {"continuing_subword_prefix", "end_of_word_suffix"})
    if (!f.text(affix, "").empty()) fail(ErrorCode::kUnsupported, kPart, "BPE with a {} is not supported", affix);
  read_vocabulary(list_or_object(model, "vocab"), s);
  for (const Large& entry : list_or_object(model, "merges")) s.merges.push_back(merge_of(entry));
  s.ignore_merges = f.flag("ignore_merges", false);
  s.byte_fallback = f.flag("byte_fallback", false);
  s.fuse_unknown = f.flag("fuse_unk", false);
  if (const std::string unk = f.text("unk_token", ""); !unk.empty()) {
    const auto at = std::find(s.pieces.begin(), s.pieces.end(), unk);
    if (at != s.pieces.end()) s.unk = static_cast<int32_t>(at - s.pieces.begin());
  }
}

void read_unigram(const Large& model, TokenizerSpec& s) {
  const Json small = small_fields(model);
  const Fields f(small, kPart);
  read_scored_vocabulary(list_or_object(model, "vocab"), s);
  s.byte_fallback = f.flag("byte_fallback", false);
  const int64_t unk = f.whole("unk_id", -1);
  if (unk >= static_cast<int64_t>(s.pieces.size()))
    fail(ErrorCode::kBadInput, kPart, "unk_id {} in a vocabulary of {}", unk, s.pieces.size());
  s.unk = static_cast<int32_t>(std::max<int64_t>(unk, -1));
}

// Which of the algorithms: the model's type, and for BPE whether bytes or blanks are spelled in the vocabulary.
TokenizerKind kind_of(const Large& tokenizer, const Large& model) {
  const std::string type = Fields(small_fields(model), kPart).text("type", model.contains("merges") ? "BPE" : "");
  if (type == "Unigram") return TokenizerKind::kUnigram;
  if (type != "BPE") fail(ErrorCode::kUnsupported, kPart, "model type '{}'; known are BPE and Unigram", type);
  if (has_part(part(tokenizer, "pre_tokenizer"), "ByteLevel") || has_part(part(tokenizer, "decoder"), "ByteLevel"))
    return TokenizerKind::kByteBpe;
  Json around = Json::object();
  for (const char* key : {"normalizer", "pre_tokenizer"}) around[key] = part(tokenizer, key);
  if (!escapes_blanks(around))
    fail(ErrorCode::kUnsupported, kPart, "BPE that is neither byte-level nor spells blanks as U+2581");
  return TokenizerKind::kSpmBpe;
}

void mark_bytes(TokenizerSpec& s) {
  for (size_t id = 0; s.byte_fallback && id < s.pieces.size(); ++id)
    if (s.pieces[id].size() == 6 && s.pieces[id].starts_with("<0x") && s.types[id] == TokenType::kNormal)
      s.types[id] = TokenType::kByte;
}

}  // namespace

TokenizerSpec tokenizer_from_json(const Large& tokenizer, const Json* config) {
  if (!tokenizer.is_object() || !tokenizer.contains("model") || !tokenizer["model"].is_object())
    fail(ErrorCode::kBadInput, kPart, "there is no model");
  const Large& model = tokenizer["model"];
  TokenizerSpec s;
  s.kind = kind_of(tokenizer, model);
  s.kind == TokenizerKind::kUnigram ? read_unigram(model, s) : read_bpe(model, s);
  read_added_tokens(part(tokenizer, "added_tokens"), s);
  if (s.unk >= 0) s.types[static_cast<size_t>(s.unk)] = TokenType::kUnknown;
  mark_bytes(s);
  read_normalizer(part(tokenizer, "normalizer"), s);
  read_pre_tokenizer(part(tokenizer, "pre_tokenizer"), s);
  read_post_processor(part(tokenizer, "post_processor"), s);
  if (s.kind == TokenizerKind::kByteBpe) s.scores.clear();
  if (s.kind == TokenizerKind::kByteBpe && s.pre_patterns.empty()) s.pre_patterns = {".+"};  // no splitting
  if (config != nullptr) apply_tokenizer_config(*config, s);
  if (s.stops.empty() && s.eos >= 0) s.stops.push_back(s.eos);
  return s;
}

}  // namespace frugal
