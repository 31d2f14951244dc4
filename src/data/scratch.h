// What one worker keeps between documents: the words of the text at hand, so that rules that follow each other split it
// once, and buffers that rules fill again and again.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "data/words/words.h"

namespace frugal::data {

class Scratch {
 public:
  // The words of text as `kind` splits them; stays until the next call with another text or kind.
  const Words& words(std::string_view text, WordKind kind) {
    if (text.data() != text_.data() || text.size() != text_.size() || kind != kind_ || text_.empty()) {
      splitter(kind).split(text, words_);
      text_ = text;
      kind_ = kind;
    }
    return words_;
  }
  void forget() { text_ = {}; }  // memory that texts lay in is about to be used again
  WordSplitter& splitter(WordKind kind) {
    auto& made = splitters_[static_cast<size_t>(kind)];
    if (!made) made = make_splitter(kind);
    return *made;
  }

  std::string text_a, text_b;                // for texts being made
  std::vector<uint64_t> hashes_a, hashes_b;  // for whatever is hashed
  std::vector<std::string_view> lines;
  Words other_words;  // of a text that is not the document's

 private:
  std::string_view text_;
  WordKind kind_ = WordKind::kPlain;
  Words words_;
  std::unique_ptr<WordSplitter> splitters_[kWordKinds];
};

}  // namespace frugal::data
