// Finds added tokens (control tokens, user-defined pieces) in text, before anything else cuts it.
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace frugal {

class AddedTokens {
 public:
  explicit AddedTokens(const std::vector<AddedToken>& tokens);
  bool empty() const { return empty_; }

  struct Match {
    size_t begin, end;  // with the blanks that the token swallows (lstrip, rstrip)
    int32_t id;
  };
  // The first token in text that begins at or after from, the longest where several begin: false when there is none.
  // parse_special: control tokens count too.
  bool find(std::string_view text, size_t from, bool parse_special, Match& match) const;

 private:
  bool may_begin(std::string_view text, size_t at) const;
  const AddedToken* at(std::string_view text, size_t at, bool parse_special) const;

  std::array<std::vector<AddedToken>, 256> by_first_;  // by first byte, longest first
  std::vector<bool> begins_;                           // by first two bytes
  bool empty_ = true;
};

}  // namespace frugal
