#include "data/parquet/arrow_batch.h"

#include <simdjson.h>

#include <algorithm>

#include "data/json_scan.h"
#include "data/parquet/arrow_values.h"
#include "data/web/warc.h"

namespace frugal::data {
namespace {

constexpr ErrorCode kIo = ErrorCode::kIo;
using ArrayPtr = std::shared_ptr<arrow::Array>;

// A record batch's rows as documents.
class Rows {
 public:
  Rows(const arrow::RecordBatch& rows, const RowForm& form, Batch& batch, Faults& faults)
      : rows_(rows), form_(form), batch_(batch), faults_(faults) {
    for (int c = 0; c < rows.num_columns(); ++c) place(rows.column_name(c), rows.column(c).get());
  }

  void add_all() {
    for (int64_t row = 0; row < rows_.num_rows(); ++row) {
      if (text_->IsNull(row)) {
        ++faults_["no text"];
        continue;
      }
      const std::string_view text = text_at(*text_, row);
      if (text.size() > form_.longest) {
        ++faults_["text too long"];
        continue;
      }
      batch_.add(valid(text), id_at(row), meta_at(row));
      batch_.source_bytes += text.size() + meta_.size();
      taken_.push_back(row);
    }
  }

  std::vector<int64_t> taken() { return std::move(taken_); }

  // For columns that these rows do not have, nothing is written.
  void add_values(const std::vector<Column>& columns) {
    batch_.set_columns(columns);
    for (size_t c = 0; c < columns.size(); ++c) {
      const auto field = values_ == nullptr ? nullptr : values_->GetFieldByName(columns[c].name);
      if (!field || (columns[c].is_text ? !holds_text(*field->type()) : !holds_numbers(*field->type()))) continue;
      for (size_t i = 0; i < taken_.size(); ++i) {
        if (columns[c].is_text)
          batch_.labels[c][i] = valid(text_at(*field, taken_[i]));
        else
          batch_.numbers[c][i] = number_at(*field, taken_[i]);
      }
    }
  }

 private:
  struct Member {
    std::string name;
    const arrow::Array* array;
  };

  void place(const std::string& name, const arrow::Array* array) {
    if (name == form_.text)
      text_ = array;
    else if (name == form_.id)
      id_ = array;
    else if (name == "values" && array->type_id() == arrow::Type::STRUCT)
      values_ = static_cast<const arrow::StructArray*>(array);
    else if (name == "metadata")
      metadata_ = array;
    else
      members_.push_back({name, array});
  }

  std::string_view valid(std::string_view text) {
    if (simdjson::validate_utf8(text.data(), text.size())) return text;
    ++faults_["invalid UTF-8 replaced"];
    return batch_.arena.keep(to_utf8(text, "charset=utf-8", false));
  }

  std::string_view id_at(int64_t row) {
    if (id_ == nullptr || id_->IsNull(row)) return {};
    if (holds_text(*id_->type())) return valid(text_at(*id_, row));
    std::string number;
    append_json(*id_, row, number);
    return batch_.arena.keep(number);
  }

  std::string_view meta_at(int64_t row) {
    meta_.clear();
    if (metadata_ != nullptr && !metadata_->IsNull(row)) add_metadata(row);
    for (const Member& m : members_)
      if (!m.array->IsNull(row)) member(m.name, *m.array, row);
    return batch_.arena.keep(meta_);
  }

  void member(std::string_view name, const arrow::Array& array, int64_t row) {
    meta_ += meta_.empty() ? "\"" : ",\"";
    append_escaped(simdjson::validate_utf8(name.data(), name.size()) ? name : "?", meta_);
    meta_ += "\":";
    append_json(array, row, meta_);
  }

  // The inside of the object, which a struct gives and a string may hold; else the column is a member like others.
  void add_metadata(int64_t row) {
    std::string object;
    if (holds_text(*metadata_->type()))
      object = one_line_object(text_at(*metadata_, row));
    else if (metadata_->type_id() == arrow::Type::STRUCT || metadata_->type_id() == arrow::Type::MAP)
      append_json(*metadata_, row, object);
    if (object.starts_with('{'))
      meta_.append(object, 1, object.size() - 2);
    else
      member("metadata", *metadata_, row);
  }

  static std::string one_line_object(std::string_view text) {
    static thread_local simdjson::dom::parser parser;
    simdjson::dom::object object;
    if (parser.parse(text.data(), text.size()).get(object)) return {};
    std::string out(text.size() + simdjson::SIMDJSON_PADDING, 0);
    size_t size = 0;
    if (simdjson::minify(text.data(), text.size(), out.data(), size)) return {};
    out.resize(size);
    return out;
  }

  const arrow::RecordBatch& rows_;
  const RowForm& form_;
  Batch& batch_;
  Faults& faults_;
  const arrow::Array *text_ = nullptr, *id_ = nullptr, *metadata_ = nullptr;
  const arrow::StructArray* values_ = nullptr;
  std::vector<Member> members_;
  std::vector<int64_t> taken_;  // rows that became documents
  std::string meta_;
};

// A batch's rows as arrays.
class Arrays {
 public:
  Arrays(const std::vector<Column>& columns, const std::vector<std::string>& members, const std::string& part)
      : columns_(columns), members_(members), part_(part), schema_(arrow_schema(columns, members)) {}

  std::shared_ptr<arrow::RecordBatch> operator()(const Batch& batch) const {
    return arrow::RecordBatch::Make(schema_, static_cast<int64_t>(batch.rows()), arrays(batch));
  }

 private:
  void ok(const arrow::Status& status) const { check(status, part_, kIo); }

  arrow::ArrayVector arrays(const Batch& batch) const {
    arrow::ArrayVector list = {texts(batch.text, false), texts(batch.id, true)};
    std::vector<std::string> meta(batch.rows());
    for (size_t r = 0; r < batch.rows(); ++r) meta[r] = metadata(batch.meta[r]);
    list.push_back(texts(std::vector<std::string_view>(meta.begin(), meta.end()), false));
    for (const std::string& name : members_) {
      for (size_t r = 0; r < batch.rows(); ++r) meta[r] = meta_text(batch.meta[r], name);
      list.push_back(texts(std::vector<std::string_view>(meta.begin(), meta.end()), true));
    }
    if (!columns_.empty()) list.push_back(values(batch));
    return list;
  }

  // The members that have no column of their own, as an object.
  std::string metadata(std::string_view members) const {
    std::string object = "{";
    scan_members(members, [&](std::string_view key, std::string_view value) {
      if (std::find(members_.begin(), members_.end(), key) == members_.end())
        object.append(object.size() > 1 ? ",\"" : "\"").append(key).append("\":").append(value);
      return true;
    });
    return object + "}";
  }

  ArrayPtr values(const Batch& batch) const {
    arrow::ArrayVector list;
    for (size_t c = 0; c < columns_.size(); ++c)
      list.push_back(columns_[c].is_text ? texts(batch.labels[c], true) : numbers(batch.numbers[c]));
    const auto type = schema_->GetFieldByName("values")->type();
    return std::make_shared<arrow::StructArray>(type, static_cast<int64_t>(batch.rows()), list);
  }

  ArrayPtr texts(const std::vector<std::string_view>& list, bool empty_is_null) const {
    arrow::StringBuilder builder;
    size_t bytes = 0;
    for (std::string_view text : list) bytes += text.size();
    ok(builder.Reserve(static_cast<int64_t>(list.size())));
    ok(builder.ReserveData(static_cast<int64_t>(bytes)));
    for (std::string_view text : list) ok(text.empty() && empty_is_null ? builder.AppendNull() : builder.Append(text));
    return take(builder.Finish(), part_, kIo);
  }
  ArrayPtr numbers(const std::vector<double>& list) const {
    arrow::DoubleBuilder builder;
    ok(builder.Reserve(static_cast<int64_t>(list.size())));
    for (double value : list) ok(std::isnan(value) ? builder.AppendNull() : builder.Append(value));
    return take(builder.Finish(), part_, kIo);
  }

  const std::vector<Column>& columns_;
  const std::vector<std::string>& members_;
  const std::string& part_;
  std::shared_ptr<arrow::Schema> schema_;
};

}  // namespace

std::vector<Column> value_columns(const arrow::Schema& schema) {
  std::vector<Column> columns;
  const auto values = schema.GetFieldByName("values");
  if (!values || values->type()->id() != arrow::Type::STRUCT) return columns;
  for (const auto& field : values->type()->fields())
    if (simdjson::validate_utf8(field->name()) && (holds_text(*field->type()) || holds_numbers(*field->type())))
      columns.push_back({field->name(), holds_text(*field->type())});
  return columns;
}

std::vector<int64_t> add_rows(const arrow::RecordBatch& rows, const RowForm& form, const std::vector<Column>& columns,
                              Batch& batch, Faults& faults) {
  Rows documents(rows, form, batch, faults);
  documents.add_all();
  documents.add_values(columns);
  return documents.taken();
}

std::shared_ptr<arrow::Schema> arrow_schema(const std::vector<Column>& columns,
                                            const std::vector<std::string>& members) {
  arrow::FieldVector fields = {arrow::field("text", arrow::utf8(), false), arrow::field("id", arrow::utf8()),
                               arrow::field("metadata", arrow::utf8(), false)};
  for (const std::string& name : members) fields.push_back(arrow::field(name, arrow::utf8()));
  arrow::FieldVector values;
  for (const Column& c : columns) values.push_back(arrow::field(c.name, c.is_text ? arrow::utf8() : arrow::float64()));
  if (!values.empty()) fields.push_back(arrow::field("values", arrow::struct_(values), false));
  return arrow::schema(fields);
}

std::shared_ptr<arrow::RecordBatch> to_arrow(const Batch& batch, const std::vector<Column>& columns,
                                             const std::vector<std::string>& members, const std::string& part) {
  return Arrays(columns, members, part)(batch);
}

}  // namespace frugal::data
