#include "data/sketch_files.h"

#include <algorithm>
#include <bit>
#include <fstream>
#include <set>
#include <tuple>

#include "base/error.h"

namespace frugal::data {
namespace {

uint32_t slice_of(uint64_t key, uint32_t slices) {
  return slices <= 1 ? 0 : static_cast<uint32_t>(key >> (64 - std::countr_zero(slices)));
}

}  // namespace

void SketchWriter::add(const std::vector<Record>& records) {
  records_.insert(records_.end(), records.begin(), records.end());
  if (records_.size() >= kMost) flush();
}

void SketchWriter::flush() {
  std::stable_sort(records_.begin(), records_.end(), [&](const Record& a, const Record& b) {
    return std::tuple(a.lane, slice_of(a.key, slices_)) < std::tuple(b.lane, slice_of(b.key, slices_));
  });
  const size_t before = index_.size();
  for (size_t i = 0; i < records_.size(); ++i) {
    const uint64_t name = (uint64_t{records_[i].lane} << 32) | slice_of(records_[i].key, slices_);
    if (index_.size() == before || index_[index_.size() - 3] != name)
      index_.insert(index_.end(), {name, written_ + i, 0});
    ++index_.back();
  }
  out_.write(records_.data(), records_.size() * sizeof(Record));
  written_ += records_.size();
  records_.clear();
}

// Records, then the runs, then their number.
void SketchWriter::commit() {
  flush();
  const uint64_t runs = index_.size() / 3;
  out_.write(index_.data(), index_.size() * sizeof(uint64_t));
  out_.write(&runs, sizeof runs);
  out_.commit();
}

SketchFiles::SketchFiles(std::vector<std::string> files, std::vector<uint64_t> bases, uint64_t documents,
                         uint32_t slices)
    : files_(std::move(files)), bases_(std::move(bases)), documents_(documents), slices_(slices) {
  for (const std::string& path : files_) {
    std::ifstream in(path, std::ios::binary | std::ios::ate);
    const auto size = static_cast<uint64_t>(in ? static_cast<std::streamoff>(in.tellg()) : 0);
    uint64_t runs = 0;
    in.seekg(-8, std::ios::end);
    in.read(reinterpret_cast<char*>(&runs), sizeof runs);
    if (!in || runs > size / 24) fail(ErrorCode::kBadInput, "data", "found a damaged sketch {}: start anew", path);
    std::vector<uint64_t> index(runs * 3);
    in.seekg(-8 - static_cast<std::streamoff>(index.size() * 8), std::ios::end);
    in.read(reinterpret_cast<char*>(index.data()), static_cast<std::streamsize>(index.size() * 8));
    runs_.emplace_back();
    for (uint64_t r = 0; r < runs; ++r)
      runs_.back().push_back({index[r * 3 + 1], index[r * 3 + 2], static_cast<uint32_t>(index[r * 3] >> 32),
                              static_cast<uint32_t>(index[r * 3])});
  }
}

std::vector<uint32_t> SketchFiles::lanes() const {
  std::set<uint32_t> lanes;
  for (const auto& runs : runs_)
    for (const Run& run : runs) lanes.insert(run.lane);
  return {lanes.begin(), lanes.end()};
}

std::vector<SeenRecord> SketchFiles::read(uint32_t lane, uint32_t slice) const {
  std::vector<SeenRecord> out;
  std::vector<Record> records;
  for (size_t f = 0; f < files_.size(); ++f) {
    for (const Run& run : runs_[f]) {
      if (run.lane != lane || run.slice != slice) continue;
      records.resize(run.count);
      std::ifstream in(files_[f], std::ios::binary);
      in.seekg(static_cast<std::streamoff>(run.begin * sizeof(Record)));
      in.read(reinterpret_cast<char*>(records.data()), static_cast<std::streamsize>(run.count * sizeof(Record)));
      if (!in) fail(ErrorCode::kIo, "data", "cannot read {}", files_[f]);
      for (const Record& r : records) out.push_back({r.key, r.value, bases_[f] + r.row});
    }
  }
  return out;
}

}  // namespace frugal::data
