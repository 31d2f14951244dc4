// What makes two lines the same to ccNet: its normalisation, and a hash of that.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace frugal::data {

// Strip, lower case, digits of all scripts as 0, without the typographic signs that ccNet lists and controls.
void normalise_line(std::string_view line, std::string& out);  // out is cleared first

// A 64-bit hash of the normalised line; 0 when nothing is left of it.
uint64_t line_key(std::string_view line, std::string& room);

}  // namespace frugal::data
