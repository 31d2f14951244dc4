#include "io/tokenizer_gguf.h"

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
    if (!p.is_string()) fail(ErrorCode::kBadInput, "tokenizer", "tokens holds {}, expected texts", p.dump().substr(0, 40));
    s.pieces.push_back(p.get<std::string>());
  }
  if (m.contains(kPrefix + "token_type"))
    for (const Json& t : list(m, "token_type")) {
      const int64_t type = t.is_number_integer() ? t.get<int64_t>() : 0;
      if (type < 1 || type > 6) fail(ErrorCode::kBadInput, "tokenizer", "token_type holds {}, expected 1 to 6", t.dump());
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
    if ((control || s.types[id] == TokenType::kUserDefined) && !s.pieces[id].empty()) {
      AddedToken a;
      a.text = s.pieces[id];
      a.id = static_cast<int32_t>(id);
      a.special = control;
      s.added.push_back(a);
    }
  }
}

}  // namespace

TokenizerSpec tokenizer_from_gguf(const Json& m) {
  const Fields f(m, "GGUF metadata");
  TokenizerSpec s;
  const std::string model = f.text(kPrefix + "model", "");
  if (model == "gpt2") {
    s.kind = TokenizerKind::kByteBpe;
  } else if (model == "llama") {
    s.kind = TokenizerKind::kSpmBpe;
  } else if (model == "t5") {
    s.kind = TokenizerKind::kUnigram;
  } else {
    fail(ErrorCode::kUnsupported, "tokenizer", "tokenizer.ggml.model is '{}'; known are gpt2, llama, t5", model);
  }
  const bool byte_level = s.kind == TokenizerKind::kByteBpe;
  read_pieces(m, s);
  if (byte_level) read_merges(m, s);
  read_added(s);
  s.pre_tokenizer = f.text(kPrefix + "pre", "default");
  s.ignore_merges = s.pre_tokenizer == "llama-bpe";
  s.byte_fallback = !byte_level;
  auto id = [&](const char* name) { return static_cast<int32_t>(f.whole(kPrefix + name, -1)); };
  s.bos = id("bos_token_id");
  s.eos = id("eos_token_id");
  s.unk = f.has(kPrefix + "unknown_token_id") ? id("unknown_token_id") : byte_level ? -1 : 0;
  s.pad = id("padding_token_id");
  s.add_bos = f.flag(kPrefix + "add_bos_token", !byte_level);
  s.add_eos = f.flag(kPrefix + "add_eos_token", false);
  s.add_prefix_space = f.flag(kPrefix + "add_space_prefix", !byte_level);
  if (const int32_t eot = id("eot_token_id"); eot >= 0) s.stops.push_back(eot);
  if (s.eos >= 0) s.stops.push_back(s.eos);
  s.chat_template = f.text("tokenizer.chat_template", "");
  return s;
}

}  // namespace frugal
