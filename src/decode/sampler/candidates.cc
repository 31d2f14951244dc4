#include "decode/sampler/candidates.h"

#include <array>
#include <cassert>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "ops/kernels.h"

namespace frugal {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr size_t kBlock = 256;
constexpr size_t kLanes = 16;

// The largest of kBlock floats, NaN left out. A fixed number of lanes, so that the compiler uses vectors.
float block_max(const float* x) {
  std::array<float, kLanes> top;
  top.fill(-kInfinity);
  for (size_t i = 0; i < kBlock; i += kLanes)
    for (size_t j = 0; j < kLanes; ++j) top[j] = x[i + j] > top[j] ? x[i + j] : top[j];
  return *std::max_element(top.begin(), top.end());
}

// Calls visit(begin, end) for the ranges of x that may hold a value above (or, with `equal`, at) threshold();
// what visit finds may raise the threshold.
template <typename Threshold, typename Visit>
void scan(std::span<const float> x, bool equal, Threshold threshold, Visit visit) {
  size_t i = 0;
  for (; i + kBlock <= x.size(); i += kBlock) {
    const float top = block_max(x.data() + i);
    if (top > threshold() || (equal && top == threshold())) visit(i, i + kBlock);
  }
  if (i < x.size()) visit(i, x.size());
}

bool holds_nan(std::span<const float> x) {
  std::array<int, kLanes> bad{};
  size_t i = 0;
  for (; i + kLanes <= x.size(); i += kLanes)
    for (size_t j = 0; j < kLanes; ++j) bad[j] |= x[i + j] != x[i + j];
  for (; i < x.size(); ++i) bad[0] |= x[i] != x[i];
  return std::any_of(bad.begin(), bad.end(), [](int b) { return b != 0; });
}

void keep_top_of_list(std::vector<Candidate>& list, size_t k) {
  const auto middle = list.begin() + static_cast<ptrdiff_t>(std::min(k, list.size()));
  std::partial_sort(list.begin(), middle, list.end(), likelier);
  list.erase(middle, list.end());
}

}  // namespace

int32_t argmax(std::span<const float> logits) {
  float best = -kInfinity;
  int32_t id = -1;
  scan(
      logits, false, [&] { return best; },
      [&](size_t begin, size_t end) {
        for (size_t i = begin; i < end; ++i)
          if (logits[i] > best) best = logits[i], id = static_cast<int32_t>(i);
      });
  return id;
}

void Candidates::load(std::span<const float> logits) {
  if (holds_nan(logits))
    fail(ErrorCode::kBadInput, "sample", "found logits that are not numbers (NaN), expected finite ones");
  logits_.assign(logits.begin(), logits.end());
  dense_ = true;
  if (max() == kInfinity) fail(ErrorCode::kBadInput, "sample", "found an infinite logit, expected finite ones");
}

std::vector<Candidate>& Candidates::list() {
  if (dense_) {
    list_.resize(logits_.size());
    for (size_t i = 0; i < logits_.size(); ++i) list_[i] = {static_cast<int32_t>(i), logits_[i]};
    dense_ = false;
  }
  return list_;
}

float Candidates::max() const {
  float top = -kInfinity;
  if (!dense_) {
    for (const Candidate& c : list_) top = std::max(top, c.logit);
    return top;
  }
  const int32_t id = argmax(logits_);
  return id < 0 ? top : logits_[static_cast<size_t>(id)];
}

double Candidates::log_mass() const {
  double mass = 0;
  if (dense_) {
    mass = logits_.empty() ? -HUGE_VAL : kernels().log_sum_exp(logits_.data(), static_cast<int64_t>(logits_.size()));
  } else {
    const double top = static_cast<double>(max());
    for (const Candidate& c : list_) mass += std::exp(static_cast<double>(c.logit) - top);
    mass = top + std::log(mass);
  }
  if (!std::isfinite(mass)) fail(ErrorCode::kUsage, "sample", "found every token ruled out, expected one to be left");
  return mass;
}

void Candidates::scale(float factor) {
  if (dense_) {
    for (float& logit : logits_) logit *= factor;
  } else {
    for (Candidate& c : list_) c.logit *= factor;
  }
}

void Candidates::keep_top(size_t k) {
  if (!dense_) return keep_top_of_list(list_, k);
  if (k >= logits_.size()) return keep_top_of_list(list(), k);
  assert(k > 0);
  list_.clear();  // a heap with the least likely on top; ids ascend, so an equal of the top never enters
  auto threshold = [&] { return list_.size() < k ? -kInfinity : list_.front().logit; };
  scan(logits_, true, threshold, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      if (list_.size() == k && !(logits_[i] > list_.front().logit)) continue;
      if (list_.size() == k) std::pop_heap(list_.begin(), list_.end(), likelier), list_.pop_back();
      list_.push_back({static_cast<int32_t>(i), logits_[i]});
      std::push_heap(list_.begin(), list_.end(), likelier);
    }
  });
  std::sort_heap(list_.begin(), list_.end(), likelier);
  dense_ = false;
}

void Candidates::keep_at_least(float threshold) {
  if (!dense_) {
    std::erase_if(list_, [&](const Candidate& c) { return c.logit < threshold; });
    return;
  }
  list_.clear();
  scan(
      logits_, true, [&] { return threshold; },
      [&](size_t begin, size_t end) {
        for (size_t i = begin; i < end; ++i)
          if (logits_[i] >= threshold) list_.push_back({static_cast<int32_t>(i), logits_[i]});
      });
  dense_ = false;
}

}  // namespace frugal
