#include "model/calls.h"

#include <algorithm>
#include <cstring>

namespace frugal {
namespace {

// Normalises (if asked) and prepares columns [first, last) of row r into its tile.
void prepare_row(const KernelTable& k, const Preparation& p, int rows, int r, int64_t first, int64_t last,
                 uint8_t* tiles, float* scratch) {
  const TileOf t{p.form, p.x.cols, rows};
  const float* x = p.x.row(r);
  if (p.norm) {
    const float factor = k.rms_factor(x, p.eps, p.x.cols);
    k.rms_apply(x + first, p.gain == nullptr ? nullptr : p.gain + first, factor, last - first, scratch + first);
    x = scratch;
  }
  k.prepare(p.form, x, p.x.cols, first, last, r % kTile, t.m(r / kTile), tiles + t.offset(r / kTile));
}

}  // namespace

void EmbedCall::run(const StepParams& step, Team team) const {
  const Batch& batch = *step.batch;
  for (int64_t r = team.first(step.rows()); r < team.last(step.rows()); ++r) {
    const int32_t id = batch.ids[static_cast<size_t>(r)];
    float* out = out_.row(r);
    if (id < 0)
      std::memcpy(out, batch.embeddings.data() + r * out_.cols, static_cast<size_t>(out_.cols) * sizeof(float));
    else
      table_.row(id, out);
    if (id >= 0 && scale_ != 1.0f) k_.scale(out, scale_, out_.cols, out);
  }
}

void AnglesCall::run(const StepParams& step, Team team) const {
  const int64_t first = team.first(step.rows()), n = team.last(step.rows()) - first;
  rope_angles(rope_, step.batch->positions.data() + first, static_cast<int>(n), cos_sin_ + first * rope_.dims());
}

void PrepareCall::run(const StepParams& step, Team team) const {
  const int rows = p_.x.count(step), tiles = (rows + kTile - 1) / kTile;
  const int64_t cols = p_.x.cols, groups = (cols + 31) / 32;
  const bool by_tile = tiles >= 2 * team.threads;
  const int64_t first_row = by_tile ? team.first(tiles) * kTile : 0,
                last_row = by_tile ? team.last(tiles) * kTile : rows;
  const int64_t first = by_tile ? 0 : team.first(groups) * 32,
                last = by_tile ? cols : std::min(cols, team.last(groups) * 32);
  for (int64_t r = first_row; r < std::min<int64_t>(rows, last_row); ++r)
    prepare_row(k_, p_, rows, static_cast<int>(r), first, last, tiles_, scratch_ + team.thread * cols);
}

LinearCall::LinearCall(const KernelTable& k, Preparation p, bool own, uint8_t* tiles, float* scratch,
                       std::vector<LinearTarget> targets)
    : k_(k), p_(p), own_(own), tiles_(tiles), scratch_(scratch), targets_(std::move(targets)) {
  for (const LinearTarget& t : targets_) panels_ += t.w->panels();
  name_ = targets_[0].out.wanted ? "head" : targets_[0].up != nullptr ? "gated linear" : "linear";
}

void LinearCall::run(const StepParams& step, Team team) const {
  const int rows = p_.x.count(step);
  uint8_t* tiles = tiles_;
  if (own_) {
    tiles += static_cast<size_t>(team.thread) * TileOf{p_.form, p_.x.cols, rows}.offset(1);
    for (int r = 0; r < rows; ++r)
      prepare_row(k_, p_, rows, r, 0, p_.x.cols, tiles, scratch_ + team.thread * p_.x.cols);
  }
  int64_t first = team.first(panels_), last = team.last(panels_);
  for (const LinearTarget& target : targets_) {
    const int64_t n = target.w->panels();
    if (first < n && last > 0)
      run_panels(k_, p_.form, target, tiles, rows, std::max<int64_t>(first, 0), std::min(last, n));
    first -= n;
    last -= n;
  }
}

// Groups of panels that stay in the first-level cache meet every tile before the next group.
void run_panels(const KernelTable& k, ActForm form, const LinearTarget& target, const uint8_t* tiles, int rows,
                int64_t first, int64_t last) {
  const TileOf t{form, target.w->cols, rows};
  const size_t bytes = target.w->panel_bytes * (target.up != nullptr ? 2 : 1);
  const int64_t group = t.tiles() == 1 ? last - first : std::max<int64_t>(1, static_cast<int64_t>((24 << 10) / bytes));
  for (int64_t p = first; p < last; p += group)
    for (int i = 0; i < t.tiles(); ++i) {
      float* out = target.out.row(i * kTile);
      const int64_t end = std::min(p + group, last);
      if (target.up != nullptr) {
        k.linear_gated(*target.w, *target.up, target.act, form, tiles + t.offset(i), t.m(i), p, end, out,
                       target.out.cols);
        continue;
      }
      const Epilogue e{target.bias, target.residual ? out : nullptr, 1.0f};
      k.linear(*target.w, form, tiles + t.offset(i), t.m(i), p, end, e, out, target.out.cols);
    }
}

const char* AttendCall::name() const {
  return phase_ == kWrite ? "attend write" : phase_ == kRead ? "attend read" : "attend merge";
}

void AttendCall::run(const StepParams& step, Team team) const {
  AttendStep s;
  s.seqs = step.batch->seqs;
  s.positions = step.batch->positions.data();
  s.cos_sin = cos_sin_;
  s.q = q_.data, s.k = k_.data, s.v = v_.data, s.out = out_.data;
  s.q_stride = q_.cols, s.k_stride = k_.cols, s.v_stride = v_.cols, s.out_stride = out_.cols;
  s.scratch = step.attend_scratch;
  if (phase_ == kWrite && step.tap != nullptr && team.thread == 0) (*step.tap)(spec_, s, step.rows());
  if (phase_ == kWrite) attend_write(*step.pool, spec_, s, team.thread, team.threads);
  if (phase_ == kRead) attend_read(*step.pool, spec_, s, team.thread, team.threads);
  if (phase_ == kMerge) attend_merge(*step.pool, spec_, s, team.thread, team.threads);
}

void RowCall::run(const StepParams& step, Team team) const {
  const int rows = a_.out.count(step);
  for (int64_t r = team.first(rows); r < team.last(rows); ++r) row(step, r);
}

void RowCall::row(const StepParams& step, int64_t r) const {
  const int64_t n = a_.out.cols;
  float* out = a_.out.row(r);
  if (a_.kind == kGather) {
    std::memcpy(out, a_.a.row(step.batch->logit_rows[static_cast<size_t>(r)]), static_cast<size_t>(n) * sizeof(float));
    return;
  }
  const float* a = a_.a.row(r);
  switch (a_.kind) {
    case kNorm: return k_.rms_norm(a, a_.gain, a_.value, n, out);
    case kHeadNorm:
      for (int64_t i = 0; i < n; i += a_.group) k_.rms_norm(a + i, a_.gain, a_.value, a_.group, out + i);
      return;
    case kGated: return k_.gated(a_.act, a, a_.b.row(r), n, out);
    case kAdd: return k_.add(a, a_.b.row(r), n, out);
    case kScale: return k_.scale(a, a_.value, n, out);
    case kSoftcap: return k_.softcap(a, a_.value, n, out);
    case kGather: return;
  }
}

}  // namespace frugal
