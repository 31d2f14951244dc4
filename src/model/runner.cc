#include "model/runner.h"

#include <algorithm>

#include "base/error.h"

namespace frugal {

Runner::Runner(Model& model, const RunnerOptions& options)
    : model_(model), options_(options), team_(options.team), programs_(model) {
  if (team_ == nullptr) team_ = std::make_shared<ThreadTeam>(options.threads);
  KvPoolOptions kv;
  kv.layers = model.kv_shapes();
  kv.spec = options.kv;
  kv.max_rows = options.max_cache_rows;
  kv.exact = options.compute == Compute::kF32;
  kv.team = team_.get();
  pool_ = make_kv_pool(kv);
}

void Runner::check(const Batch& batch) const {
  if (batch.rows() > options_.max_rows || static_cast<int>(batch.logit_rows.size()) > options_.max_wanted)
    fail(ErrorCode::kUsage, "runner", "a batch of {} rows with {} logits; at most {} with {}", batch.rows(),
         batch.logit_rows.size(), options_.max_rows, options_.max_wanted);
  for (int32_t id : batch.ids)
    if (id >= vocab() || (id < 0 && batch.embeddings.empty()))
      fail(ErrorCode::kBadInput, "runner", "token id {} is outside the vocabulary of {}", id, vocab());
}

// Attention's scratch grows by doubling, so that steady decoding allocates nothing.
void Runner::make_room(const Batch& batch) {
  int64_t length = 0;
  for (const KvRows& s : batch.seqs) length = std::max(length, s.seq->length() + s.rows);
  const int seqs = static_cast<int>(batch.seqs.size());
  if (batch.rows() <= scratch_rows_ && seqs <= scratch_seqs_ && length <= scratch_length_) return;
  while (scratch_rows_ < batch.rows()) scratch_rows_ = std::max(1, 2 * scratch_rows_);
  while (scratch_seqs_ < seqs) scratch_seqs_ = std::max(1, 2 * scratch_seqs_);
  while (scratch_length_ < length) scratch_length_ = std::max<int64_t>(512, 2 * scratch_length_);
  AttendSpec spec;
  spec.heads = static_cast<int>(model_.config().heads);
  scratch_ =
      AlignedBuffer(attend_scratch_bytes(*pool_, spec, scratch_rows_, scratch_seqs_, scratch_length_, team_->size()));
}

StepParams Runner::prepare(const Batch& batch) {
  check(batch);
  make_room(batch);
  return {&batch, pool_.get(), {reinterpret_cast<std::byte*>(scratch_.data()), scratch_.size()}};
}

const float* Runner::forward(const Batch& batch, const AttendTap* tap) {
  StepParams step = prepare(batch);
  step.tap = tap;
  Program& p = programs_.get(*team_, options_.compute, batch.rows(), std::max(1, step.wanted()));
  p.run(*team_, step);
  return p.logits();
}

std::vector<std::pair<std::string, double>> Runner::profile(const Batch& batch) {
  const StepParams step = prepare(batch);
  return programs_.get(*team_, options_.compute, batch.rows(), std::max(1, step.wanted())).profile(*team_, step);
}

Batch chain(KvSeq& seq, std::span<const int32_t> ids, int wanted) {
  Batch b;
  b.ids.assign(ids.begin(), ids.end());
  const int n = b.rows();
  for (int i = 0; i < n; ++i) b.positions.push_back(static_cast<int32_t>(seq.length()) + i);
  b.seqs.push_back({&seq, 0, n, {}});
  for (int i = n - wanted; i < n; ++i) b.logit_rows.push_back(i);
  return b;
}

Compute parse_compute(const std::string& name) {
  if (name == "auto") return Compute::kAuto;
  if (name == "f32") return Compute::kF32;
  if (name == "bf16") return Compute::kBF16;
  if (name == "int8") return Compute::kInt8;
  fail(ErrorCode::kUsage, "compute", "'{}'; expected auto, f32, bf16 or int8", name);
}

}  // namespace frugal
