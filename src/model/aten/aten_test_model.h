// What the tests of AtenOps share: a batch without a cache, and the likelihoods of its tokens.
#pragma once

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/item.h>

#include <numeric>

#include "model/aten/aten_ops.h"
#include "model/model.h"
#include "tensor/bridge.h"

namespace frugal {

// Whole sequences packed one behind the other, every row wanted.
inline Batch whole_batch(const std::vector<std::vector<int32_t>>& sequences) {
  Batch b;
  for (const auto& ids : sequences) {
    b.seqs.push_back({nullptr, b.rows(), static_cast<int>(ids.size())});
    b.ids.insert(b.ids.end(), ids.begin(), ids.end());
    for (size_t i = 0; i < ids.size(); ++i) b.positions.push_back(static_cast<int32_t>(i));
  }
  b.logit_rows.resize(b.ids.size());
  std::iota(b.logit_rows.begin(), b.logit_rows.end(), 0);
  return b;
}

inline at::Tensor logits_of(Model& model, AtenWeights& weights, const Batch& batch) {
  at::set_num_threads(1);  // tiny tensors: LibTorch's team would only wait for itself
  AtenOps ops(weights, batch);
  return ops.logits(model.build(ops));
}

// Negative log-likelihood of each id after the first.
inline at::Tensor nlls_of(const at::Tensor& logits, const std::vector<int32_t>& ids) {
  const int64_t n = static_cast<int64_t>(ids.size()) - 1;
  const at::Tensor targets = to_tensor(std::span(ids).subspan(1), {n}).to(at::kLong);
  return at::cross_entropy_loss(logits.narrow(0, 0, n), targets, {}, at::Reduction::None);
}

}  // namespace frugal
