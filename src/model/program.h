// A Program: one forward as a flat list of kernel calls on buffers assigned beforehand.
//
// Lengths, positions, page tables and masks are not in it: they sit in a StepParams block that the calls read when
// they run. A step allocates nothing and starts no thread; the team walks the list together, a barrier after each call.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/threads.h"
#include "model/batch.h"
#include "model/weight.h"

namespace frugal {

// Sees what each layer's attention is given, before it is rotated or stored: for observation, not for speed.
using AttendTap = std::function<void(const AttendSpec& spec, const AttendStep& step, int rows)>;

struct StepParams {
  const Batch* batch = nullptr;
  KvPool* pool = nullptr;
  std::span<std::byte> attend_scratch;
  const AttendTap* tap = nullptr;
  int rows() const { return batch->rows(); }
  int wanted() const { return static_cast<int>(batch->logit_rows.size()); }
};

// What a call needs to know about its place in the team.
struct Team {
  int thread, threads;
  // This thread's share [first, last) of n pieces of work.
  int64_t first(int64_t n) const { return n * thread / threads; }
  int64_t last(int64_t n) const { return n * (thread + 1) / threads; }
};

class Call {
 public:
  virtual ~Call() = default;
  virtual void run(const StepParams& step, Team team) const = 0;
  virtual const char* name() const = 0;
  bool barrier = true;  // false: the next call reads nothing that this one writes
};

class Program {
 public:
  void run(ThreadTeam& team, const StepParams& step) const;
  // Processor seconds of thread 0 in each kind of call of one run, longest first: where the time goes.
  std::vector<std::pair<std::string, double>> profile(ThreadTeam& team, const StepParams& step) const;

  const float* logits() const { return logits_; }  // wanted rows x vocab
  int max_rows() const { return max_rows_; }
  int max_wanted() const { return max_wanted_; }
  size_t bytes() const;
  size_t calls() const { return calls_.size(); }

 private:
  friend class Recorder;
  std::vector<std::unique_ptr<Call>> calls_;
  std::vector<AlignedBuffer> buffers_;
  const float* logits_ = nullptr;
  int max_rows_ = 0, max_wanted_ = 0;
};

}  // namespace frugal
