// What SentencePiece BPE and unigram share (Kudo and Richardson 2018, arXiv 1808.06226).
//
// Text is normalised (charsmap, blanks become U+2581, perhaps one more before the first word), cut into pieces of the
// vocabulary by the model, and what no piece covers becomes its bytes or, once for each stretch, the unknown id.
// User-defined pieces are taken whole, before normalisation and in it.
#pragma once

#include "text/charsmap.h"
#include "text/piece_trie.h"
#include "text/tokenizer.h"

namespace frugal {

class SentencePiece : public Tokenizer {
 protected:
  explicit SentencePiece(TokenizerSpec spec);
  void encode_plain(std::string_view text, bool first, std::vector<int32_t>& out) const final;

  // Cuts normalised text, not empty, into pieces: take(id, bytes) or take_unknown(bytes) for each in order.
  class Sink;
  virtual void segment(std::string_view text, Sink& sink) const = 0;

  TokenType type(int32_t id) const {
    return spec_.types.empty() ? TokenType::kNormal : spec_.types[static_cast<size_t>(id)];
  }
  // Pieces that text can become: not control, unknown or byte pieces.
  bool is_text(int32_t id) const;
  const PieceTrie& user_defined() const { return user_defined_; }

 private:
  std::string normalise(std::string_view text, bool prefix) const;
  std::string_view next_part(std::string_view& text) const;
  void append_blanks_escaped(std::string_view text, std::string& out) const;

  Charsmap charsmap_;
  PieceTrie user_defined_;
  int32_t bytes_[256];  // ids of the byte pieces, -1 where there is none
};

// Where segment() puts what it finds.
class SentencePiece::Sink {
 public:
  Sink(const SentencePiece& owner, std::vector<int32_t>& out) : owner_(owner), out_(out) {}
  void take(int32_t id);
  void take_unknown(std::string_view bytes);

 private:
  const SentencePiece& owner_;
  std::vector<int32_t>& out_;
  bool after_unknown_ = false;
};

}  // namespace frugal
