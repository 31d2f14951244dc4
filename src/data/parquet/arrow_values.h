// Single values of Arrow arrays, whatever their type, as text and as JSON. Includes Arrow: for this folder's .cc files.
#pragma once

#include <arrow/api.h>

#include <string>
#include <string_view>

#include "base/error.h"

namespace frugal::data {

// What a file says of itself, names of columns above all, as part of a message: UTF-8, and not too long.
std::string quotable(std::string_view text);

// Throws Error(code) with Arrow's own message where it did not go well.
inline void check(const arrow::Status& status, const std::string& file, ErrorCode code) {
  if (!status.ok()) fail(code, "parquet", "{}: {}", file, quotable(status.ToString()));
}
template <typename T>
T take(arrow::Result<T> result, const std::string& file, ErrorCode code) {
  check(result.status(), file, code);
  return std::move(result).ValueUnsafe();
}

bool holds_text(const arrow::DataType& type);  // strings, plain bytes, or a dictionary of these
// The value's bytes, where they lie; the array must hold text. Empty for null.
std::string_view text_at(const arrow::Array& array, int64_t row);

bool holds_numbers(const arrow::DataType& type);           // integers, floats, truth values
double number_at(const arrow::Array& array, int64_t row);  // NaN for null

// Appends the value as JSON: numbers, truth values, texts, lists, structs and maps as these, bytes that are no UTF-8 as
// null, dates and decimals as Arrow prints them.
void append_json(const arrow::Array& array, int64_t row, std::string& out);

}  // namespace frugal::data
