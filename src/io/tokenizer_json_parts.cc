#include "io/tokenizer_json_parts.h"

#include <algorithm>
#include <functional>

#include "base/error.h"
#include "io/base64.h"
#include "io/config_reader.h"
#include "text/pre_tokenizer.h"

namespace frugal {
namespace {

using Json = nlohmann::ordered_json;
constexpr char kPart[] = "tokenizer.json";
constexpr char kBlank[] = "\xe2\x96\x81";  // U+2581

[[noreturn]] void unsupported(const std::string& what) {
  fail(ErrorCode::kUnsupported, kPart, "{} is not supported", what);
}

std::string type_of(const Json& part) { return Fields(part, kPart).text("type", ""); }

// Calls f for part, or for each part of a Sequence.
void for_each_part(const Json& part, const std::function<void(const Json&)>& f, int depth = 0) {
  if (part.is_null()) return;
  if (!part.is_object()) fail(ErrorCode::kBadInput, kPart, "a part is {}, expected an object", part.type_name());
  if (type_of(part) != "Sequence") return f(part);
  if (depth > 8) unsupported("a Sequence inside eight others");
  for (const char* key : {"normalizers", "pretokenizers", "processors", "decoders"})
    if (part.contains(key) && part[key].is_array())
      for (const Json& p : part[key]) for_each_part(p, f, depth + 1);
}

// {"String": ...} or {"Regex": ...}: the text, and whether it is a regular expression.
std::pair<std::string, bool> pattern_of(const Json& part) {
  const Json pattern = part.contains("pattern") ? part["pattern"] : Json();
  for (const char* key : {"String", "Regex"})
    if (pattern.is_object() && pattern.contains(key) && pattern[key].is_string())
      return {pattern[key].get<std::string>(), *key == 'R'};
  fail(ErrorCode::kBadInput, kPart, "{} has no pattern", type_of(part));
}

std::string as_regex(const std::string& text) {
  std::string out;
  for (char c : text) {
    if (std::string_view(R"(\^$.|?*+()[]{}#-)").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

void read_replace(const Json& part, TokenizerSpec& s) {
  const auto [from, regex] = pattern_of(part);
  const std::string to = Fields(part, kPart).text("content", "");
  if (!regex && from == " " && to == kBlank) return;  // SentencePiece kinds do so themselves
  s.rewrites.push_back({regex ? Rewrite::kReplaceRegex : Rewrite::kReplace, from, to});
}

void read_charsmap(const Json& part, TokenizerSpec& s) {
  Rewrite r = {Rewrite::kCharsmap, "", ""};
  if (!from_base64(Fields(part, kPart).text("precompiled_charsmap", ""), r.from))
    fail(ErrorCode::kBadInput, kPart, "precompiled_charsmap is not base64");
  if (!r.from.empty()) s.rewrites.push_back(std::move(r));
}

void read_one_normalizer(const Json& part, TokenizerSpec& s) {
  static const std::pair<const char*, Rewrite::Kind> kPlain[] = {{"NFC", Rewrite::kNfc},
                                                                 {"NFD", Rewrite::kNfd},
                                                                 {"NFKC", Rewrite::kNfkc},
                                                                 {"NFKD", Rewrite::kNfkd},
                                                                 {"Lowercase", Rewrite::kLowercase},
                                                                 {"StripAccents", Rewrite::kStripMarks}};
  const Fields f(part, kPart);
  const std::string type = type_of(part);
  for (const auto& [name, kind] : kPlain)
    if (type == name) return s.rewrites.push_back({kind, "", ""});
  if (type == "Replace") return read_replace(part, s);
  if (type == "Precompiled") return read_charsmap(part, s);
  if (type == "Strip") {
    if (f.flag("strip_left", true)) s.rewrites.push_back({Rewrite::kStripLeft, "", ""});
    if (f.flag("strip_right", true)) s.rewrites.push_back({Rewrite::kStripRight, "", ""});
  } else if (type == "Prepend") {
    const std::string to = f.text("prepend", "");
    if (to == kBlank)
      s.add_prefix_space = true;
    else
      s.rewrites.push_back({Rewrite::kPrepend, "", to});
  } else {
    unsupported("normalizer " + type);
  }
}

// A Split with what it does to its matches. What lies between the matches of an inverted "Removed" is kept: no text is
// lost.
void read_split(const Json& part, TokenizerSpec& s) {
  const Fields f(part, kPart);
  const auto [text, regex] = pattern_of(part);
  const std::string pattern = regex ? text : as_regex(text), behavior = f.text("behavior", "Isolated");
  const bool invert = f.flag("invert", false);
  if (s.kind != TokenizerKind::kByteBpe && !regex && text == " ") return;  // no blanks are left by then
  if (behavior == "Isolated" || (behavior == "Removed" && invert)) return s.pre_patterns.push_back(pattern);
  if (behavior == "Contiguous" && !invert) return s.pre_patterns.push_back("(?:" + pattern + ")+");
  unsupported("pre-tokenizer Split with behavior " + behavior + (invert ? ", inverted," : ""));
}

void read_punctuation(const Json& part, TokenizerSpec& s) {
  const std::string behavior = Fields(part, kPart).text("behavior", "Isolated");
  const std::string run = kPunctuationPattern;
  if (behavior == "Contiguous") return s.pre_patterns.push_back(run);
  if (behavior == "Isolated") return s.pre_patterns.push_back(run.substr(0, run.size() - 1));
  unsupported("pre-tokenizer Punctuation with behavior " + behavior);
}

void read_metaspace(const Json& part, TokenizerSpec& s) {
  const Fields f(part, kPart);
  if (f.text("replacement", kBlank) != kBlank)
    unsupported("a Metaspace that replaces with " + f.text("replacement", ""));
  const std::string scheme = f.text("prepend_scheme", f.flag("add_prefix_space", true) ? "always" : "never");
  s.add_prefix_space = scheme != "never";
  s.prefix_first_only = scheme == "first";
  s.prefix_if_missing = true;
  s.split_words = f.flag("split", true);
}

void read_one_pre_tokenizer(const Json& part, TokenizerSpec& s) {
  const Fields f(part, kPart);
  const std::string type = type_of(part);
  if (type == "ByteLevel") {
    s.add_prefix_space = f.flag("add_prefix_space", true);
    if (f.flag("use_regex", true)) s.pre_patterns.emplace_back(kGpt2Pattern);
  } else if (type == "Split") {
    read_split(part, s);
  } else if (type == "Digits") {
    s.pre_patterns.emplace_back(f.flag("individual_digits", false) ? kDigitPattern : kDigitsPattern);
  } else if (type == "Punctuation") {
    read_punctuation(part, s);
  } else if (type == "Metaspace") {
    read_metaspace(part, s);
  } else if (type == "WhitespaceSplit" && s.kind != TokenizerKind::kByteBpe) {
    s.rewrites.push_back({Rewrite::kStripLeft, "", ""});
    s.rewrites.push_back({Rewrite::kStripRight, "", ""});
    s.rewrites.push_back({Rewrite::kReplaceRegex, R"(\s+)", " "});
  } else {
    unsupported("pre-tokenizer " + type);
  }
}

// The id that a template's special token stands for.
int32_t template_id(const Json& processor, const std::string& name) {
  const Json& tokens = processor.contains("special_tokens") ? processor["special_tokens"] : processor;
  if (tokens.is_object() && tokens.contains(name) && tokens[name].is_object()) {
    const std::vector<int32_t> ids = Fields(tokens[name], kPart).ids("ids");
    if (ids.size() == 1) return ids[0];
  }
  fail(ErrorCode::kBadInput, kPart, "the template's special token '{}' has no single id", name);
}

// TemplateProcessing: [beginning] A [end].
void read_template(const Json& processor, TokenizerSpec& s) {
  bool text_seen = false;
  if (!processor.contains("single") || !processor["single"].is_array())
    fail(ErrorCode::kBadInput, kPart, "a template without 'single'");
  for (const Json& item : processor["single"]) {
    if (item.is_object() && item.contains("Sequence")) {
      text_seen = true;
    } else if (item.is_object() && item.contains("SpecialToken")) {
      bool& add = text_seen ? s.add_eos : s.add_bos;
      if (add) unsupported("a template with two special tokens on one side of the text");
      add = true;
      (text_seen ? s.eos : s.bos) = template_id(processor, Fields(item["SpecialToken"], kPart).text("id", ""));
    } else {
      fail(ErrorCode::kBadInput, kPart, "a template holds {}",
           item.dump(-1, ' ', true, Json::error_handler_t::replace).substr(0, 60));
    }
  }
}

// RobertaProcessing, BertProcessing: "cls": [text, id] before, "sep" behind.
void read_pair_processor(const Json& processor, TokenizerSpec& s) {
  auto id = [&](const char* key) {
    if (processor.contains(key) && processor[key].is_array() && processor[key].size() == 2 &&
        processor[key][1].is_number_integer())
      return processor[key][1].get<int32_t>();
    fail(ErrorCode::kBadInput, kPart, "a post-processor without {}", key);
  };
  s.bos = id("cls");
  s.eos = id("sep");
  s.add_bos = s.add_eos = true;
}

}  // namespace

bool has_part(const Json& part, const std::string& type) {
  bool found = false;
  for_each_part(part, [&](const Json& p) { found = found || type_of(p) == type; });
  return found;
}

bool escapes_blanks(const Json& tokenizer) {
  bool found = tokenizer.contains("pre_tokenizer") && has_part(tokenizer["pre_tokenizer"], "Metaspace");
  if (tokenizer.contains("normalizer"))
    for_each_part(tokenizer["normalizer"], [&](const Json& p) {
      found = found ||
              (type_of(p) == "Replace" && pattern_of(p).first == " " && Fields(p, kPart).text("content", "") == kBlank);
    });
  return found;
}

void read_normalizer(const Json& normalizer, TokenizerSpec& s) {
  for_each_part(normalizer, [&](const Json& p) { read_one_normalizer(p, s); });
}

void read_pre_tokenizer(const Json& pre_tokenizer, TokenizerSpec& s) {
  for_each_part(pre_tokenizer, [&](const Json& p) { read_one_pre_tokenizer(p, s); });
}

void read_post_processor(const Json& post_processor, TokenizerSpec& s) {
  for_each_part(post_processor, [&](const Json& p) {
    const std::string type = type_of(p);
    if (type == "TemplateProcessing") return read_template(p, s);
    if (type == "RobertaProcessing" || type == "BertProcessing") return read_pair_processor(p, s);
    if (type != "ByteLevel") unsupported("post-processor " + type);
  });
}

void reserve_piece(int64_t id, size_t known, TokenizerSpec& s) {
  const int64_t most = static_cast<int64_t>(2 * known + 4096);
  if (id < 0 || id > most) fail(ErrorCode::kBadInput, kPart, "id {} in a vocabulary of {}", id, known);
  if (static_cast<size_t>(id) < s.pieces.size()) return;
  s.pieces.resize(static_cast<size_t>(id) + 1);
  s.types.resize(s.pieces.size(), TokenType::kUnused);
  s.scores.resize(s.pieces.size(), 0.0f);
}

void read_added_tokens(const Json& added, TokenizerSpec& s) {
  if (added.is_null()) return;
  if (!added.is_array()) fail(ErrorCode::kBadInput, kPart, "added_tokens is {}, expected a list", added.type_name());
  const size_t known = s.pieces.size() + added.size();
  for (const Json& token : added) {
    const Fields f(token, kPart);
    AddedToken a;
    a.text = f.text("content", "");
    if (a.text.empty()) fail(ErrorCode::kBadInput, kPart, "an added token without content");
    const int64_t id = f.whole("id", -1);
    reserve_piece(id, known, s);
    a.id = static_cast<int32_t>(id);
    a.special = f.flag("special", false);
    a.lstrip = f.flag("lstrip", false);
    a.rstrip = f.flag("rstrip", false);
    a.single_word = f.flag("single_word", false);
    a.normalized = f.flag("normalized", false);
    const auto at = static_cast<size_t>(id);
    s.pieces[at] = a.text;
    s.types[at] = a.special ? TokenType::kControl : TokenType::kUserDefined;
    s.added.push_back(std::move(a));
  }
}

}  // namespace frugal
