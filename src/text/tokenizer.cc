#include "text/tokenizer.h"

#include <algorithm>
#include <charconv>
#include <unordered_map>

#include "base/error.h"
#include "text/added_tokens.h"
#include "text/algorithms.h"
#include "text/byte_alphabet.h"
#include "text/utf8.h"

namespace frugal {
namespace {

const std::string kSpace = "\xe2\x96\x81";  // U+2581, SentencePiece's blank

std::string with_spaces(std::string_view piece) {
  std::string out(piece);
  for (size_t at = 0; (at = out.find(kSpace, at)) != std::string::npos; ++at) out.replace(at, kSpace.size(), " ");
  return out;
}

// "<0x0A>" -> the byte; anything else stands for itself.
std::string byte_piece(const std::string& piece) {
  unsigned value = 0;
  const char *first = piece.data() + 3, *last = piece.data() + piece.size() - 1;
  if (piece.size() != 6 || !piece.starts_with("<0x") || *last != '>') return piece;
  return std::from_chars(first, last, value, 16).ptr == last ? std::string(1, static_cast<char>(value)) : piece;
}

TokenType type_of(const TokenizerSpec& s, size_t id) { return s.types.empty() ? TokenType::kNormal : s.types[id]; }

std::string bytes_of(const TokenizerSpec& s, size_t id) {
  const TokenType type = type_of(s, id);
  if (type == TokenType::kByte) return byte_piece(s.pieces[id]);
  if (type == TokenType::kUnknown && !s.unknown_text.empty()) return s.unknown_text;
  if (type == TokenType::kControl || type == TokenType::kUserDefined)
    return s.kind == TokenizerKind::kByteBpe ? s.pieces[id] : with_spaces(s.pieces[id]);
  return s.kind == TokenizerKind::kByteBpe ? from_byte_alphabet(s.pieces[id]) : with_spaces(s.pieces[id]);
}

void check(const TokenizerSpec& s) {
  const size_t n = s.pieces.size();
  if (n == 0) fail(ErrorCode::kBadInput, "tokenizer", "the vocabulary is empty");
  if (!s.types.empty() && s.types.size() != n)
    fail(ErrorCode::kBadInput, "tokenizer", "{} token types for {} tokens", s.types.size(), n);
  if (s.kind != TokenizerKind::kByteBpe && s.scores.size() != n)
    fail(ErrorCode::kBadInput, "tokenizer", "{} scores for {} tokens", s.scores.size(), n);
  for (int32_t id : {s.bos, s.eos, s.unk, s.pad})
    if (id >= static_cast<int32_t>(n))
      fail(ErrorCode::kBadInput, "tokenizer", "special id {} is outside the vocabulary of {}", id, n);
  for (const AddedToken& a : s.added)
    if (a.id < 0 || a.id >= static_cast<int32_t>(n) || a.text.empty())
      fail(ErrorCode::kBadInput, "tokenizer", "added token '{}' has id {}, expected 0 to {}", a.text, a.id, n - 1);
}

}  // namespace

// What encoding and decoding look up.
struct Tokenizer::AddedIndex {
  std::vector<bool> special;
  std::unordered_map<std::string, int32_t> ids;
  Rewriter rewriter;
  AddedTokens raw, rewritten;  // found before and after the rewriting

  explicit AddedIndex(const TokenizerSpec& s)
      : special(s.pieces.size(), false), rewriter(s.rewrites), raw(pick(s, false)), rewritten(pick(s, true)) {
    for (size_t id = 0; id < s.pieces.size(); ++id) {
      special[id] = type_of(s, id) == TokenType::kControl;
      ids.emplace(s.pieces[id], static_cast<int32_t>(id));
    }
    for (const AddedToken& a : s.added) special[static_cast<size_t>(a.id)] = a.special;
  }

 private:
  std::vector<AddedToken> pick(const TokenizerSpec& s, bool normalized) const {
    std::vector<AddedToken> out;
    for (AddedToken a : s.added) {
      if (a.normalized != normalized) continue;
      if (normalized && !rewriter.empty()) a.text = rewriter.apply(a.text);
      if (!a.text.empty()) out.push_back(std::move(a));
    }
    return out;
  }
};

namespace {

// Appends the ids of the added tokens in text, and calls plain(section, whether it begins text) for what lies between.
template <typename Plain>
void cut(const AddedTokens& tokens, std::string_view text, bool parse_special, std::vector<int32_t>& ids, Plain plain) {
  AddedTokens::Match m;
  size_t from = 0;
  for (; tokens.find(text, from, parse_special, m); from = m.end) {
    if (m.begin > from) plain(text.substr(from, m.begin - from), from == 0);
    ids.push_back(m.id);
  }
  if (from < text.size()) plain(text.substr(from), from == 0);
}

}  // namespace

Tokenizer::Tokenizer(TokenizerSpec spec) : spec_(std::move(spec)) {
  check(spec_);
  for (size_t id = 0; id < spec_.pieces.size(); ++id) bytes_.push_back(bytes_of(spec_, id));
  for (const AddedToken& a : spec_.added) bytes_[static_cast<size_t>(a.id)] = a.text;
  added_ = std::make_shared<AddedIndex>(spec_);
}

std::vector<int32_t> Tokenizer::encode(std::string_view text, const EncodeOptions& options) const {
  std::vector<int32_t> ids;
  if (options.add_special && spec_.add_bos && spec_.bos >= 0) ids.push_back(spec_.bos);
  cut(added_->raw, text, options.parse_special, ids, [&](std::string_view section, bool first) {
    std::string rewritten;
    if (!added_->rewriter.empty()) section = rewritten = added_->rewriter.apply(section);
    cut(added_->rewritten, section, options.parse_special, ids, [&](std::string_view part, bool starts) {
      encode_plain(part, !spec_.prefix_first_only || (first && starts), ids);
    });
  });
  if (options.add_special && spec_.add_eos && spec_.eos >= 0) ids.push_back(spec_.eos);
  return ids;
}

std::string Tokenizer::decode(const std::vector<int32_t>& ids, bool keep_special) const {
  std::string out;
  bool at_start = true;
  for (int32_t id : ids)
    if (keep_special || !is_special(id)) out += shown(id, at_start);
  return out;
}

std::string_view Tokenizer::shown(int32_t id, bool& at_start) const {
  std::string_view text = bytes(id);
  const TokenType type = type_of(spec_, static_cast<size_t>(id));
  const bool word = type == TokenType::kNormal || type == TokenType::kUserDefined || type == TokenType::kUnused;
  const bool dummy =
      spec_.kind != TokenizerKind::kByteBpe && (spec_.add_prefix_space || spec_.remove_extra_whitespaces);
  if (at_start && dummy && word && text.starts_with(' ')) {
    text.remove_prefix(1);
    at_start = spec_.remove_extra_whitespaces && text.empty();
  } else {
    at_start = at_start && text.empty();
  }
  return text;
}

std::string_view Tokenizer::bytes(int32_t id) const {
  if (id < 0 || id >= size())
    fail(ErrorCode::kBadInput, "tokenizer", "id {} is outside the vocabulary of {}", id, size());
  return bytes_[static_cast<size_t>(id)];
}

bool Tokenizer::is_special(int32_t id) const {
  return id >= 0 && id < size() && added_->special[static_cast<size_t>(id)];
}

int32_t Tokenizer::id_of(std::string_view piece) const {
  auto it = added_->ids.find(std::string(piece));
  return it == added_->ids.end() ? -1 : it->second;
}

std::unique_ptr<Tokenizer> make_tokenizer(TokenizerSpec spec) {
  switch (spec.kind) {
    case TokenizerKind::kByteBpe: return make_byte_bpe(std::move(spec));
    case TokenizerKind::kSpmBpe: return make_spm_bpe(std::move(spec));
    case TokenizerKind::kUnigram: return make_unigram(std::move(spec));
  }
  fail(ErrorCode::kUnsupported, "tokenizer", "kind {} is not known", static_cast<int>(spec.kind));
}

}  // namespace frugal
