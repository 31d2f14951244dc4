// Stop texts across token boundaries: text passes through, and what may be the beginning of a stop text
// waits.
//
// The answer ends at the first byte that completes a stop text; of several completed by one byte the longest
// counts. The stop text and what follows never come out. How the text is cut into pieces changes nothing.
// Each stop text is followed byte by byte as in Knuth, Morris, Pratt (1977), so a byte costs a step or two
// for each, and the longest beginning in progress says how much must wait.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace frugal {

class StopMatcher {
 public:
  // Throws Error(kUsage) when a stop text is empty.
  explicit StopMatcher(std::vector<std::string> stops = {});
  // The text that is safe to show. Once stopped() it is always empty.
  std::string push(std::string_view text);
  // text is the last: push(text) and what waited, unless stopped().
  std::string finish(std::string_view text = "");
  bool stopped() const { return matched_ >= 0; }
  const std::string& matched() const { return patterns_[static_cast<size_t>(matched_)].text; }  // when stopped()

 private:
  struct Pattern {
    std::string text;
    std::vector<size_t> border;  // border[n]: longest proper beginning of text[0, n) that also ends it
    size_t state = 0;            // bytes of text in progress
    void step(char c);
  };

  std::vector<Pattern> patterns_;
  std::string held_;
  int matched_ = -1;
};

}  // namespace frugal
