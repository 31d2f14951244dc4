// What a sampler's stages work on: the tokens still in play and their logits.
//
// At first every token is in play and the logits lie dense, by id; the first stage that selects turns them
// into a list. Most vocabularies are large (128k) and most lists short, so selecting scans blocks of the
// dense logits and looks inside a block only when its largest value is above the threshold: tens of
// microseconds for 128k. All memory is kept for the next step.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace frugal {

struct Candidate {
  int32_t id = 0;
  float logit = 0;
};

// More likely first; of equals the lower id.
inline bool likelier(const Candidate& a, const Candidate& b) {
  return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
}

// The id of the largest logit, the lowest one on ties. NaN never wins; -1 when nothing is above -inf.
int32_t argmax(std::span<const float> logits);

class Candidates {
 public:
  // logits: V floats by id. Throws Error(kBadInput) when one of them is NaN or +inf.
  void load(std::span<const float> logits);

  bool dense() const { return dense_; }  // every id in play, in order
  size_t size() const { return dense_ ? logits_.size() : list_.size(); }
  std::span<const float> logits() const { return logits_; }  // while dense
  std::vector<Candidate>& list();                            // becomes a list when it was dense

  float max() const;
  // log of the sum of e^logit, in double: log p = logit - log_mass. Throws Error(kUsage) when no token is
  // left.
  double log_mass() const;

  void scale(float factor);
  void keep_top(size_t k);              // the k likeliest, most likely first
  void keep_at_least(float threshold);  // those whose logit is >= threshold, in no order

  // logit = change(logit, x) for each {id, x} that is in play; changes must be sorted by id.
  template <typename X, typename Change>
  void edit(const std::vector<std::pair<int32_t, X>>& changes, Change change);

 private:
  bool dense_ = true;
  std::vector<float> logits_;
  std::vector<Candidate> list_;
};

template <typename X, typename Change>
void Candidates::edit(const std::vector<std::pair<int32_t, X>>& changes, Change change) {
  if (dense_) {
    for (const auto& [id, x] : changes)
      if (id >= 0 && static_cast<size_t>(id) < logits_.size()) {
        float& logit = logits_[static_cast<size_t>(id)];
        logit = change(logit, x);
      }
    return;
  }
  for (Candidate& c : list_) {
    const auto at = std::lower_bound(changes.begin(), changes.end(), c.id,
                                     [](const auto& entry, int32_t id) { return entry.first < id; });
    if (at != changes.end() && at->first == c.id) c.logit = change(c.logit, at->second);
  }
}

}  // namespace frugal
