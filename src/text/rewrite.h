// Steps of text normalisation before encoding, as tokenizer.json lists them.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace frugal {

struct Rewrite {
  enum Kind {
    kNfc,
    kNfd,
    kNfkc,
    kNfkd,
    kLowercase,
    kStripMarks,
    kStripLeft,
    kStripRight,
    kReplace,
    kReplaceRegex,
    kPrepend,
    kCharsmap
  };
  Kind kind = kNfc;
  std::string from, to;  // kReplace: from, a text, becomes to; kReplaceRegex: from is a pattern; kPrepend: to;
                         // kCharsmap: from, SentencePiece's precompiled map
};

class Rewriter {
 public:
  // Throws Error when a pattern is wrong.
  explicit Rewriter(const std::vector<Rewrite>& steps);
  ~Rewriter();
  Rewriter(Rewriter&&) noexcept;

  bool empty() const;
  // All steps in order. Bytes that are no character stay as they are. Safe from several threads.
  std::string apply(std::string_view text) const;

 private:
  struct Step;
  std::vector<Step> steps_;
};

}  // namespace frugal
