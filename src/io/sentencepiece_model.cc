// Field numbers are those of sentencepiece_model.proto (google/sentencepiece, Apache-2.0).
#include "io/sentencepiece_model.h"

#include <algorithm>

#include "io/proto_reader.h"

namespace frugal {
namespace {

constexpr char kPart[] = "sentencepiece";

struct Model {
  TokenizerSpec spec;
  uint64_t kind = 1;  // 1 unigram, 2 BPE, 3 words, 4 characters
  std::string bos = "<s>", eos = "</s>", pad = "<pad>";
  bool escape_whitespaces = true;
};

void read_piece(std::string_view message, TokenizerSpec& s) {
  std::string piece;
  float score = 0.0f;
  uint64_t type = 1;
  ProtoReader in(message, kPart);
  for (ProtoField f; in.next(f);) {
    if (f.number == 1) piece = f.bytes;
    if (f.number == 2) score = f.real();
    if (f.number == 3) type = f.value;
  }
  const size_t id = s.pieces.size();
  if (piece.empty()) fail(ErrorCode::kBadInput, kPart, "piece {} is empty", id);
  if (type < 1 || type > 6) fail(ErrorCode::kBadInput, kPart, "piece {} has type {}, expected 1 to 6", id, type);
  s.pieces.push_back(std::move(piece));
  s.scores.push_back(score);
  s.types.push_back(static_cast<TokenType>(type));
}

void read_trainer(std::string_view message, Model& m) {
  ProtoReader in(message, kPart);
  for (ProtoField f; in.next(f);) {
    switch (f.number) {
      case 3: m.kind = f.value; break;
      case 24: m.spec.blank_suffix = f.flag(); break;
      case 35: m.spec.byte_fallback = f.flag(); break;
      case 44: m.spec.unknown_text = f.bytes; break;
      case 46: m.bos = f.bytes; break;
      case 47: m.eos = f.bytes; break;
      case 48: m.pad = f.bytes; break;
      default: break;
    }
  }
}

void read_normaliser(std::string_view message, Model& m) {
  ProtoReader in(message, kPart);
  for (ProtoField f; in.next(f);) {
    switch (f.number) {
      case 2: m.spec.normaliser_charsmap = f.bytes; break;
      case 3: m.spec.add_prefix_space = f.flag(); break;
      case 4: m.spec.remove_extra_whitespaces = f.flag(); break;
      case 5: m.escape_whitespaces = f.flag(); break;
      default: break;
    }
  }
}

// The id of a control piece by name, -1 when there is none.
int32_t control(const TokenizerSpec& s, const std::string& name) {
  for (size_t id = 0; id < s.pieces.size(); ++id)
    if (s.types[id] == TokenType::kControl && s.pieces[id] == name) return static_cast<int32_t>(id);
  return -1;
}

void name_specials(Model& m) {
  TokenizerSpec& s = m.spec;
  s.bos = control(s, m.bos);
  s.eos = control(s, m.eos);
  s.pad = control(s, m.pad);
  for (size_t id = 0; id < s.pieces.size(); ++id) {
    const int32_t i = static_cast<int32_t>(id);
    if (s.types[id] == TokenType::kUnknown) s.unk = i;
    if (s.types[id] == TokenType::kControl) s.added.push_back({.text = s.pieces[id], .id = i, .special = true});
  }
  if (s.eos >= 0) s.stops.push_back(s.eos);
  s.add_bos = s.kind == TokenizerKind::kSpmBpe && s.bos >= 0;
}

}  // namespace

TokenizerSpec tokenizer_from_sentencepiece(std::span<const std::byte> bytes) {
  Model m;
  m.spec.unknown_text = " \xe2\x81\x87 ";  // U+2047, SentencePiece's default
  m.spec.add_prefix_space = m.spec.remove_extra_whitespaces = true;
  ProtoReader in({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, kPart);
  for (ProtoField f; in.next(f);) {
    if (f.number == 1) read_piece(f.bytes, m.spec);
    if (f.number == 2) read_trainer(f.bytes, m);
    if (f.number == 3) read_normaliser(f.bytes, m);
  }
  if (m.spec.pieces.empty()) fail(ErrorCode::kBadInput, kPart, "the file holds no pieces");
  if (m.kind != 1 && m.kind != 2)
    fail(ErrorCode::kUnsupported, kPart, "model type {} (1 is unigram, 2 is BPE; words and characters are not read)",
         m.kind);
  if (!m.escape_whitespaces) fail(ErrorCode::kUnsupported, kPart, "a model that leaves blanks as they are");
  m.spec.kind = m.kind == 2 ? TokenizerKind::kSpmBpe : TokenizerKind::kUnigram;
  name_specials(m);
  return m.spec;
}

}  // namespace frugal
