// Lists that users bring: a word, phrase, domain or address a line, plain or packed; empty lines and lines that begin
// with # are left out.
#pragma once

#include <string>
#include <vector>

namespace frugal::data {

// Of a file, or of all files of a folder or pattern. Throws Error(kNotFound).
std::vector<std::string> read_list(const std::string& pattern);

}  // namespace frugal::data
