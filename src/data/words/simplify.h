// Text made the same where it differs in case, numbers, punctuation, white space or accents only: what near-duplicates
// and contamination are looked for in.
//
// datatrove 0.10.1's simplify_text: lower case; every number, with one decimal part, becomes 0; signs become blanks;
// white space becomes one blank; canonical decomposition, and non-spacing marks go. In this order, so "1.5" is one 0.
#pragma once

#include <string>
#include <string_view>

namespace frugal::data {

void simplify_text(std::string_view text, std::string& out);  // out is cleared first

}  // namespace frugal::data
