// Documents in columns: what flows through a pipeline, about a megabyte of text at a time.
//
// A batch holds the columns text, id and meta (a document's other fields as they stood in the source: the inside of a
// JSON object, `"url":"...","date":"..."`), the value columns that rules write, and for every row a verdict with its
// reason. Nothing is ever erased: a dropped document keeps its row, so that rejects can be written and other thresholds
// tried on the stored values. All texts are views into memory that the batch owns and frees at once.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace frugal::data {

// Memory that only grows until it is thrown away whole. Copies of text come with no ending zero.
class Arena {
 public:
  char* room(size_t bytes);                         // uninitialised, until give_back or the arena's end
  void give_back(size_t bytes) { used_ -= bytes; }  // the tail of what room() gave last
  std::string_view keep(std::string_view text);
  void adopt(std::vector<char> memory) { adopted_.push_back(std::move(memory)); }        // frees it with the arena
  void hold(std::shared_ptr<const void> memory) { held_.push_back(std::move(memory)); }  // likewise

 private:
  std::vector<std::unique_ptr<char[]>> blocks_;
  std::vector<std::vector<char>> adopted_;
  std::vector<std::shared_ptr<const void>> held_;
  size_t used_ = 0, size_ = 0;
};

// What a pipeline's rules write beside the verdict, in the order in which its stages stand.
struct Column {
  std::string name;
  bool is_text = false;  // a label such as a language, else a number
};

constexpr uint16_t kKept = 0;  // a verdict: 0, or 1 + the number of the reason in the pipeline's list

struct Batch {
  Arena arena;
  std::vector<std::string_view> text, id, meta;
  std::vector<uint16_t> verdict, stage;               // stage: which one dropped it
  std::vector<std::vector<double>> numbers;           // by column, NaN where nothing was written
  std::vector<std::vector<std::string_view>> labels;  // by column, empty likewise
  uint64_t source_bytes = 0;                          // what was read for it
  uint64_t first_row = 0;                             // its first document's number within the part, set when committed

  size_t rows() const { return text.size(); }
  void add(std::string_view text_, std::string_view id_, std::string_view meta_);
  void set_columns(const std::vector<Column>& columns);  // after all rows are there
};

// One row as a rule sees it. `columns` is the number of the rule's first column, `reasons` of its first reason.
class Document {
 public:
  Document(Batch& batch, size_t row) : batch_(batch), row_(row) {}

  std::string_view text() const { return batch_.text[row_]; }
  std::string_view id() const { return batch_.id[row_]; }
  std::string_view meta() const { return batch_.meta[row_]; }
  void set_text(std::string_view text) { batch_.text[row_] = batch_.arena.keep(text); }
  void set_meta(std::string_view meta) { batch_.meta[row_] = batch_.arena.keep(meta); }

  void number(size_t column, double value) { batch_.numbers[columns + column][row_] = value; }
  double number_at(size_t absolute) const { return batch_.numbers[absolute][row_]; }
  void label(size_t column, std::string_view value) {
    batch_.labels[columns + column][row_] = batch_.arena.keep(value);
  }
  // The first reason stays.
  void drop(size_t reason) {
    if (kept()) batch_.verdict[row_] = static_cast<uint16_t>(reasons + reason + 1);
  }
  bool kept() const { return batch_.verdict[row_] == kKept; }

  const Batch& batch() const { return batch_; }
  size_t row() const { return row_; }

  size_t columns = 0, reasons = 0;

 private:
  Batch& batch_;
  size_t row_;
};

// The raw JSON value of a member of meta, such as `"http://..."`; empty when it is not there. A name with a
// point that is no member itself is a path: metadata.url is the member url of the object metadata.
std::string_view meta_value(std::string_view meta, std::string_view name);
// The same as text: strings without quotes and escapes.
std::string meta_text(std::string_view meta, std::string_view name);

}  // namespace frugal::data
