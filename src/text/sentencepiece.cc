#include "text/sentencepiece.h"

#include <fmt/format.h>

#include <algorithm>

#include "text/utf8.h"

namespace frugal {
namespace {

constexpr std::string_view kBlank = "\xe2\x96\x81";        // U+2581
constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD

}  // namespace

SentencePiece::SentencePiece(TokenizerSpec spec) : Tokenizer(std::move(spec)), charsmap_(spec_.normaliser_charsmap) {
  for (int b = 0; b < 256; ++b) bytes_[b] = spec_.byte_fallback ? id_of(fmt::format("<0x{:02X}>", b)) : -1;
  if (spec_.merges.empty())  // with merges it follows the tokenizers package, to which these are merely added tokens
    for (int32_t id = 0; id < size(); ++id)
      if (type(id) == TokenType::kUserDefined) user_defined_.add(spec_.pieces[static_cast<size_t>(id)], id);
}

bool SentencePiece::is_text(int32_t id) const {
  const TokenType t = type(id);
  return t == TokenType::kNormal || t == TokenType::kUserDefined || t == TokenType::kUnused;
}

void SentencePiece::encode_plain(std::string_view text, bool first, std::vector<int32_t>& out) const {
  const std::string normal = normalise(text, first && spec_.add_prefix_space);
  std::string_view rest = normal;
  Sink sink(*this, out);
  while (!rest.empty()) {
    const size_t word = spec_.split_words ? rest.find(kBlank, 1) : std::string_view::npos;
    segment(rest.substr(0, word), sink);
    rest.remove_prefix(std::min(word, rest.size()));
  }
}

void SentencePiece::append_blanks_escaped(std::string_view text, std::string& out) const {
  for (char c : text) c == ' ' ? out += kBlank : out += c;
}

// What text begins with, normalised; its bytes are taken from text.
std::string_view SentencePiece::next_part(std::string_view& text) const {
  Charsmap::Match m = {user_defined_.longest(text), {}};
  m.to = text.substr(0, m.length);
  if (m.length == 0) m = charsmap_.longest(text);
  if (m.length == 0) {
    m.length = utf8_length(text);
    m.to = m.length == 1 && (text[0] & 0x80) ? kReplacement : text.substr(0, m.length);
  }
  text.remove_prefix(m.length);
  return m.to;
}

// SentencePiece's own order of things: leading blanks go first, then the prefix comes, then every sequence in turn is
// replaced, and blanks behind a blank are dropped where the model says so.
std::string SentencePiece::normalise(std::string_view text, bool prefix) const {
  const bool lean = spec_.remove_extra_whitespaces;
  for (std::string_view rest = text; lean && !rest.empty() && next_part(rest) == " ";) text = rest;
  if (text.empty()) return "";
  const bool before = prefix && !spec_.blank_suffix && !spec_.prefix_if_missing;
  std::string out(before ? kBlank : "");
  bool drop_blanks = lean;
  while (!text.empty()) {
    std::string_view part = next_part(text);
    while (drop_blanks && part.starts_with(' ')) part.remove_prefix(1);
    if (part.empty()) continue;
    append_blanks_escaped(part, out);
    drop_blanks = lean && part.ends_with(' ');
  }
  while (lean && out.ends_with(kBlank)) out.resize(out.size() - kBlank.size());
  if (prefix && spec_.blank_suffix) out += kBlank;
  if (prefix && spec_.prefix_if_missing && !out.starts_with(kBlank)) out.insert(0, kBlank);
  return out;
}

void SentencePiece::Sink::take(int32_t id) {
  out_.push_back(id);
  after_unknown_ = false;
}

void SentencePiece::Sink::take_unknown(std::string_view bytes) {
  const auto id = [&](char c) { return owner_.bytes_[static_cast<unsigned char>(c)]; };
  if (std::all_of(bytes.begin(), bytes.end(), [&](char c) { return id(c) >= 0; })) {
    for (char c : bytes) take(id(c));
  } else if (owner_.spec_.unk >= 0 && !after_unknown_) {
    take(owner_.spec_.unk);
    after_unknown_ = owner_.spec_.fuse_unknown;
  }
}

}  // namespace frugal
