// The calls that a Recorder puts into a Program. Each works on its thread's share and says what it reads and writes.
#pragma once

#include <atomic>
#include <optional>

#include "model/program.h"

namespace frugal {

// A buffer of rows. wanted: it holds only the rows whose logits were asked for.
struct Rows {
  float* data = nullptr;
  int64_t cols = 0;
  bool wanted = false;
  int count(const StepParams& step) const { return wanted ? step.wanted() : step.rows(); }
  float* row(int64_t r) const { return data + r * cols; }
};

// How a linear's input becomes prepared tiles: normalised first or not, in which form.
struct Preparation {
  Rows x;
  bool norm = false;
  const float* gain = nullptr;
  float eps = 0;
  ActForm form = ActForm::kF32;
};

struct LinearTarget {
  const PackedMatrix* w = nullptr;
  const PackedMatrix* up = nullptr;  // gated with w
  Activation act = Activation::kSilu;
  const float* bias = nullptr;
  bool residual = false;  // out += result
  Rows out;
};

// Panels [first, last) of target for rows that lie prepared in tiles; target.out begins at the first of them.
void run_panels(const KernelTable& k, ActForm form, const LinearTarget& target, const uint8_t* tiles, int rows,
                int64_t first, int64_t last);

class EmbedCall : public Call {
 public:
  EmbedCall(const KernelTable& k, const Weight& table, float scale, Rows out)
      : k_(k), table_(table), scale_(scale), out_(out) {}
  void run(const StepParams& step, Team team) const override;
  const char* name() const override { return "embed"; }

 private:
  const KernelTable& k_;
  const Weight& table_;
  float scale_;
  Rows out_;
};

// cos and sin of every row's position, once for each rope table of the model.
class AnglesCall : public Call {
 public:
  AnglesCall(const RopeTable& rope, float* cos_sin) : rope_(rope), cos_sin_(cos_sin) {}
  void run(const StepParams& step, Team team) const override;
  const char* name() const override { return "angles"; }

 private:
  const RopeTable& rope_;
  float* cos_sin_;
};

// Prepares the rows into shared tiles. The team's members share the tiles, or where there are few of them the columns:
// in neither case do two of them write to one cache line, and of columns each reads about what it wrote itself before.
class PrepareCall : public Call {
 public:
  PrepareCall(const KernelTable& k, Preparation p, uint8_t* tiles, float* scratch)
      : k_(k), p_(p), tiles_(tiles), scratch_(scratch) {}
  void run(const StepParams& step, Team team) const override;
  const char* name() const override { return "prepare"; }

 private:
  const KernelTable& k_;
  Preparation p_;
  uint8_t* tiles_;
  float* scratch_;  // threads x cols
};

// One or more projections of the same input. own: every thread prepares the few rows for itself, saving a barrier.
class LinearCall : public Call {
 public:
  LinearCall(const KernelTable& k, Preparation p, bool own, uint8_t* tiles, float* scratch,
             std::vector<LinearTarget> targets);
  void run(const StepParams& step, Team team) const override;
  const char* name() const override { return name_; }

 private:
  const KernelTable& k_;
  Preparation p_;
  bool own_;
  uint8_t* tiles_;
  float* scratch_;
  std::vector<LinearTarget> targets_;
  int64_t panels_ = 0;
  const char* name_;
};

class AttendCall : public Call {
 public:
  enum Phase { kWrite, kRead, kMerge };
  AttendCall(Phase phase, AttendSpec spec, Rows q, Rows k, Rows v, const float* cos_sin, Rows out)
      : phase_(phase), spec_(spec), q_(q), k_(k), v_(v), cos_sin_(cos_sin), out_(out) {}
  void run(const StepParams& step, Team team) const override;
  const char* name() const override;

 private:
  Phase phase_;
  AttendSpec spec_;
  Rows q_, k_, v_;
  const float* cos_sin_;
  Rows out_;
};

// Everything that maps rows to rows without a matrix.
class RowCall : public Call {
 public:
  enum Kind { kNorm, kHeadNorm, kGated, kAdd, kScale, kSoftcap, kGather };
  struct Args {
    Kind kind;
    Rows a = {}, b = {}, out = {};
    const float* gain = nullptr;
    int64_t group = 0;  // kHeadNorm: head size
    float value = 0;    // eps, factor or cap
    Activation act = Activation::kSilu;
  };
  RowCall(const KernelTable& k, Args args) : k_(k), a_(args) {}
  void run(const StepParams& step, Team team) const override;
  const char* name() const override { return "rows"; }

 private:
  void row(const StepParams& step, int64_t r) const;
  const KernelTable& k_;
  Args a_;
};

// Tiles of kTile rows behind one another: where tile i of rows begins, and how many rows it has.
struct TileOf {
  ActForm form;
  int64_t cols;
  int rows;
  int tiles() const { return (rows + kTile - 1) / kTile; }
  int m(int tile) const { return std::min(kTile, rows - tile * kTile); }
  size_t offset(int tile) const { return static_cast<size_t>(tile) * act_tile_bytes(form, cols, kTile); }
};

}  // namespace frugal
