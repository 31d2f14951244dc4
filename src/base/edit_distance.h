// "Did you mean ...?": the name nearest to what the user wrote.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace frugal {

// Fewest insertions, deletions, replacements and swaps of neighbours that turn a into b (optimal string
// alignment), letter case apart. Time |a| |b|.
size_t edit_distance(std::string_view a, std::string_view b);

// The name nearest to wanted; empty when none is near enough to be what was meant (a third of its length).
std::string nearest_name(std::string_view wanted, const std::vector<std::string>& names);

// ", did you mean 'x'?" or nothing: what an error message ends with.
std::string hint(std::string_view wanted, const std::vector<std::string>& names);

}  // namespace frugal
