// The class of a character, the only Unicode property that pre-tokenizers ask for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "text/utf8.h"

namespace frugal {

// One bit each, so that sets of classes are masks. A character has at most one; control and unassigned ones none.
enum : uint8_t { kLetter = 1, kNumber = 2, kPunctuation = 4, kSymbol = 8, kMark = 16, kSpace = 32 };
constexpr uint32_t kNoChar = ~0u;

// Runs of one class in order, each as code point * 8 + number of the class, 0 for none (unicode_table.cc).
extern const uint32_t kClassRuns[];
extern const size_t kClassRunCount;

// The class of every code point, filled from the runs when first asked for: 1.1 MB.
class ClassTable {
 public:
  static const ClassTable& get();
  uint8_t operator[](uint32_t code) const { return classes_[code]; }

 private:
  ClassTable();
  std::vector<uint8_t> classes_;
};

inline uint8_t class_of(uint32_t code) { return code < 0x110000 ? ClassTable::get()[code] : 0; }

struct Char {
  uint32_t code;  // kNoChar for a byte that begins no character
  uint8_t size;   // bytes
  uint8_t classes;
  bool is(uint8_t mask) const { return (classes & mask) != 0; }
};

// The character at text[at]. Its second half, for what is not ASCII, stays out of line so that the first is inlined.
Char wide_char_at(const ClassTable& table, std::string_view text, size_t at);
inline Char char_at(const ClassTable& table, std::string_view text, size_t at) {
  const auto c = static_cast<unsigned char>(text[at]);
  return c < 0x80 ? Char{c, 1, table[c]} : wide_char_at(table, text, at);
}

}  // namespace frugal
