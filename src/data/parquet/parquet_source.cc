// Reading Parquet (parquet.h).
//
// One row group after the other, in batches of about a megabyte of text, with a reader that holds a page of each column
// and not the group: memory does not grow with the file. The texts of a batch are not copied. A row group that cannot
// be decoded to its end (bytes missing, a checksum that is wrong, pages larger than the file can account for) is
// counted, and reading goes on with the next; a file without its footer, which stands at the end, is an error.
#include <arrow/io/file.h>
#include <arrow/memory_pool.h>
#include <parquet/arrow/reader.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>

#include <algorithm>
#include <filesystem>

#include "data/files.h"
#include "data/parquet/arrow_batch.h"
#include "data/parquet/arrow_values.h"
#include "data/parquet/parquet.h"

namespace frugal::data {
namespace {

constexpr ErrorCode kBad = ErrorCode::kBadInput;

constexpr int64_t kMostMemory = int64_t{2} << 30;  // what all readers hold together

// What the readers of one file may hold. A page says itself how large it is, packed and unpacked, and the library takes
// that much, and clears it, before it looks whether the bytes are there: a file of a kilobyte would cost gigabytes. A
// text of the longest kind that packs well must pass: it is there once as a page and up to three times as an array.
class FileMemory {
 public:
  FileMemory(const std::string& path, size_t longest) : pool_(&used_, most(path, longest)) {}
  arrow::MemoryPool* pool() { return &pool_; }

 private:
  static arrow::MemoryPool* all_files() {
    static arrow::CappedMemoryPool pool(arrow::default_memory_pool(), kMostMemory);
    return &pool;
  }
  static int64_t most(const std::string& path, size_t longest) {
    std::error_code unknown;
    const auto size = std::filesystem::file_size(path, unknown);
    const double bytes =
        (64 << 20) + 4.0 * static_cast<double>(longest) + (unknown ? 0 : 256.0 * static_cast<double>(size));
    return static_cast<int64_t>(std::min(bytes, static_cast<double>(kMostMemory)));
  }

  arrow::ProxyMemoryPool used_{all_files()};
  arrow::CappedMemoryPool pool_;
};

// A batch, and the memory that its arrays go back to.
struct Rows {
  std::shared_ptr<FileMemory> memory;
  std::shared_ptr<arrow::RecordBatch> batch;
};

std::unique_ptr<parquet::arrow::FileReader> open_file(const std::string& path, FileMemory& memory) {
  parquet::ReaderProperties properties(memory.pool());
  properties.enable_buffered_stream();
  properties.set_buffer_size(256 << 10);
  properties.set_page_checksum_verification(true);
  parquet::ArrowReaderProperties arrow_properties(false);
  arrow_properties.set_pre_buffer(false);
  parquet::arrow::FileReaderBuilder builder;
  check(builder.OpenFile(path, false, properties), path, kBad);
  builder.memory_pool(memory.pool())->properties(arrow_properties);
  return take(builder.Build(), path, kBad);
}

// The libraries throw too. What they say becomes an Error that names the file.
template <typename F>
auto guarded(const std::string& path, F f) {
  try {
    return f();
  } catch (const Error&) {
    throw;
  } catch (const std::exception& e) {
    fail(kBad, "parquet", "{}: {}", path, quotable(e.what()));
  }
}

std::string names_of(const arrow::Schema& schema) {
  std::string names;
  for (const auto& field : schema.fields()) names += (names.empty() ? "" : ", ") + field->name();
  return names;
}

class GroupsReader : public BlockReader {
 public:
  GroupsReader(const Part& part, size_t longest)
      : path_(part.path),
        at_(static_cast<int>(part.begin)),
        end_(static_cast<int>(part.end)),
        memory_(std::make_shared<FileMemory>(path_, longest)),
        file_(guarded(path_, [&] { return open_file(path_, *memory_); })) {}

  bool next(RawBlock& block, Faults& faults) override {
    for (; at_ < end_; ++at_, batches_.reset()) {
      try {
        if (const auto batch = next_batch()) {
          block.bytes.clear();
          block.size = 1;
          block.held = std::make_shared<Rows>(Rows{memory_, batch});
          return true;
        }
      } catch (const std::exception&) {
        ++faults["row group damaged"];
      }
    }
    return false;
  }

 private:
  std::shared_ptr<arrow::RecordBatch> next_batch() {
    if (!batches_) {
      const auto group = file_->parquet_reader()->metadata()->RowGroup(at_);
      const int64_t rows = std::max<int64_t>(group->num_rows(), 1),
                    bytes = std::max<int64_t>(group->total_byte_size(), 1);
      const double by_size = static_cast<double>(kBlockBytes) * static_cast<double>(rows) / static_cast<double>(bytes);
      file_->set_batch_size(static_cast<int64_t>(std::clamp(by_size, 1.0, 8192.0)));
      batches_ = take(file_->GetRecordBatchReader({at_}), path_, kBad);
    }
    std::shared_ptr<arrow::RecordBatch> batch;
    check(batches_->ReadNext(&batch), path_, kBad);
    return batch;
  }

  std::string path_;
  int at_, end_;
  std::shared_ptr<FileMemory> memory_;
  std::unique_ptr<parquet::arrow::FileReader> file_;
  std::unique_ptr<arrow::RecordBatchReader> batches_;
};

class ParquetSource : public Source {
 public:
  explicit ParquetSource(ParquetRead form) : form_(std::move(form)) {
    for (const std::string& path : matching_files(form_.pattern))
      if (!is_mark(path)) guarded(path, [&] { look_at(path); });
    if (parts_.empty()) fail(ErrorCode::kNotFound, "parquet", "found no Parquet file for '{}'", form_.pattern);
  }

  std::vector<Column> columns() const override { return columns_; }
  std::vector<Part> parts() const override { return parts_; }
  std::unique_ptr<BlockReader> open(const Part& part) const override {
    return std::make_unique<GroupsReader>(part, form_.longest);
  }

  void parse(RawBlock block, Batch& batch, Faults& faults) const override {
    const auto& rows = *static_cast<const Rows*>(block.held.get())->batch;
    add_rows(rows, {form_.text, form_.id, form_.longest}, columns_, batch, faults);
    batch.arena.hold(std::move(block.held));
  }

 private:
  // What other programs leave beside the parts of a folder: _SUCCESS, _metadata, .part-0.parquet.crc.
  bool is_mark(const std::string& path) const {
    const std::string name = std::filesystem::path(path).filename().string();
    return path != form_.pattern && (name.starts_with('_') || name.starts_with('.'));
  }

  void look_at(const std::string& path) {
    FileMemory memory(path, form_.longest);
    const auto file = open_file(path, memory);
    std::shared_ptr<arrow::Schema> schema;
    check(file->GetSchema(&schema), path, kBad);
    const auto text = schema->GetFieldByName(form_.text);
    if (!text || !holds_text(*text->type()))
      fail(kBad, "parquet", "{}: found {}, expected texts in a column '{}' (text=NAME names another); columns: {}",
           path, text ? text->type()->ToString() + " there" : "none", form_.text, quotable(names_of(*schema)));
    for (const Column& c : value_columns(*schema))
      if (std::none_of(columns_.begin(), columns_.end(), [&](const Column& k) { return k.name == c.name; }))
        columns_.push_back(c);
    cut(path, *file->parquet_reader()->metadata());
  }

  void cut(const std::string& path, const parquet::FileMetaData& about) {
    const auto groups = static_cast<uint64_t>(about.num_row_groups());
    parts_.push_back({path, 0, groups});
    for (uint64_t g = 0; g < groups; ++g) {
      if (parts_.back().bytes >= form_.piece) {
        parts_.back().end = g;
        parts_.push_back({path, g, groups});
      }
      parts_.back().bytes +=
          static_cast<uint64_t>(std::max<int64_t>(about.RowGroup(static_cast<int>(g))->total_byte_size(), 0));
    }
  }

  ParquetRead form_;
  std::vector<Part> parts_;
  std::vector<Column> columns_;
};

std::unique_ptr<Source> read_parquet(const ParquetRead& form) { return std::make_unique<ParquetSource>(form); }

}  // namespace

}  // namespace frugal::data

extern "C" const frugal::data::ParquetPlugin frugal_parquet = {frugal::data::kParquetPluginVersion,
                                                               frugal::data::read_parquet, frugal::data::write_parquet};
