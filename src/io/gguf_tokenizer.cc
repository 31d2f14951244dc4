#include "io/gguf_tokenizer.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "text/pre_tokenizer.h"

namespace frugal {
namespace {

using Json = nlohmann::ordered_json;
const std::string kPrefix = "tokenizer.ggml.";

const char* model_name(TokenizerKind kind) {
  return kind == TokenizerKind::kByteBpe ? "gpt2" : kind == TokenizerKind::kSpmBpe ? "llama" : "t5";
}

std::vector<TokenType> types_of(const TokenizerSpec& s, size_t size) {
  std::vector<TokenType> types = s.types;
  types.resize(s.pieces.size(), TokenType::kNormal);
  for (const AddedToken& a : s.added)
    if (s.types.empty() && static_cast<size_t>(a.id) < types.size())
      types[static_cast<size_t>(a.id)] = a.special ? TokenType::kControl : TokenType::kUserDefined;
  types.resize(size, TokenType::kUnused);
  return types;
}

// SentencePiece's BPE merges the pair whose whole has the best score; from ranked merges the score is the negative
// rank.
std::vector<float> scores_of(const TokenizerSpec& s, size_t size) {
  std::vector<float> scores = s.scores;
  if (!s.merges.empty()) {  // they decide; the scores beside them may be all zero
    scores.clear();
    std::map<std::string, size_t> rank;
    for (size_t i = 0; i < s.merges.size(); ++i) rank.emplace(s.merges[i].first + s.merges[i].second, i);
    for (const std::string& piece : s.pieces) {
      const auto at = rank.find(piece);
      scores.push_back(-static_cast<float>(at == rank.end() ? s.merges.size() : at->second));
    }
  }
  scores.resize(size, -1e4f);
  return scores;
}

void put_ids(Json& m, const TokenizerSpec& s, const ModelConfig& c) {
  auto put = [&](const char* key, int32_t id) {
    if (id >= 0) m[kPrefix + key] = static_cast<uint64_t>(id);
  };
  const int32_t eos = s.eos >= 0 || c.eos.empty() ? s.eos : c.eos[0];
  put("bos_token_id", s.bos >= 0 ? s.bos : c.bos);
  put("eos_token_id", eos);
  put("unknown_token_id", s.unk);
  put("padding_token_id", s.pad);
  std::vector<int32_t> ends = s.stops;
  ends.insert(ends.end(), c.eos.begin(), c.eos.end());
  const auto turn = std::find_if(ends.begin(), ends.end(), [&](int32_t id) { return id != eos; });
  if (turn != ends.end()) put("eot_token_id", *turn);
}

void put_pieces(Json& m, const TokenizerSpec& s, size_t size) {
  Json tokens = s.pieces, types = Json::array();
  for (size_t id = s.pieces.size(); id < size; ++id) tokens.push_back(fmt::format("[PAD{}]", id));
  for (const TokenType t : types_of(s, size)) types.push_back(static_cast<int32_t>(t));
  m[kPrefix + "tokens"] = std::move(tokens);
  if (s.kind != TokenizerKind::kByteBpe) m[kPrefix + "scores"] = scores_of(s, size);
  m[kPrefix + "token_type"] = std::move(types);
  if (s.kind != TokenizerKind::kByteBpe) return;
  Json merges = Json::array();
  for (const auto& [left, right] : s.merges) merges.push_back(left + " " + right);
  m[kPrefix + "merges"] = std::move(merges);
}

}  // namespace

Json gguf_tokenizer(const TokenizerSpec& s, const ModelConfig& c) {
  if (static_cast<int64_t>(s.pieces.size()) > c.vocab)
    fail(ErrorCode::kBadInput, "convert", "the tokenizer has {} tokens, the embedding {} rows", s.pieces.size(),
         c.vocab);
  const std::string pre = s.pre_patterns.empty() ? s.pre_tokenizer : pre_tokenizer_name(s.pre_patterns);
  if (pre.empty())
    fail(ErrorCode::kUnsupported, "convert", "the tokenizer splits text by the pattern {}, which GGUF has no name for",
         s.pre_patterns[0]);
  Json m = Json::object();
  m[kPrefix + "model"] = model_name(s.kind);
  m[kPrefix + "pre"] = s.kind == TokenizerKind::kByteBpe ? pre : "default";
  put_pieces(m, s, static_cast<size_t>(c.vocab));
  put_ids(m, s, c);
  m[kPrefix + "add_bos_token"] = s.add_bos;
  m[kPrefix + "add_eos_token"] = s.add_eos;
  m[kPrefix + "add_space_prefix"] = s.add_prefix_space;
  if (s.kind == TokenizerKind::kUnigram) {
    m[kPrefix + "remove_extra_whitespaces"] = s.remove_extra_whitespaces;
    Json bytes = Json::array();
    for (const char b : s.normaliser_charsmap) bytes.push_back(static_cast<uint64_t>(static_cast<unsigned char>(b)));
    if (!bytes.empty()) m[kPrefix + "precompiled_charsmap"] = std::move(bytes);
  }
  if (!s.chat_template.empty()) m["tokenizer.chat_template"] = s.chat_template;
  return m;
}

}  // namespace frugal
