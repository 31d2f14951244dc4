// Lines and characters as Python's str counts them, which is how the rules' published implementations do.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace frugal::data {

size_t characters(std::string_view text);  // code points; a byte that begins none counts as one

// Pieces between line breaks of every kind (\n, \r, \r\n, \v, \f, U+001C-1E, U+0085, U+2028, U+2029), the last break's
// empty rest left out: str.splitlines().
void split_lines(std::string_view text, std::vector<std::string_view>& out);
// Pieces between runs of \n that are at least `least` long, empty ones at the ends kept: re.split("\n{least,}").
void split_at_breaks(std::string_view text, size_t least, std::vector<std::string_view>& out);
// Pieces between single \n: str.split("\n").
void split_at_newlines(std::string_view text, std::vector<std::string_view>& out);

std::string_view strip(std::string_view text);
std::string_view strip_left(std::string_view text);
std::string_view strip_right(std::string_view text);

size_t count_of(std::string_view text, std::string_view what);  // that do not overlap
// Is `what` (ASCII, lower case) in text, whatever its ASCII case?
bool contains_any_case(std::string_view text, std::string_view what);

}  // namespace frugal::data
