// The generated tables behind words.h (tools/make_word_tables.py).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace frugal::data {

// Pairs of first and last code point, ascending.
std::span<const uint32_t> symbol_ranges();
std::span<const uint32_t> terminal_ranges();
std::span<const uint32_t> sentencizer_ranges();
std::span<const uint32_t> erased_ranges();  // signs that datatrove's simplify_text takes for blanks
std::span<const uint32_t> digit_ranges();   // category Nd
std::span<const uint32_t> mark_ranges();    // category Mn
bool in_ranges(std::span<const uint32_t> ranges, uint32_t code);

// spaCy's English rules: expressions in which {A}, {L}, {U}, {I}, {Q} and {P} stand for the insides of character
// classes, and the words that are split in a way of their own, as `word<tab>size size ...` in bytes, a line each.
struct EnglishRules {
  const char* classes[6];  // A alphabet, L lower, U upper, I icons, Q quotes, P punctuation
  const char* prefix;
  const char* suffix;
  const char* infix;
  const char* url;
  std::string_view exceptions;
};
const EnglishRules& english_rules();

}  // namespace frugal::data
