// Batches on disk between two passes: what is kept, with all values found so far, as bytes of this machine's order.
// Read back it is a source like any other. Nobody else reads these files; they go when the run ends.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "data/op.h"

namespace frugal::data {

// Appends the kept rows; begins with a header that set_first_row completes when the batch's place in its part is known.
void spill_batch(const Batch& batch, const std::vector<Column>& columns, std::string& out);
void set_first_row(std::string& spilled, uint64_t first_row);
// Adds the rows of what one call of spill_batch appended; they stay views into `spilled`.
void read_spilled(std::string_view spilled, const std::vector<Column>& columns, Batch& batch);

// columns: how many of them were known when the files were written; later ones are empty.
std::unique_ptr<Source> spill_source(std::vector<std::string> files, std::vector<Column> columns);

}  // namespace frugal::data
