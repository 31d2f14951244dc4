// A policy that changes one thing of another one, its base.
#pragma once

#include "kv/policy/policy.h"

namespace frugal {

class BasedPolicy : public Policy {
 public:
  explicit BasedPolicy(std::unique_ptr<Policy> base) : base_(std::move(base)) {}
  PolicyNeeds needs() const override { return base_->needs(); }
  KvSchedule schedule() const override { return base_->schedule(); }
  PolicySelection select(const PolicyRoom& room) const override { return base_->select(room); }
  void score(const PolicyRows& rows, std::span<float> out) const override { base_->score(rows, out); }
  bool counts_in_cache() const override { return base_->counts_in_cache(); }
  int merge_targets() const override { return base_->merge_targets(); }
  bool merges(const PolicyRows& rows, size_t leaving, std::span<const size_t> targets) const override {
    return base_->merges(rows, leaving, targets);
  }

 protected:
  std::unique_ptr<Policy> base_;
};

// Makes the unit in parameter `base`, which must be a policy with the ability; `budget`, `every` and `chunk`,
// where they are given, become the base's own. Throws Error(kUsage).
std::unique_ptr<Policy> make_base(const Args& args, const char* ability, const char* why);

}  // namespace frugal
