// Turns a stream of token ids into text that is always whole characters: the incomplete UTF-8 tail waits for the next
// id.
#pragma once

#include <string>

#include "text/tokenizer.h"

namespace frugal {

class StreamDecoder {
 public:
  // The tokenizer must outlive the decoder. keep_special: control tokens show their text instead of nothing. continues:
  // the ids go on in a text, so that a blank at their beginning is shown.
  explicit StreamDecoder(const Tokenizer& tokenizer, bool keep_special = false, bool continues = false);
  std::string push(int32_t id);  // the text that this id completes, possibly empty
  std::string finish();          // what is left; bytes that never became a character turn into U+FFFD

 private:
  const Tokenizer* tokenizer_;
  bool keep_special_;
  bool at_start_;  // SentencePiece's dummy prefix is not shown
  std::string tail_;
};

}  // namespace frugal
