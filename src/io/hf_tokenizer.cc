#include "io/hf_tokenizer.h"

#include <algorithm>
#include <unordered_map>

#include "base/error.h"
#include "text/pre_tokenizer.h"

namespace frugal {
namespace {

using Json = nlohmann::ordered_json;
const std::string kBlank = "\xe2\x96\x81";  // U+2581 stands for a blank in SentencePiece

std::string text_of(const TokenizerSpec& s, int32_t id) {
  return id >= 0 && id < static_cast<int32_t>(s.pieces.size()) ? s.pieces[static_cast<size_t>(id)] : "";
}
std::string quoted(const std::string& text) { return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace); }
Json sequence(const char* member, Json parts) { return {{"type", "Sequence"}, {member, std::move(parts)}}; }
Json replace(const std::string& what, const std::string& by) {
  return {{"type", "Replace"}, {"pattern", {{"String", what}}}, {"content", by}};
}

Json added_tokens(const TokenizerSpec& s) {
  Json list = Json::array();
  auto add = [&](const AddedToken& a) {
    list.push_back({{"id", a.id},
                    {"content", a.text},
                    {"single_word", a.single_word},
                    {"lstrip", a.lstrip},
                    {"rstrip", a.rstrip},
                    {"normalized", a.normalized},
                    {"special", a.special}});
  };
  std::vector<AddedToken> all = s.added;
  const auto has = [&](int32_t id) {
    return std::any_of(all.begin(), all.end(), [&](const AddedToken& a) { return a.id == id; });
  };
  if (const std::string unknown = text_of(s, s.unk); !unknown.empty() && !has(s.unk))
    all.push_back({unknown, s.unk, true});
  std::sort(all.begin(), all.end(), [](const AddedToken& a, const AddedToken& b) { return a.id < b.id; });
  for (const AddedToken& a : all) add(a);
  return list;
}

// BOS and EOS around the text, as the model's own configuration says.
Json post_processor(const TokenizerSpec& s) {
  const std::string bos = s.add_bos ? text_of(s, s.bos) : "", eos = s.add_eos ? text_of(s, s.eos) : "";
  if (bos.empty() && eos.empty())
    return s.kind == TokenizerKind::kByteBpe
               ? Json{{"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", false}, {"use_regex", true}}
               : Json();
  Json specials = Json::object();
  auto part = [&](Json& list, const std::string& token, int32_t id, int type) {
    if (token.empty()) return;
    list.push_back({{"SpecialToken", {{"id", token}, {"type_id", type}}}});
    specials[token] = {{"id", token}, {"ids", {id}}, {"tokens", {token}}};
  };
  auto around = [&](Json& list, const char* text, int type) {
    part(list, bos, s.bos, type);
    list.push_back({{"Sequence", {{"id", text}, {"type_id", type}}}});
    part(list, eos, s.eos, type);
  };
  Json single = Json::array(), pair = Json::array();
  around(single, "A", 0);
  around(pair, "A", 0);
  around(pair, "B", 1);
  return {{"type", "TemplateProcessing"}, {"single", single}, {"pair", pair}, {"special_tokens", specials}};
}

// What stands around the model of a byte-level BPE.
void put_byte_level(const TokenizerSpec& s, Json& j) {
  const std::vector<std::string>& patterns =
      s.pre_patterns.empty() ? pre_tokenizer_patterns(s.pre_tokenizer) : s.pre_patterns;
  Json parts = Json::array();
  for (const std::string& p : patterns) {
    if (p == kByteDigitsPattern)
      fail(ErrorCode::kUnsupported, "convert", "pre-tokenizer '{}' is no chain of expressions", s.pre_tokenizer);
    parts.push_back({{"type", "Split"}, {"pattern", {{"Regex", p}}}, {"behavior", "Isolated"}, {"invert", false}});
  }
  parts.push_back(
      {{"type", "ByteLevel"}, {"add_prefix_space", s.add_prefix_space}, {"trim_offsets", true}, {"use_regex", false}});
  j["normalizer"] =
      s.pre_tokenizer == "qwen2" ? Json{{"type", "NFC"}} : Json();  // Qwen's own file has it, GGUF no key for it
  j["pre_tokenizer"] = sequence("pretokenizers", std::move(parts));
  j["decoder"] = {{"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", true}, {"use_regex", true}};
}

void put_sentencepiece(const TokenizerSpec& s, Json& j) {
  Json normal = Json::array(),
       decode = Json::array({replace(kBlank, " "), {{"type", "ByteFallback"}}, {{"type", "Fuse"}}});
  if (s.add_prefix_space) {
    normal.push_back({{"type", "Prepend"}, {"prepend", kBlank}});
    decode.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  }
  normal.push_back(replace(" ", kBlank));
  j["normalizer"] = sequence("normalizers", std::move(normal));
  j["pre_tokenizer"] = nullptr;
  j["decoder"] = sequence("decoders", std::move(decode));
}

// Written as text, in the order of the ids: an ordered object takes quadratic time to fill.
std::string model_text(const TokenizerSpec& s) {
  const bool pieces = s.kind == TokenizerKind::kSpmBpe;
  size_t size = s.pieces.size();
  while (size > 0 && size <= s.types.size() && s.types[size - 1] == TokenType::kUnused) --size;
  std::string out = fmt::format(
      R"({{"type":"BPE","dropout":null,"unk_token":{},"continuing_subword_prefix":null,"end_of_word_suffix":null,)"
      R"("fuse_unk":{},"byte_fallback":{},"ignore_merges":{},"vocab":{{)",
      pieces ? quoted(text_of(s, s.unk)) : "null", pieces, s.byte_fallback, s.ignore_merges);
  for (size_t id = 0; id < size; ++id) out += fmt::format("{}{}:{}", id == 0 ? "" : ",\n", quoted(s.pieces[id]), id);
  out += "},\"merges\":[";
  const auto merges = pieces && s.merges.empty() ? merges_of_scores(s) : s.merges;
  for (size_t i = 0; i < merges.size(); ++i)
    out += fmt::format("{}[{},{}]", i == 0 ? "" : ",\n", quoted(merges[i].first), quoted(merges[i].second));
  return out + "]}";
}

}  // namespace

std::vector<std::pair<std::string, std::string>> merges_of_scores(const TokenizerSpec& s) {
  std::unordered_map<std::string_view, size_t> ids;
  for (size_t id = 0; id < s.pieces.size(); ++id) ids.emplace(s.pieces[id], id);
  struct Merge {
    size_t left, right;
    float score;
  };
  std::vector<Merge> merges;
  for (size_t id = 0; id < s.pieces.size(); ++id) {
    if (id < s.types.size() && s.types[id] != TokenType::kNormal) continue;
    const std::string_view piece = s.pieces[id];
    const size_t first = merges.size();
    for (size_t cut = 1; cut < piece.size(); ++cut) {
      const auto left = ids.find(piece.substr(0, cut)), right = ids.find(piece.substr(cut));
      if (left != ids.end() && right != ids.end()) merges.push_back({left->second, right->second, s.scores[id]});
    }
    std::sort(merges.begin() + static_cast<std::ptrdiff_t>(first), merges.end(),
              [](const Merge& a, const Merge& b) { return std::pair(a.left, a.right) < std::pair(b.left, b.right); });
  }
  std::stable_sort(merges.begin(), merges.end(), [](const Merge& a, const Merge& b) { return a.score > b.score; });
  std::vector<std::pair<std::string, std::string>> texts;
  texts.reserve(merges.size());
  for (const Merge& m : merges) texts.emplace_back(s.pieces[m.left], s.pieces[m.right]);
  return texts;
}

std::string tokenizer_json_of(const TokenizerSpec& s) {
  if (s.kind == TokenizerKind::kUnigram)
    fail(ErrorCode::kUnsupported, "convert", "tokenizer.json is not written for unigram models");
  Json j = {{"version", "1.0"}, {"truncation", nullptr}, {"padding", nullptr}, {"added_tokens", added_tokens(s)}};
  s.kind == TokenizerKind::kByteBpe ? put_byte_level(s, j) : put_sentencepiece(s, j);
  j["post_processor"] = post_processor(s);
  std::string out = j.dump(1, ' ', false, Json::error_handler_t::replace);
  out.resize(out.rfind('\n'));
  return out + ",\n \"model\":" + model_text(s) + "\n}\n";
}

Json tokenizer_config_of(const TokenizerSpec& s, int64_t context) {
  Json j = {{"tokenizer_class", "PreTrainedTokenizerFast"},
            {"model_max_length", context},
            {"clean_up_tokenization_spaces", false},
            {"add_bos_token", s.add_bos},
            {"add_eos_token", s.add_eos},
            {"add_prefix_space", s.add_prefix_space}};
  for (const auto& [key, id] : {std::pair("bos_token", s.bos), std::pair("eos_token", s.eos),
                                std::pair("unk_token", s.unk), std::pair("pad_token", s.pad)})
    if (const std::string text = text_of(s, id); !text.empty()) j[key] = text;
  if (!s.chat_template.empty()) j["chat_template"] = s.chat_template;
  return j;
}

}  // namespace frugal
