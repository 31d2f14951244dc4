// Unicode normalisation forms (UAX #15), Unicode 16.0.
//
// A text is decomposed character by character (Hangul by arithmetic, the rest by table), runs of marks are put in the
// order of their combining classes, and for the composed forms each mark is joined to the last starter where the table
// has the pair and nothing of the same or a higher class lies between. ASCII is copied as it stands. Linear in the
// text.
#pragma once

#include <string>
#include <string_view>

namespace frugal {

enum class NormalForm { kNfc, kNfd, kNfkc, kNfkd };

// Bytes that begin no character stay as they are.
std::string normalise(std::string_view text, NormalForm form);

}  // namespace frugal
