// Between Arrow record batches and batches of documents, by the columns that parquet.h names. Includes Arrow: for this
// folder's .cc files and the Python module.
#pragma once

#include <arrow/api.h>

#include <memory>
#include <string>
#include <vector>

#include "data/op.h"

namespace frugal::data {

// Value columns that a file or a data frame brings: the numbers and texts in the struct `values`.
std::vector<Column> value_columns(const arrow::Schema& schema);

struct RowForm {
  std::string text = "text", id = "id";
  size_t longest = ~size_t{0};  // texts of more bytes are left out and counted
};
// Adds the rows as documents, with views into them: `rows` must outlive the batch. Sets the batch's columns to
// `columns` and fills those that rows has; returns which rows became documents. The text column must be there and hold
// text.
std::vector<int64_t> add_rows(const arrow::RecordBatch& rows, const RowForm& form, const std::vector<Column>& columns,
                              Batch& batch, Faults& faults);

// text, id, metadata, the members that get columns of their own, and values, where there are any.
std::shared_ptr<arrow::Schema> arrow_schema(const std::vector<Column>& columns,
                                            const std::vector<std::string>& members);
// All rows of the batch. Throws Error(kIo) that names `part` where memory or Arrow's limits do not suffice.
std::shared_ptr<arrow::RecordBatch> to_arrow(const Batch& batch, const std::vector<Column>& columns,
                                             const std::vector<std::string>& members, const std::string& part);

}  // namespace frugal::data
