// Runs packed batches of a model: the model, its team of threads, its cache pool and the Programs, behind one call.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "model/model.h"

namespace frugal {

struct RunnerOptions {
  int threads = 0;  // 0: one for each usable core
  Compute compute = Compute::kAuto;
  std::string kv = "full";
  int max_rows = 512;                // rows of one forward
  int max_wanted = 128;              // rows of one forward whose logits may be asked for
  int64_t max_cache_rows = 0;        // 0: the pool's default
  std::shared_ptr<ThreadTeam> team;  // shared with another runner, one of them at work at a time; null: its own
};

class Runner {
 public:
  // The model must outlive the runner. Runners of one model share its packed weights and must not run at the same time;
  // each has its own buffers, so that its last logits outlive the others' forwards. Throws Error when the cache spec is
  // wrong.
  Runner(Model& model, const RunnerOptions& options);

  std::unique_ptr<KvSeq> sequence() { return pool_->create(); }
  // Logits of the wanted rows, batch.logit_rows.size() x vocab, valid until the next forward. The caller has reserved
  // room in each sequence and commits afterwards. Ids must be below the vocabulary's size.
  // tap, if any, is called on the way by one thread while the others go on, and may not throw.
  const float* forward(const Batch& batch, const AttendTap* tap = nullptr);
  // The same with the time that each kind of call took.
  std::vector<std::pair<std::string, double>> profile(const Batch& batch);

  Model& model() { return model_; }
  ThreadTeam& team() { return *team_; }
  const std::shared_ptr<ThreadTeam>& shared_team() const { return team_; }
  KvPool& pool() { return *pool_; }
  const RunnerOptions& options() const { return options_; }
  int64_t vocab() const { return model_.config().vocab; }

 private:
  StepParams prepare(const Batch& batch);
  void make_room(const Batch& batch);
  void check(const Batch& batch) const;

  Model& model_;
  RunnerOptions options_;
  std::shared_ptr<ThreadTeam> team_;
  Programs programs_;
  std::unique_ptr<KvPool> pool_;
  AlignedBuffer scratch_;
  int scratch_rows_ = 0, scratch_seqs_ = 0;
  int64_t scratch_length_ = 0;
};

// A chain of tokens of one sequence as a batch; logits of the last `wanted` rows.
Batch chain(KvSeq& seq, std::span<const int32_t> ids, int wanted);

Compute parse_compute(const std::string& name);  // auto, f32, bf16, int8; throws Error

}  // namespace frugal
