// SentencePiece's precompiled character map (nmt_nfkc and its like): which text each sequence of characters becomes.
//
// Bytes: the trie's size in bytes (uint32, little endian), the trie, then the replacements, each ended by a zero byte.
// The trie is a double array as Darts-clone lays it out: a unit holds the byte that leads to it (bits 0 to 7 and 31), a
// flag that a value hangs below (bit 8), and the offset of its children (bits 10 and up, shifted by 8 when bit 9 is
// set); the child for byte b of the unit at i is at i ^ offset ^ b, the value at i ^ offset. A value is where the
// replacement begins. Every place is checked when it is read, and a walk ends with the text, so a hostile map can do no
// worse than rewrite text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace frugal {

class Charsmap {
 public:
  Charsmap() = default;
  explicit Charsmap(std::string_view bytes);  // throws Error when they cannot be a map; empty: the identity
  bool empty() const { return units_.empty(); }

  struct Match {
    size_t length = 0;    // of the longest sequence in the map that text begins with; 0: none
    std::string_view to;  // what it becomes
  };
  Match longest(std::string_view text) const;
  // The whole text, longest sequence first; bytes that begin no character become U+FFFD.
  std::string apply(std::string_view text) const;

 private:
  std::vector<uint32_t> units_;
  std::string replacements_;
};

}  // namespace frugal
