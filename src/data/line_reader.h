// Blocks of whole lines from a stream: what JSONL and plain text sources read. A line longer than `longest` is left out
// and counted; so is a line that lies across a fault in packed data.
#pragma once

#include <memory>

#include "data/op.h"

namespace frugal::data {

std::unique_ptr<BlockReader> read_lines(const Part& part, size_t longest);

}  // namespace frugal::data
