// Writing Parquet (parquet.h).
//
// Workers hand over the rows they keep in columns (spill.h); the file's writer turns them into Arrow arrays and pages
// one batch after the other, so the bytes do not depend on who worked on what. A row group is packed in memory and
// written when its text reaches `group`. Pages carry checksums. Strings of text are not tried as dictionaries, labels
// are.
#include <arrow/io/interfaces.h>
#include <parquet/arrow/writer.h>
#include <parquet/properties.h>

#include "data/json_scan.h"
#include "data/parquet/arrow_values.h"
#include "data/parquet/parquet.h"
#include "data/spill.h"
#include "io/output_file.h"

namespace frugal::data {
namespace {

constexpr ErrorCode kIo = ErrorCode::kIo;
using ArrayPtr = std::shared_ptr<arrow::Array>;

// An OutputFile as Arrow wants it.
class FileStream : public arrow::io::OutputStream {
 public:
  explicit FileStream(const std::string& path) : file_(path) {}
  void commit() { file_.commit(); }
  arrow::Status Write(const void* bytes, int64_t count) override {
    try {
      file_.write(bytes, static_cast<size_t>(count));
    } catch (const Error& e) {
      return arrow::Status::IOError(e.what());
    }
    at_ += count;
    return arrow::Status::OK();
  }
  arrow::Status Close() override {
    closed_ = true;
    return arrow::Status::OK();
  }
  bool closed() const override { return closed_; }
  arrow::Result<int64_t> Tell() const override { return at_; }

 private:
  OutputFile file_;
  int64_t at_ = 0;
  bool closed_ = false;
};

std::shared_ptr<arrow::Schema> arrow_schema(const Schema& schema, const std::vector<std::string>& members) {
  arrow::FieldVector fields = {arrow::field("text", arrow::utf8(), false), arrow::field("id", arrow::utf8()),
                               arrow::field("metadata", arrow::utf8(), false)};
  for (const std::string& name : members) fields.push_back(arrow::field(name, arrow::utf8()));
  arrow::FieldVector values;
  for (const Column& c : schema.columns)
    values.push_back(arrow::field(c.name, c.is_text ? arrow::utf8() : arrow::float64()));
  if (!values.empty()) fields.push_back(arrow::field("values", arrow::struct_(values), false));
  return arrow::schema(fields);
}

std::shared_ptr<parquet::WriterProperties> properties(int level) {
  parquet::WriterProperties::Builder builder;
  builder.compression(parquet::Compression::ZSTD)->compression_level(level)->enable_page_checksum();
  builder.disable_statistics("text")->disable_statistics("metadata");
  builder.disable_dictionary("text")->disable_dictionary("id")->disable_dictionary("metadata");
  return builder.build();
}

class ParquetFile : public PartWriter {
 public:
  ParquetFile(std::string path, const Schema& schema, const ParquetWrite& form)
      : path_(std::move(path)),
        columns_(schema.columns),
        form_(form),
        schema_(arrow_schema(schema, form.columns)),
        stream_(std::make_shared<FileStream>(path_)),
        writer_(take(
            parquet::arrow::FileWriter::Open(*schema_, arrow::default_memory_pool(), stream_, properties(form.level),
                                             parquet::ArrowWriterProperties::Builder().store_schema()->build()),
            path_, kIo)) {}

  void write(std::string_view bytes) override {
    if (bytes.empty()) return;
    Batch batch;
    read_spilled(bytes, columns_, batch);
    if (batch.rows() == 0) return;
    if (in_group_ == 0) ok(writer_->NewBufferedRowGroup());
    ok(writer_->WriteRecordBatch(
        *arrow::RecordBatch::Make(schema_, static_cast<int64_t>(batch.rows()), arrays(batch))));
    in_group_ += bytes.size();
    if (in_group_ >= form_.group) in_group_ = 0;
  }
  void commit() override {
    ok(writer_->Close());
    stream_->commit();
  }

 private:
  void ok(const arrow::Status& status) const { check(status, path_, kIo); }

  arrow::ArrayVector arrays(const Batch& batch) const {
    arrow::ArrayVector list = {texts(batch.text, false), texts(batch.id, true)};
    std::vector<std::string> meta(batch.rows());
    for (size_t r = 0; r < batch.rows(); ++r) meta[r] = metadata(batch.meta[r]);
    list.push_back(texts(std::vector<std::string_view>(meta.begin(), meta.end()), false));
    for (const std::string& name : form_.columns) {
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
      if (std::find(form_.columns.begin(), form_.columns.end(), key) == form_.columns.end())
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
    return take(builder.Finish(), path_, kIo);
  }
  ArrayPtr numbers(const std::vector<double>& list) const {
    arrow::DoubleBuilder builder;
    ok(builder.Reserve(static_cast<int64_t>(list.size())));
    for (double value : list) ok(std::isnan(value) ? builder.AppendNull() : builder.Append(value));
    return take(builder.Finish(), path_, kIo);
  }

  std::string path_;
  const std::vector<Column>& columns_;
  const ParquetWrite& form_;
  std::shared_ptr<arrow::Schema> schema_;
  std::shared_ptr<FileStream> stream_;
  std::unique_ptr<parquet::arrow::FileWriter> writer_;
  uint64_t in_group_ = 0;  // bytes in the row group that is being made
};

class ParquetSink : public Sink {
 public:
  explicit ParquetSink(ParquetWrite form) : form_(std::move(form)) {}
  std::string output() const override { return form_.folder; }
  std::string folder() const override { return form_.folder; }
  std::string extension() const override { return ".parquet"; }
  void encode(const Batch& batch, const Schema& schema, std::string& out) const override {
    spill_batch(batch, schema.columns, out);
  }
  std::unique_ptr<PartWriter> open(const std::string& path, const Schema& schema) const override {
    return std::make_unique<ParquetFile>(path, schema, form_);
  }

 private:
  ParquetWrite form_;
};

}  // namespace

std::unique_ptr<Sink> write_parquet(const ParquetWrite& form) { return std::make_unique<ParquetSink>(form); }

}  // namespace frugal::data
