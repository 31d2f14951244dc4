// Code points of UTF-8 strings, with the character classes and case mappings that Python's str uses.
//
// Classes and case come from the C library's C.UTF-8 locale (opened privately: the program's own locale is
// never touched); where that locale is missing only ASCII letters have case. Case mapping is one code point
// to one, except the German sharp s. Invalid bytes count as one character each and pass through unchanged.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace frugal::jinja {

// Length in bytes of the first character; 1 for an invalid byte.
size_t character_length(std::string_view text);

// Range over the characters of a text, each a view of one code point: for (std::string_view c :
// Characters(text)).
class Characters {
 public:
  explicit Characters(std::string_view text) : text_(text) {}
  struct End {};
  class Iterator {
   public:
    explicit Iterator(std::string_view rest) : rest_(rest) {}
    std::string_view operator*() const { return rest_.substr(0, character_length(rest_)); }
    Iterator& operator++() { return rest_.remove_prefix(character_length(rest_)), *this; }
    bool operator!=(End) const { return !rest_.empty(); }

   private:
    std::string_view rest_;
  };
  Iterator begin() const { return Iterator(text_); }
  End end() const { return {}; }

 private:
  std::string_view text_;
};

size_t character_count(std::string_view text);
uint32_t code_point(std::string_view character);  // of the first character; an invalid byte gives 0xDC00 + byte
void append_code_point(std::string& out,
                       uint32_t code_point);  // surrogates and beyond U+10FFFF become U+FFFD

bool is_space(uint32_t c);
bool is_alpha(uint32_t c);
bool is_digit(uint32_t c);
bool is_upper(uint32_t c);
bool is_lower(uint32_t c);
bool is_printable(uint32_t c);

std::string upper(std::string_view text);
std::string lower(std::string_view text);
std::string capitalize(std::string_view text);  // first upper, rest lower
std::string title(std::string_view text);       // str.title(): a letter after a non-letter is upper
std::string swap_case(std::string_view text);

enum class Side { kLeft = 1, kRight = 2, kBoth = 3 };
// Without the characters in `set` at the chosen ends; no set: without white space.
std::string_view strip(std::string_view text, Side side = Side::kBoth, const std::string_view* set = nullptr);
std::vector<std::string_view> split_lines(std::string_view text, bool keep_ends = false);

}  // namespace frugal::jinja
