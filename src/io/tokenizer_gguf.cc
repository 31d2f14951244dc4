#include "io/tokenizer_gguf.h"

#include <set>

#include "base/error.h"
#include "io/config_reader.h"

namespace frugal {
namespace {

using Json = nlohmann::ordered_json;
const std::string kPrefix = "tokenizer.ggml.";

const Json& list(const Json& m, const char* name) {
  const std::string key = kPrefix + name;
  if (!m.contains(key) || !m[key].is_array()) fail(ErrorCode::kBadInput, "tokenizer", "the file has no list {}", key);
  return m[key];
}

void read_pieces(const Json& m, TokenizerSpec& s) {
  for (const Json& p : list(m, "tokens")) {
    if (!p.is_string()) fail(ErrorCode::kBadInput, "tokenizer", "tokens holds {}, expected texts", p.type_name());
    s.pieces.push_back(p.get<std::string>());
  }
  if (m.contains(kPrefix + "token_type"))
    for (const Json& t : list(m, "token_type")) {
      const int64_t type = t.is_number_integer() ? t.get<int64_t>() : 0;
      if (type < 1 || type > 6) fail(ErrorCode::kBadInput, "tokenizer", "token_type holds {}, expected 1 to 6", type);
      s.types.push_back(static_cast<TokenType>(type));
    }
  if (m.contains(kPrefix + "scores"))
    for (const Json& x : list(m, "scores")) s.scores.push_back(x.is_number() ? x.get<float>() : 0.0f);
  if (s.kind != TokenizerKind::kByteBpe && s.scores.empty()) s.scores.assign(s.pieces.size(), 0.0f);
}

void read_merges(const Json& m, TokenizerSpec& s) {
  for (const Json& j : list(m, "merges")) {
    const std::string text = j.is_string() ? j.get<std::string>() : "";
    const size_t space = text.find(' ', 1);
    if (space == std::string::npos) fail(ErrorCode::kBadInput, "tokenizer", "merge '{}' is not two pieces", text);
    s.merges.emplace_back(text.substr(0, space), text.substr(space + 1));
  }
}

// Control and user-defined pieces are recognised in the text as they stand.
void read_added(TokenizerSpec& s) {
  for (size_t id = 0; id < s.types.size() && id < s.pieces.size(); ++id) {
    const bool control = s.types[id] == TokenType::kControl;
    if ((control || s.types[id] == TokenType::kUserDefined) && !s.pieces[id].empty())
      s.added.push_back({.text = s.pieces[id], .id = static_cast<int32_t>(id), .special = control});
  }
}

TokenizerKind kind_of(const std::string& model) {
  if (model == "gpt2") return TokenizerKind::kByteBpe;
  if (model == "llama") return TokenizerKind::kSpmBpe;
  if (model == "t5") return TokenizerKind::kUnigram;
  fail(ErrorCode::kUnsupported, "tokenizer", "tokenizer.ggml.model is '{}'; known are gpt2, llama, t5", model);
}

// The id at key; where the file names none, SentencePiece's usual piece of that type, or -1.
int32_t special_id(const Fields& f, const char* key, const TokenizerSpec& s, TokenType type, const char* usual) {
  const int64_t id = f.whole(kPrefix + key, -1), size = static_cast<int64_t>(s.pieces.size());
  if (id >= size || id < -1)
    fail(ErrorCode::kBadInput, "tokenizer", "{} is {}, the vocabulary has {} tokens", key, id, size);
  if (id >= 0 || s.kind == TokenizerKind::kByteBpe) return static_cast<int32_t>(id);
  for (size_t i = 0; i < s.types.size() && i < s.pieces.size(); ++i)
    if (s.types[i] == type && s.pieces[i] == usual) return static_cast<int32_t>(i);
  return -1;
}

// Ids that end a turn: those the file names, and control tokens that every model uses for it.
void read_stops(const Fields& f, TokenizerSpec& s) {
  static const std::set<std::string> kNames = {"<|eot_id|>", "<|eom_id|>",    "<|im_end|>",
                                               "<|end|>",    "<|endoftext|>", "<end_of_turn>"};
  std::set<int32_t> stops;
  for (const char* key : {"eos_token_id", "eot_token_id", "eom_token_id"})
    stops.insert(special_id(f, key, s, TokenType::kControl, "</s>"));
  for (const AddedToken& a : s.added)
    if (a.special && kNames.contains(a.text)) stops.insert(a.id);
  stops.erase(-1);
  s.stops.assign(stops.begin(), stops.end());
}

// The precompiled character map is a list of bytes.
void read_charsmap(const Json& m, TokenizerSpec& s) {
  if (!m.contains(kPrefix + "precompiled_charsmap")) return;
  for (const Json& byte : list(m, "precompiled_charsmap")) {
    if (!byte.is_number_integer())
      fail(ErrorCode::kBadInput, "tokenizer", "precompiled_charsmap holds {}, expected bytes", byte.type_name());
    s.normaliser_charsmap += static_cast<char>(byte.get<int64_t>());
  }
}

}  // namespace

TokenizerSpec tokenizer_from_gguf(const Json& m) {
  const Fields f(m, "GGUF metadata");
  TokenizerSpec s;
  s.kind = kind_of(f.text(kPrefix + "model", ""));
  const bool byte_level = s.kind == TokenizerKind::kByteBpe;
  read_pieces(m, s);
  if (byte_level) read_merges(m, s);
  read_added(s);
  read_charsmap(m, s);
  s.pre_tokenizer = f.text(kPrefix + "pre", "default");
  s.ignore_merges = s.pre_tokenizer == "llama-bpe";
  s.byte_fallback = !byte_level;
  s.bos = special_id(f, "bos_token_id", s, TokenType::kControl, "<s>");
  s.eos = special_id(f, "eos_token_id", s, TokenType::kControl, "</s>");
  s.unk = special_id(f, "unknown_token_id", s, TokenType::kUnknown, "<unk>");
  s.pad = special_id(f, "padding_token_id", s, TokenType::kControl, "<pad>");
  s.add_bos = f.flag(kPrefix + "add_bos_token", s.kind == TokenizerKind::kSpmBpe);
  s.add_eos = f.flag(kPrefix + "add_eos_token", s.kind == TokenizerKind::kUnigram);
  s.add_prefix_space = f.flag(kPrefix + "add_space_prefix", !byte_level);
  s.remove_extra_whitespaces = !byte_level && f.flag(kPrefix + "remove_extra_whitespaces", false);
  read_stops(f, s);
  s.chat_template = f.text("tokenizer.chat_template", "");
  return s;
}

}  // namespace frugal
