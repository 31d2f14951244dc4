#include "model/aten/aten_ops.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/outer.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>

#include <limits>

#include "base/error.h"
#include "tensor/bridge.h"

namespace frugal {

const at::Tensor& AtenWeights::of(const Weight& weight) {
  at::Tensor& t = tensors_[&weight];
  if (!t.defined()) t = to_tensor(weight.source(), options_.dtype).set_requires_grad(options_.gradients);
  return t;
}

AtenOps::AtenOps(AtenWeights& weights, const Batch& batch) : weights_(weights), batch_(batch) {
  positions_ = to_tensor(std::span(batch.positions), {batch.rows()}).to(at::kDouble);
  for (const KvRows& share : batch.seqs)
    if (!share.parents.empty()) fail(ErrorCode::kUnsupported, "aten", "a batch with token trees, expected chains");
}

Val AtenOps::push(at::Tensor value) {
  values_.push_back(std::move(value));
  return static_cast<Val>(values_.size()) - 1;
}

Val AtenOps::embed(Weight& table, float scale) {
  const at::Tensor ids = to_tensor(std::span(batch_.ids), {batch_.rows()});
  at::Tensor x = at::embedding(weights_.of(table), ids.clamp_min(0)) * scale;
  if (!batch_.embeddings.empty()) {
    const at::Tensor given = to_tensor(std::span(batch_.embeddings), {batch_.rows(), table.cols()});
    x = at::where((ids < 0).unsqueeze(1), given.to(x.scalar_type()), x);
  }
  return push(x);
}

at::Tensor AtenOps::normalised(const at::Tensor& x, Weight* gain, float eps, bool plus_one) {
  at::Tensor y = x * (x.square().mean(-1, true) + eps).rsqrt();
  if (gain == nullptr) return y;
  const at::Tensor g = weights_.of(*gain).view(-1);
  return y * (plus_one ? g + 1 : g);
}

Val AtenOps::norm(Val x, Weight* gain, float eps, bool plus_one) {
  return push(normalised(tensor(x), gain, eps, plus_one));
}

Val AtenOps::head_norm(Val x, Weight* gain, float eps, bool plus_one) {
  return push(normalised(tensor(x).unflatten(1, {-1, gain->cols()}), gain, eps, plus_one).flatten(1));
}

Val AtenOps::linear(Val x, const Linear& w) {
  const at::Tensor bias = w.bias != nullptr ? weights_.of(*w.bias).view(-1) : at::Tensor();
  return push(at::linear(tensor(x), weights_.of(*w.weight), bias));
}

at::Tensor AtenOps::gated_of(Activation act, const at::Tensor& gate, const at::Tensor& up) const {
  if (act == Activation::kSilu) return at::silu(gate) * up;
  return at::gelu(gate, act == Activation::kGelu ? "none" : "tanh") * up;
}

Val AtenOps::gated(Activation act, Val gate, Val up) { return push(gated_of(act, tensor(gate), tensor(up))); }

// A stable sort, so that of equal scores the lower expert wins.
Val AtenOps::moe(const MoeArgs& args) {
  const auto [sorted, order] = tensor(args.scores).sort(true, 1, true);
  const at::Tensor chosen = order.narrow(1, 0, args.used), weight = sorted.narrow(1, 0, args.used).softmax(-1);
  const at::Tensor& x = tensor(args.x);
  at::Tensor y = at::zeros(x.sizes(), x.options());
  for (size_t e = 0; e < args.experts.size(); ++e) {
    const MoeArgs::Expert& w = args.experts[e];
    const std::vector<at::Tensor> at =
        at::where(chosen == static_cast<int64_t>(e));  // rows that use it, and where among theirs
    const at::Tensor rows = x.index_select(0, at[0]);
    const at::Tensor hidden = gated_of(args.act, at::linear(rows, weights_.of(*w.gate->weight)),
                                       at::linear(rows, weights_.of(*w.up->weight)));
    const at::Tensor out = at::linear(hidden, weights_.of(*w.down->weight));
    y = y.index_add(0, at[0], out * weight.index({at[0], at[1]}).unsqueeze(1));
  }
  return push(y);
}

Val AtenOps::add(Val a, Val b) { return push(tensor(a) + tensor(b)); }
Val AtenOps::scale(Val x, float s) { return push(tensor(x) * s); }
Val AtenOps::softcap(Val x, float cap) { return push((tensor(x) / cap).tanh() * cap); }

Val AtenOps::wanted_rows(Val x) {
  const std::vector<int32_t> rows(batch_.logit_rows.begin(), batch_.logit_rows.end());
  return push(tensor(x).index_select(0, to_tensor(std::span(rows), {static_cast<int64_t>(rows.size())})));
}

// --- attention
// ----------------------------------------------------------------------------------------------------

at::Tensor AtenOps::turned(const at::Tensor& heads, const RopeTable* rope) const {
  if (rope == nullptr) return heads;
  const int64_t pairs = rope->dims() / 2;
  const at::Tensor angles = at::outer(positions_, to_tensor(std::span(rope->inv_freq), {pairs})).unsqueeze(1);
  const double factor = static_cast<double>(rope->attention_factor);
  const at::Tensor c = (angles.cos() * factor).to(heads.scalar_type()),
                   s = (angles.sin() * factor).to(heads.scalar_type());
  const int64_t step = rope->interleaved ? 2 : 1, gap = rope->interleaved ? 1 : pairs;
  const at::Tensor x = heads.slice(2, 0, step * (pairs - 1) + 1, step),
                   y = heads.slice(2, gap, gap + step * (pairs - 1) + 1, step);
  const at::Tensor a = x * c - y * s, b = x * s + y * c;
  const at::Tensor turned = rope->interleaved ? at::stack({a, b}, 3).flatten(2) : at::cat({a, b}, 2);
  return at::cat({turned, heads.slice(2, 2 * pairs)}, 2);
}

// What is added to the scores of a share: -inf where a row may not look, and the slopes. (H x) T x T
at::Tensor AtenOps::score_bias(const KvRows& share, const AttendSpec& spec) const {
  const at::Tensor index = at::arange(share.rows);
  const at::Tensor distance = index.unsqueeze(1) - index;  // from a query (row) back to a key (column)
  at::Tensor hidden = distance < 0;
  if (spec.window > 0) hidden = hidden | (distance >= spec.window);
  at::Tensor bias = at::zeros({share.rows, share.rows}, weights_.options().dtype)
                        .masked_fill(hidden, -std::numeric_limits<double>::infinity());
  if (spec.alibi_slopes == nullptr) return bias;
  const at::Tensor slopes =
      to_tensor(std::span(spec.alibi_slopes, static_cast<size_t>(spec.heads)), {spec.heads, 1, 1});
  const at::Tensor place = positions_.narrow(0, share.first, share.rows);
  return bias + (slopes * (place - place.unsqueeze(1))).to(bias.scalar_type());
}

at::Tensor AtenOps::attend_share(const KvRows& share, const AttendSpec& spec, const at::Tensor& q,
                                 const KeysValues& kv) const {
  const int64_t groups = kv.k.size(1);
  const at::Tensor qs = q.narrow(0, share.first, share.rows).unflatten(1, {groups, -1}).permute({1, 2, 0, 3});
  const at::Tensor ks = kv.k.narrow(0, share.first, share.rows).permute({1, 2, 0}).unsqueeze(1);
  const at::Tensor vs = kv.v.narrow(0, share.first, share.rows).transpose(0, 1).unsqueeze(1);
  at::Tensor scores = qs.matmul(ks).flatten(0, 1) * spec.scale;  // H x T x T
  if (spec.softcap > 0) scores = (scores / spec.softcap).tanh() * spec.softcap;
  const at::Tensor weights = (scores + score_bias(share, spec)).softmax(-1).unflatten(0, {groups, -1});
  return weights.matmul(vs).permute({2, 0, 1, 3}).flatten(1);
}

Val AtenOps::attend(const AttendArgs& args) {
  const AttendSpec& spec = args.spec;
  const at::Tensor q = turned(tensor(args.q).unflatten(1, {spec.heads, -1}), spec.rope);
  if (args.k >= 0) {
    const at::Tensor k = tensor(args.k).unflatten(1, {-1, q.size(2)});
    written_[spec.layer] = {turned(k, spec.rope), tensor(args.v).unflatten(1, {k.size(1), -1})};
  }
  auto kv = written_.find(spec.layer);
  if (kv == written_.end())
    fail(ErrorCode::kUsage, "aten", "attention reads layer {}, which nothing has written", spec.layer);
  std::vector<at::Tensor> shares;
  for (const KvRows& share : batch_.seqs) shares.push_back(attend_share(share, spec, q, kv->second));
  return push(at::cat(shares, 0));
}

}  // namespace frugal
