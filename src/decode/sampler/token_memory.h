// How often each token occurred lately: what the penalties remember along the accepted path.
//
// Counts are kept sorted by id, since distinct tokens are few (hundreds to thousands) beside a vocabulary,
// and copies (one for each node of a draft tree) stay small. The window, when there is one, covers the newest
// tokens.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "base/registry.h"

namespace frugal {

class TokenMemory {
 public:
  // window: newest tokens that count, 0: all. prompt: do the prompt's tokens count?
  TokenMemory(int64_t window, bool prompt);
  explicit TokenMemory(const Args& args) : TokenMemory(args.integer("window"), args.flag("prompt")) {}
  void reset(std::span<const int32_t> prompt);
  void advance(int32_t token);
  const std::vector<std::pair<int32_t, int32_t>>& counts() const { return counts_; }  // {id, times > 0}, by id

  // The parameters "window" and "prompt" that this remembers by.
  static std::vector<ParamInfo> params(std::vector<ParamInfo> before, bool prompt);

 private:
  void add(int32_t token, int32_t times);

  size_t window_;
  bool prompt_;
  std::vector<std::pair<int32_t, int32_t>> counts_;
  std::vector<int32_t> ring_;  // the tokens in the window, the oldest at next_ once it is full
  size_t next_ = 0;
};

}  // namespace frugal
