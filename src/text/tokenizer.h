// Text to token ids and back.
//
// A TokenizerSpec is plain data that io/ fills from tokenizer.json, tokenizer.model or GGUF metadata; make_tokenizer
// turns it into one of three algorithms: byte-level BPE (GPT-2 and all its descendants), SentencePiece BPE, and
// SentencePiece unigram. Exact, id by id, against the reference tokenizers.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/rewrite.h"

namespace frugal {

enum class TokenizerKind { kByteBpe, kSpmBpe, kUnigram };
enum class TokenType : uint8_t { kNormal = 1, kUnknown, kControl, kUserDefined, kUnused, kByte };

struct AddedToken {
  std::string text;
  int32_t id = 0;
  bool special = false;  // control token: recognised in the input only when asked for, hidden when decoding if asked
  bool lstrip = false, rstrip = false, single_word = false, normalized = false;
};

struct TokenizerSpec {
  TokenizerKind kind = TokenizerKind::kByteBpe;
  std::vector<std::string>
      pieces;                    // by id; for byte-level BPE in the GPT-2 byte alphabet, for SentencePiece with U+2581
  std::vector<float> scores;     // SentencePiece only
  std::vector<TokenType> types;  // empty: all normal
  // Best first. SentencePiece BPE has scores instead, or (from tokenizer.json) merges.
  std::vector<std::pair<std::string, std::string>> merges;
  std::vector<AddedToken> added;
  std::string pre_tokenizer =
      "default";  // named (gpt-2, llama-bpe, qwen2, smollm, ...) or "regex:<pattern>" chains; see pre_tokenizer.h
  std::vector<std::string> pre_patterns;  // from tokenizer.json: Split patterns in order, when no known name fits
  bool add_prefix_space = false;          // byte-level BPE's, or SentencePiece's dummy prefix
  bool prefix_first_only = false;         // ... only where the whole text begins; else behind every added token too
  bool prefix_if_missing = false;         // SentencePiece: ... only where the text begins with no blank of its own
  bool blank_suffix = false;              // SentencePiece: the dummy blank and those of words stand behind them
  bool split_words = false;               // SentencePiece: no piece goes on past a blank (tokenizer.json's Metaspace)
  bool remove_extra_whitespaces = false;
  bool ignore_merges = false;  // Llama-3: a pre-token that is itself a piece is taken whole
  bool byte_fallback = false;
  bool fuse_unknown = true;         // SentencePiece: a stretch of unknown text is one unknown id
  std::string normaliser_charsmap;  // SentencePiece's precompiled map, raw bytes; empty: identity
  std::vector<Rewrite> rewrites;    // tokenizer.json's normalizers, in order
  std::string unknown_text;         // what the unknown id stands for when decoding; empty: its piece
  int32_t bos = -1, eos = -1, unk = -1, pad = -1;
  bool add_bos = false, add_eos = false;
  std::vector<int32_t> stops;  // every id that ends a turn (eos, eot, generation_config's list)
  std::string chat_template;   // Jinja source, empty when there is none
};

struct EncodeOptions {
  bool add_special = true;    // BOS / EOS as the model's own configuration says
  bool parse_special = true;  // control tokens written in the text become their ids (else they are plain text)
};

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  // Appends nothing to the text and never fails: what no piece covers becomes bytes or the unknown id.
  std::vector<int32_t> encode(std::string_view text, const EncodeOptions& options = {}) const;
  // The bytes of the ids joined; control tokens are left out unless keep_special.
  std::string decode(const std::vector<int32_t>& ids, bool keep_special = false) const;
  // The raw bytes of one id: may be part of a UTF-8 sequence. Control tokens give their text.
  std::string_view bytes(int32_t id) const;
  // The bytes of the next id of a running text, without SentencePiece's dummy blank. at_start: true before the first
  // id.
  std::string_view shown(int32_t id, bool& at_start) const;
  bool is_special(int32_t id) const;
  int32_t id_of(std::string_view piece) const;  // -1 when there is none; piece as printed in the vocabulary
  int32_t size() const { return static_cast<int32_t>(spec_.pieces.size()); }
  const TokenizerSpec& spec() const { return spec_; }

 protected:
  explicit Tokenizer(TokenizerSpec spec);
  // Encodes text free of added tokens and not empty. first: this section gets the dummy prefix, if the spec has one.
  virtual void encode_plain(std::string_view text, bool first, std::vector<int32_t>& out) const = 0;

  TokenizerSpec spec_;

 private:
  std::vector<std::string> bytes_;  // by id
  struct AddedIndex;
  std::shared_ptr<const AddedIndex> added_;
};

// Throws Error when the spec is inconsistent (no pieces, ids out of range, merges that name no piece).
std::unique_ptr<Tokenizer> make_tokenizer(TokenizerSpec spec);

}  // namespace frugal
