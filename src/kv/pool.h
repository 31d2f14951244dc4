// Layout paged: the pool that owns cache memory, and the sequences in it, where every row stays.
//
//   extent   32 rows of every layer and head: the pool's unit of allocation, one contiguous piece of a reserved range
//   page     inside an extent, at a fixed offset for each layer and head: keys, then values
//
// Extents are counted, so that forks share them; a sequence that writes into a shared one copies it first. The counts
// are guarded: a client may let go of a finished answer's cache while the engine's thread works on others.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "kv/rows.h"

namespace frugal {

class PagedPool : public RowPool {
 public:
  explicit PagedPool(const KvPoolOptions& options);
  ~PagedPool() override;
  std::unique_ptr<KvSeq> create() override;
  size_t bytes_mapped() const override;
  size_t extent_bytes() const { return extent_bytes_; }

  uint8_t* allocate();  // zeroed or holding old finite rows; nullptr when the pool is full
  void share(uint8_t* extent);
  void release(uint8_t* extent);  // the last owner gives the memory back to the system
  bool is_shared(uint8_t* extent);

 private:
  int& count(uint8_t* extent) { return counts_[static_cast<size_t>(extent - base_) / stride_]; }

  size_t extent_bytes_ = 0, stride_ = 0, capacity_ = 0, in_use_ = 0, fresh_ = 0;
  uint8_t* base_ = nullptr;
  mutable std::mutex mutex_;  // of what follows, fresh_ and in_use_
  std::vector<int> counts_;
  std::vector<size_t> free_;
};

class PagedSeq : public RowSeq {
 public:
  explicit PagedSeq(PagedPool& pool) : pool_(pool) {}
  ~PagedSeq() override;
  int64_t length() const override { return length_; }
  bool reserve(int64_t rows) override;
  void commit(int64_t rows) override;
  void keep_path(std::span<const int> rows) override;
  void truncate(int64_t length) override;
  std::unique_ptr<KvSeq> fork() override;
  int64_t rows_until_event() const override { return int64_t{1} << 40; }
  void begin_prompt() override {}
  void end_prompt() override {}
  size_t bytes() const override { return extents_.size() * pool_.extent_bytes(); }
  void save(const std::string& path, const std::vector<int32_t>& ids) const override;
  std::vector<int32_t> load(const std::string& path) override;

  HeadView head(int layer, int head) override;

 private:
  uint8_t* page_of(int64_t slot) { return extents_[static_cast<size_t>(slot / kPageRows)]; }
  void forget(int64_t first, int64_t last);
  void copy_row(int64_t from, int64_t to);

  PagedPool& pool_;
  std::vector<uint8_t*> extents_;
  std::vector<int32_t> positions_;  // by slot; attend_write fills the new rows'
  int64_t length_ = 0, reserved_ = 0;
};

}  // namespace frugal
