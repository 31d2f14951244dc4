// Ops executed at once on LibTorch's tensors: the same families with autograd, for training, and the oracle
// that the kernels' tests compare with.
//
// It has no cache and makes no row promise: each share of the batch is a whole sequence that attends causally
// within itself. Attention is written out (scores, mask, softmax) so that a softcap, slopes, windows and
// float64 all work and have gradients; its memory grows with the square of the longest share. Angles are
// taken in double.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <unordered_map>

#include "model/batch.h"
#include "model/ops.h"

namespace frugal {

struct AtenOptions {
  at::ScalarType dtype = at::kFloat;  // or kDouble; of weights and activations
  bool gradients = false;             // weights are leaves that collect gradients
};

// Weights as rows x cols tensors, dequantised on first use and kept from one forward to the next. A later
// Weight::replace is not seen: make a new object then. Weights must outlive it.
class AtenWeights {
 public:
  explicit AtenWeights(const AtenOptions& options = {}) : options_(options) {}
  const at::Tensor& of(const Weight& weight);
  // Every weight used so far.
  const std::unordered_map<const Weight*, at::Tensor>& all() const { return tensors_; }
  const AtenOptions& options() const { return options_; }

 private:
  AtenOptions options_;
  std::unordered_map<const Weight*, at::Tensor> tensors_;
};

// One forward over one batch (KvRows::seq is not read; trees are refused with an Error). Both must outlive
// it.
class AtenOps : public Ops {
 public:
  AtenOps(AtenWeights& weights, const Batch& batch);

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

  // Any activation; of what Model::build returns: wanted rows x vocab.
  const at::Tensor& tensor(Val v) const { return values_[static_cast<size_t>(v)]; }
  const at::Tensor& logits(Val v) const { return tensor(v); }

 private:
  struct KeysValues {
    at::Tensor k, v;  // rows x G x width, keys turned to their positions
  };

  Val push(at::Tensor value);
  at::Tensor gated_of(Activation act, const at::Tensor& gate, const at::Tensor& up) const;
  at::Tensor normalised(const at::Tensor& x, Weight* gain, float eps, bool plus_one);
  at::Tensor turned(const at::Tensor& heads, const RopeTable* rope) const;  // rows x heads x width
  at::Tensor attend_share(const KvRows& share, const AttendSpec& spec, const at::Tensor& q, const KeysValues& kv) const;
  at::Tensor score_bias(const KvRows& share, const AttendSpec& spec) const;

  AtenWeights& weights_;
  const Batch& batch_;
  at::Tensor positions_;  // by row, double
  std::vector<at::Tensor> values_;
  std::map<int, KeysValues> written_;  // by layer
};

}  // namespace frugal
