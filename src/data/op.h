// What a pipeline is made of: a source, row operators, global operators, a sink. Each registers under the kind "data"
// from its own source file, with its role:
//
//   store   at the front a source, at the end a sink
//   source  lists its parts (files, or pieces of large ones) and reads each as raw blocks, in order; a block becomes a
//           batch on any thread
//   filter  looks at one document at a time: writes values, may change the text, may drop it with a reason
//   dedup   needs to have seen every document: sketch (records of 24 bytes), exchange (by lane and key), group, apply
//   sink    turns batches into bytes on any thread, and writes these in order
//
// An operator is shared by all workers, so what it does on rows is const; what a worker needs for itself is Scratch.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/registry.h"
#include "data/batch.h"

namespace frugal::data {

class Scratch;

struct Part {
  std::string path;             // a file; of several, the first
  uint64_t begin = 0, end = 0;  // bytes of the file, for compressed ones the whole; or what its source counts in
  uint64_t bytes = 0;           // about how much there is to read
  std::string more = {};        // what else makes it the same part: the sizes and dates of its other files
  std::string key() const;      // names the part in a manifest: changes when a file's size or date does
};
std::string file_key(const std::string& path);  // path, size and date

// Bytes that hold whole records (lines, WARC records), with room behind them for vector loads.
struct RawBlock {
  std::vector<char> bytes;
  size_t size = 0;             // 0 is no block
  std::shared_ptr<void> held;  // what a reader that decodes hands to its source's parse() instead
};
constexpr size_t kPadding = 64;  // readable bytes behind a block's end
constexpr size_t kBlockBytes = 1 << 20;

// What went wrong while reading and did not stop it: reason -> how often ("bad JSON", "gzip data broken", ...).
using Faults = std::map<std::string, uint64_t>;

class BlockReader {
 public:
  virtual ~BlockReader() = default;
  virtual bool next(RawBlock& block, Faults& faults) = 0;  // false at the end of the part
};

class Source {
 public:
  virtual ~Source() = default;
  virtual std::vector<Part> parts() const = 0;  // in the order of their names
  // Values that come with the documents: the pipeline's first columns. parse() sets and fills them.
  virtual std::vector<Column> columns() const { return {}; }
  virtual std::unique_ptr<BlockReader> open(const Part& part) const = 0;
  virtual void parse(RawBlock block, Batch& batch, Faults& faults) const = 0;  // on any thread
};

class RowOp {
 public:
  virtual ~RowOp() = default;
  virtual std::vector<Column> columns() const { return {}; }
  virtual std::vector<std::string> reasons() const { return {}; }
  // Columns of the stages before, for operators that read some: called once, before the first document.
  virtual void bind(const std::vector<Column>& /*before*/) {}
  virtual void apply(Document& doc, Scratch& scratch) const = 0;
};

// Records of a sketch. Lane: what may be compared with what (a band, a bucket); key: equal for what belongs together.
struct Record {
  uint64_t key = 0, value = 0;
  uint32_t row = 0;  // in the batch; once committed, in the part
  uint32_t lane = 0;
};

// Reads the records of one lane of all parts; `doc` numbers documents over all parts in order.
struct SeenRecord {
  uint64_t key, value, doc;
};
class Sketches {
 public:
  virtual ~Sketches() = default;
  virtual std::vector<uint32_t> lanes() const = 0;
  virtual std::vector<SeenRecord> read(uint32_t lane, uint32_t slice) const = 0;  // slice: by the key's first bits
  virtual uint32_t slices() const = 0;  // into how many a lane is cut so that one fits memory
  virtual uint64_t documents() const = 0;
};

class GlobalOp {
 public:
  virtual ~GlobalOp() = default;
  virtual std::vector<Column> columns() const { return {}; }
  virtual std::vector<std::string> reasons() const { return {}; }
  virtual void bind(const std::vector<Column>& /*before*/) {}  // as for RowOp
  virtual void sketch(const Batch& batch, size_t row, Scratch& scratch, std::vector<Record>& out) const = 0;
  // Whether a record counts whose lane and key no other has; else whoever moves records may leave it behind.
  virtual bool needs_lone_records() const { return false; }
  virtual void group(const Sketches& sketches) = 0;                                // decides, once
  virtual void apply(Document& doc, uint64_t number, Scratch& scratch) const = 0;  // number: as SeenRecord::doc
};

// What a sink needs to know of the pipeline.
struct Schema {
  std::vector<Column> columns;
  std::vector<std::string> reasons, stages;
};

// A part's file, made of what Sink::encode() gave, in order; it stands under its name when it is committed.
class PartWriter {
 public:
  virtual ~PartWriter() = default;
  virtual void write(std::string_view bytes) = 0;  // of one batch; none at a part's end
  virtual void commit() = 0;
};
std::unique_ptr<PartWriter> plain_writer(const std::string& path);  // the bytes as they are

class Sink {
 public:
  virtual ~Sink() = default;
  virtual std::string output() const = 0;  // what the user named
  virtual std::string folder() const = 0;  // where parts go
  virtual std::string extension() const = 0;
  // Appends the rows whose verdict is kept as bytes; on any thread.
  virtual void encode(const Batch& batch, const Schema& schema, std::string& out) const = 0;
  virtual std::unique_ptr<PartWriter> open(const std::string& path, const Schema&) const { return plain_writer(path); }
  virtual void finish(const std::vector<std::string>& /*parts*/) {}  // all parts are there
};

// A form of file that can stand at either end (role "store"), or only at one: the other comes back empty.
struct End {
  std::unique_ptr<Source> source;
  std::unique_ptr<Sink> sink;
};
using MakeEnd = End(const Args&, bool writing);
// JSON lines of the rows that are kept, or of all others with stage and reason: what rejects are written as.
void encode_jsonl(const Batch& batch, const Schema& schema, bool rejects, bool values, std::string& out);

using MakeRowOp = std::unique_ptr<RowOp>(const Args&);
using MakeGlobalOp = std::unique_ptr<GlobalOp>(const Args&);

}  // namespace frugal::data
