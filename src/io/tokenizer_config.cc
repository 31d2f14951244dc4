// tokenizer_config.json: what transformers lays over a tokenizer.
#include <algorithm>

#include "base/error.h"
#include "io/config_reader.h"
#include "io/tokenizer_json.h"
#include "io/tokenizer_json_parts.h"

namespace frugal {
namespace {

using Json = nlohmann::ordered_json;
constexpr char kPart[] = "tokenizer_config.json";

// A token given as its text or as {"content": text}; empty when there is none.
std::string token_text(const Json& config, const char* key) {
  if (!config.contains(key) || config[key].is_null()) return "";
  return config[key].is_object() ? Fields(config[key], kPart).text("content", "") : Fields(config, kPart).text(key, "");
}

int32_t id_of(const TokenizerSpec& s, const std::string& text) {
  for (const AddedToken& a : s.added)
    if (a.text == text) return a.id;
  const auto at = std::find(s.pieces.begin(), s.pieces.end(), text);
  return at == s.pieces.end() ? -1 : static_cast<int32_t>(at - s.pieces.begin());
}

// A special token by name; one that the tokenizer knows as a mere piece becomes a control token, as in transformers.
void set_special(const Json& config, const char* key, int32_t& id, TokenizerSpec& s) {
  const std::string text = token_text(config, key);
  const int32_t found = text.empty() ? -1 : id_of(s, text);
  if (found < 0) return;
  id = found;
  const auto same = [&](const AddedToken& a) { return a.id == found; };
  if (key == std::string_view("unk_token") || std::any_of(s.added.begin(), s.added.end(), same)) return;
  s.added.push_back({.text = text, .id = found, .special = true});
  if (!s.types.empty()) s.types[static_cast<size_t>(found)] = TokenType::kControl;
}

// A string, or a list of {"name", "template"} of which "default" is meant.
std::string chat_template(const Json& config) {
  if (!config.contains("chat_template") || !config["chat_template"].is_array())
    return Fields(config, kPart).text("chat_template", "");
  std::string first;
  for (const Json& entry : config["chat_template"]) {
    const Fields f(entry, kPart);
    std::string source = f.text("template", "");
    if (f.text("name", "") == "default") return source;
    if (first.empty()) first = source;
  }
  return first;
}

// added_tokens_decoder: {"id": {"content": ...}, ...}; those that the tokenizer has already stay as they are.
void read_decoder_tokens(const Json& config, TokenizerSpec& s) {
  if (!config.contains("added_tokens_decoder") || !config["added_tokens_decoder"].is_object()) return;
  Json fresh = Json::array();
  for (const auto& [key, token] : config["added_tokens_decoder"].items()) {
    const bool digits = !key.empty() && key.size() < 10 && key.find_first_not_of("0123456789") == std::string::npos;
    if (!digits || !token.is_object())
      fail(ErrorCode::kBadInput, kPart, "added_tokens_decoder has the entry '{}'", key);
    const int64_t id = std::stol(key);
    if (std::any_of(s.added.begin(), s.added.end(), [&](const AddedToken& a) { return a.id == id; })) continue;
    if (id == s.unk) continue;  // SentencePiece's own, never found in text
    fresh.push_back(token);
    fresh.back()["id"] = id;
  }
  const bool scored = !s.scores.empty();
  read_added_tokens(fresh, s);
  if (!scored) s.scores.clear();
}

}  // namespace

void apply_tokenizer_config(const Json& config, TokenizerSpec& s) {
  const Fields f(config, kPart);
  if (!config.is_object()) fail(ErrorCode::kBadInput, kPart, "found {}, expected an object", config.type_name());
  read_decoder_tokens(config, s);
  set_special(config, "bos_token", s.bos, s);
  set_special(config, "eos_token", s.eos, s);
  set_special(config, "unk_token", s.unk, s);
  set_special(config, "pad_token", s.pad, s);
  s.add_bos = f.flag("add_bos_token", s.add_bos);
  s.add_eos = f.flag("add_eos_token", s.add_eos);
  if (s.kind == TokenizerKind::kSpmBpe && s.merges.empty()) {  // a tokenizer.model, read by LlamaTokenizer
    s.add_prefix_space = f.flag("add_prefix_space", s.add_prefix_space);
    s.prefix_first_only = !f.flag("legacy", true);
  }
  if (std::string source = chat_template(config); !source.empty()) s.chat_template = std::move(source);
  if (s.eos >= 0 && std::find(s.stops.begin(), s.stops.end(), s.eos) == s.stops.end()) s.stops.push_back(s.eos);
}

}  // namespace frugal
