// Writes a family's forward down as a graph, fuses, and lowers it to a Program.
//
// Fusions: norm into the preparation of the projections that read it; projections of one input into one call; the
// residual sum into the projection before it; gate and up projection with their activation into one call. Buffers are
// reused as soon as nothing later reads them.
#pragma once

#include <map>

#include "model/moe.h"
#include "model/ops.h"

namespace frugal {

// Form of activations (--compute): kAuto takes each weight's natural form, kF32 dequantises and multiplies in float.
enum class Compute : uint8_t { kAuto, kF32, kBF16, kInt8 };

struct RecordOptions {
  int max_rows = 1, max_wanted = 1;
  Compute compute = Compute::kAuto;
  const KernelTable* table = nullptr;
  ThreadTeam* team = nullptr;  // packs weights; its size is the Program's
};

class Recorder : public Ops {
 public:
  explicit Recorder(const RecordOptions& options) : o_(options) {}

  Val embed(Weight& table, float scale) override;
  Val norm(Val x, Weight* gain, float eps, bool plus_one) override;
  Val head_norm(Val x, Weight* gain, float eps, bool plus_one) override;
  Val linear(Val x, const Linear& w) override;
  Val attend(const AttendArgs& args) override;
  Val gated(Activation act, Val gate, Val up) override;
  Val moe(const MoeArgs& args) override;
  Val add(Val a, Val b) override;
  Val scale(Val x, float s) override;
  Val softcap(Val x, float cap) override;
  Val wanted_rows(Val x) override;

  // The Program that computes logits; the Recorder is used up.
  std::unique_ptr<Program> finish(Val logits);

 private:
  enum class Kind { kEmbed, kNorm, kHeadNorm, kLinear, kAttend, kGated, kMoe, kAdd, kScale, kSoftcap, kWanted };
  struct Node {
    Kind kind;
    std::vector<Val> in = {};
    int64_t cols = 0;
    bool wanted = false;
    float value = 0;
    bool plus_one = false;
    Weight* weight = nullptr;
    Weight* bias = nullptr;
    Activation act = Activation::kSilu;
    AttendSpec attend = {};
    MoeArgs moe = {};
    bool done = false;  // emitted, or folded into another call
    Val last_use = 0;   // the last node that reads it, through folded norms
    int buffer = -1;
  };

  Val push(Node node);
  void analyse(Val logits);
  bool norm_is_folded(const Node& n) const;
  Val sole_user(Val x, Kind kind) const;  // -1 when x is read by anything else
  void emit(Val v);
  void emit_linears(Val first);
  LinearTarget target_of(Val v, Val at);
  bool fold_residual(Val linear, Val at, Val input, LinearTarget& target);
  void emit_attend(Val v);
  void emit_rows(Val v, RowCall::Args args);
  void emit_moe(Val v);
  std::vector<LinearTarget> expert_targets(const MoeArgs& moe, bool down, Rows out);
  template <typename C, typename... Args>
  void call(Args&&... args) {
    program_->calls_.push_back(std::make_unique<C>(std::forward<Args>(args)...));
  }
  Preparation preparation(Val x, ActForm form);
  ActForm form_of(const Weight& w) const;
  const PackedMatrix* packed(Weight& w);
  const float* gain_of(const Node& node);
  Rows rows_of(Val v);  // assigns a buffer when v has none yet
  void release_before(Val v);
  const float* angles_of(const RopeTable* rope);
  uint8_t* keep(size_t bytes);
  int capacity(const Node& n) const { return n.wanted ? o_.max_wanted : o_.max_rows; }

  RecordOptions o_;
  std::vector<Node> nodes_;
  std::unique_ptr<Program> program_;
  struct Buffer {
    float* data;
    int64_t cols;
    bool wanted;
    Val owner;  // -1: free
  };
  std::vector<Buffer> buffers_;
  std::map<const RopeTable*, const float*> angles_;
  std::vector<std::vector<Val>> users_;
  // Working space of a mixture of experts, shared by layers of the same shape.
  struct MoeSpace {
    int64_t width = 0, ff_width = 0;
    Routing routing;
    Rows hidden, out;  // by place
    uint8_t* tiles = nullptr;
  };
  const MoeSpace& moe_space(const MoeArgs& moe, int64_t width);
  MoeSpace moe_space_;

  uint8_t* tiles_ = nullptr;  // prepared activations of the call at work
  float* scratch_ = nullptr;  // threads x widest row
};

}  // namespace frugal
