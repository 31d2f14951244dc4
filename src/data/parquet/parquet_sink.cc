// Writing Parquet (parquet.h).
//
// Workers hand over the rows they keep in columns (spill.h); the file's writer turns them into Arrow arrays and pages
// one batch after the other, so the bytes do not depend on who worked on what. A row group is packed in memory and
// written when its text reaches `group`. Pages carry checksums. Strings of text are not tried as dictionaries, labels
// are.
#include <arrow/io/interfaces.h>
#include <parquet/arrow/writer.h>
#include <parquet/properties.h>

#include "data/parquet/arrow_batch.h"
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
        schema_(arrow_schema(schema.columns, form.columns)),
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
    ok(writer_->WriteRecordBatch(*to_arrow(batch, columns_, form_.columns, path_)));
    in_group_ += bytes.size();
    if (in_group_ >= form_.group) in_group_ = 0;
  }
  void commit() override {
    ok(writer_->Close());
    stream_->commit();
  }

 private:
  void ok(const arrow::Status& status) const { check(status, path_, kIo); }

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
