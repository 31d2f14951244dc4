// Which files a source reads: a file, a folder (all files below it), or a pattern with * and ?.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/op.h"

namespace frugal::data {

// In the order of their names. Throws Error(kNotFound) when there is none.
std::vector<std::string> matching_files(const std::string& pattern);

// Parts of the files: packed ones whole, others in pieces of about `piece` bytes (which end at any byte).
std::vector<Part> cut_into_parts(const std::vector<std::string>& files, uint64_t piece);

// Puts the files after each other into `path` and removes them, and their folder when nothing else is in it.
void join_files(const std::vector<std::string>& files, const std::string& path);

}  // namespace frugal::data
