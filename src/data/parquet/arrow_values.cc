#include "data/parquet/arrow_values.h"

#include <arrow/util/float16.h>
#include <simdjson.h>

#include <cmath>
#include <limits>

#include "data/json_scan.h"
#include "data/web/warc.h"

namespace frugal::data {
namespace {

using arrow::Type;

template <typename Array>
const Array& as(const arrow::Array& array) {
  return static_cast<const Array&>(array);
}

const arrow::Array& inner(const arrow::Array& array, int64_t& row) {
  const auto& coded = as<arrow::DictionaryArray>(array);
  row = coded.GetValueIndex(row);
  return *coded.dictionary();
}

void append_quoted(std::string_view text, std::string& out) {
  if (!simdjson::validate_utf8(text.data(), text.size())) return void(out += "null");
  out += '"';
  append_escaped(text, out);
  out += '"';
}

void append_key(std::string_view name, std::string& out) {
  out += '"';
  append_escaped(simdjson::validate_utf8(name.data(), name.size()) ? name : "?", out);
  out += "\":";
}

void append_elements(const arrow::Array& values, int64_t begin, int64_t end, std::string& out) {
  out += '[';
  for (int64_t i = begin; i < end; ++i) {
    if (i > begin) out += ',';
    append_json(values, i, out);
  }
  out += ']';
}

template <typename List>
void append_list(const List& list, int64_t row, std::string& out) {
  append_elements(*list.values(), list.value_offset(row), list.value_offset(row) + list.value_length(row), out);
}

void append_struct(const arrow::StructArray& array, int64_t row, std::string& out) {
  const char* comma = "{";
  for (int f = 0; f < array.num_fields(); ++f) {
    if (array.field(f)->IsNull(row)) continue;
    out += std::exchange(comma, ",");
    append_key(array.struct_type()->field(f)->name(), out);
    append_json(*array.field(f), row, out);
  }
  out += *comma == '{' ? "{}" : "}";
}

void append_map(const arrow::MapArray& map, int64_t row, std::string& out) {
  const int64_t begin = map.value_offset(row), end = begin + map.value_length(row);
  if (!holds_text(*map.keys()->type())) return append_elements(*map.items(), begin, end, out);
  out += '{';
  for (int64_t i = begin; i < end; ++i) {
    if (i > begin) out += ',';
    append_key(text_at(*map.keys(), i), out);
    append_json(*map.items(), i, out);
  }
  out += '}';
}

void append_number_json(const arrow::Array& array, int64_t row, std::string& out) {
  const auto to = std::back_inserter(out);
  if (array.type_id() == Type::BOOL) return void(out += as<arrow::BooleanArray>(array).Value(row) ? "true" : "false");
  if (array.type_id() == Type::INT64) return void(fmt::format_to(to, "{}", as<arrow::Int64Array>(array).Value(row)));
  if (array.type_id() == Type::UINT64) return void(fmt::format_to(to, "{}", as<arrow::UInt64Array>(array).Value(row)));
  const double value = number_at(array, row);
  if (!std::isfinite(value)) return void(out += "null");
  if (array.type_id() == Type::FLOAT)
    fmt::format_to(to, "{}", static_cast<float>(value));
  else
    fmt::format_to(to, "{}", value);
}

}  // namespace

std::string quotable(std::string_view text) {
  constexpr size_t kMost = 600;
  return to_utf8(text.substr(0, kMost), "charset=utf-8", false) + (text.size() > kMost ? "..." : "");
}

bool holds_text(const arrow::DataType& type) {
  switch (type.id()) {
    case Type::STRING:
    case Type::BINARY:
    case Type::LARGE_STRING:
    case Type::LARGE_BINARY:
    case Type::STRING_VIEW:
    case Type::BINARY_VIEW: return true;
    case Type::DICTIONARY: return holds_text(*static_cast<const arrow::DictionaryType&>(type).value_type());
    default: return false;
  }
}

std::string_view text_at(const arrow::Array& array, int64_t row) {
  if (array.IsNull(row)) return {};
  switch (array.type_id()) {
    case Type::STRING:
    case Type::BINARY: return as<arrow::BinaryArray>(array).GetView(row);
    case Type::LARGE_STRING:
    case Type::LARGE_BINARY: return as<arrow::LargeBinaryArray>(array).GetView(row);
    case Type::STRING_VIEW:
    case Type::BINARY_VIEW: return as<arrow::BinaryViewArray>(array).GetView(row);
    default: {
      const arrow::Array& values = inner(array, row);
      return text_at(values, row);
    }
  }
}

bool holds_numbers(const arrow::DataType& type) {
  return type.id() == Type::BOOL || arrow::is_integer(type.id()) || arrow::is_floating(type.id());
}

double number_at(const arrow::Array& array, int64_t row) {
  if (array.IsNull(row)) return std::numeric_limits<double>::quiet_NaN();
  switch (array.type_id()) {
    case Type::BOOL: return as<arrow::BooleanArray>(array).Value(row) ? 1 : 0;
    case Type::INT8: return as<arrow::Int8Array>(array).Value(row);
    case Type::INT16: return as<arrow::Int16Array>(array).Value(row);
    case Type::INT32: return as<arrow::Int32Array>(array).Value(row);
    case Type::INT64: return static_cast<double>(as<arrow::Int64Array>(array).Value(row));
    case Type::UINT8: return as<arrow::UInt8Array>(array).Value(row);
    case Type::UINT16: return as<arrow::UInt16Array>(array).Value(row);
    case Type::UINT32: return as<arrow::UInt32Array>(array).Value(row);
    case Type::UINT64: return static_cast<double>(as<arrow::UInt64Array>(array).Value(row));
    case Type::HALF_FLOAT:
      return arrow::util::Float16::FromBits(as<arrow::HalfFloatArray>(array).Value(row)).ToDouble();
    case Type::FLOAT: return as<arrow::FloatArray>(array).Value(row);
    case Type::DOUBLE: return as<arrow::DoubleArray>(array).Value(row);
    default: return std::numeric_limits<double>::quiet_NaN();
  }
}

void append_json(const arrow::Array& array, int64_t row, std::string& out) {
  if (array.IsNull(row)) return void(out += "null");
  if (holds_text(*array.type())) return append_quoted(text_at(array, row), out);
  if (holds_numbers(*array.type())) return append_number_json(array, row, out);
  switch (array.type_id()) {
    case Type::NA: return void(out += "null");
    case Type::STRUCT: return append_struct(as<arrow::StructArray>(array), row, out);
    case Type::MAP: return append_map(as<arrow::MapArray>(array), row, out);
    case Type::LIST: return append_list(as<arrow::ListArray>(array), row, out);
    case Type::LARGE_LIST: return append_list(as<arrow::LargeListArray>(array), row, out);
    case Type::FIXED_SIZE_LIST: return append_list(as<arrow::FixedSizeListArray>(array), row, out);
    case Type::EXTENSION: return append_json(*as<arrow::ExtensionArray>(array).storage(), row, out);
    case Type::DICTIONARY: {
      const arrow::Array& values = inner(array, row);
      return append_json(values, row, out);
    }
    default: {
      const auto scalar = array.GetScalar(row);
      append_quoted(scalar.ok() ? (*scalar)->ToString() : "", out);
    }
  }
}

}  // namespace frugal::data
