// The exchange of a global operator on this machine: records on disk, a file a part, sorted by lane and slice of the
// key so that a lane can be read from all parts without reading the rest. The same records are what a cluster's shuffle
// would carry.
#pragma once

#include <string>
#include <vector>

#include "data/op.h"
#include "io/output_file.h"

namespace frugal::data {

// Writes one part's records, sorted in pieces of kMost: so a part of any size takes 100 MB. `slices` is a power of two.
class SketchWriter {
 public:
  SketchWriter(const std::string& path, uint32_t slices) : out_(path), slices_(slices) {}
  void add(const std::vector<Record>& records);
  void commit();

 private:
  static constexpr size_t kMost = size_t{4} << 20;
  void flush();

  OutputFile out_;
  uint32_t slices_;
  uint64_t written_ = 0;
  std::vector<Record> records_;
  std::vector<uint64_t> index_;  // of each run of a lane and slice: their numbers, where it begins, how long it is
};

// files in the order of parts; bases: the number of the first document of each part.
class SketchFiles : public Sketches {
 public:
  SketchFiles(std::vector<std::string> files, std::vector<uint64_t> bases, uint64_t documents, uint32_t slices);
  std::vector<uint32_t> lanes() const override;
  std::vector<SeenRecord> read(uint32_t lane, uint32_t slice) const override;
  uint32_t slices() const override { return slices_; }
  uint64_t documents() const override { return documents_; }

 private:
  struct Run {  // of records of one lane and slice in one file
    uint64_t begin = 0, count = 0;
    uint32_t lane = 0, slice = 0;
  };
  std::vector<std::string> files_;
  std::vector<uint64_t> bases_;
  std::vector<std::vector<Run>> runs_;  // by file, ascending
  uint64_t documents_;
  uint32_t slices_;
};

}  // namespace frugal::data
