// A regular expression of a tokenizer.json: PCRE2, compiled to machine code where it can.
//
// They are written for Oniguruma as the tokenizers package sets it up, which differs from PCRE2's ways: ^ and $ are at
// every line, a dot matches line breaks too, and \s is White_Space (PCRE2's would take U+180E). PCRE2's letters are
// those of its own Unicode version.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace frugal {

class Pattern {
 public:
  // Throws Error of this part when the pattern is wrong.
  Pattern(const std::string& source, const char* part);
  ~Pattern();
  Pattern(Pattern&&) noexcept;

  // Begin and end of the first match at or after `at`; text.size() twice when there is none, or when the search takes
  // more steps than any honest pattern. Safe from several threads.
  std::pair<size_t, size_t> find(std::string_view text, size_t at) const;

 private:
  struct Code;
  std::unique_ptr<Code> code_;
};

}  // namespace frugal
