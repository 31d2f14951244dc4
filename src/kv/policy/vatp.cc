// VATP (Guo et al. 2024, arXiv 2406.12335): attention alone is not all; what a row adds to the output is its attention
// times its value.
//
// The score of the base policy is multiplied by the L1 norm of the row's value (equation 4). The first `sink` rows stay
// whatever their score: they draw much attention to values close to zero, and without them quality collapses
// (section 3.3). The base's score must grow with attention and not be negative: h2o's mass, or the queries that
// scissorhands did not find low.
//
// Costs a number for each row and one reading of each value.
#include "kv/policy/based.h"

namespace frugal {
namespace {

class Vatp : public BasedPolicy {
 public:
  explicit Vatp(const Args& a)
      : BasedPolicy(make_base(a, "scores", "a policy that scores rows by attention: h2o or scissorhands")),
        sink_(a.integer("sink")) {}
  PolicyNeeds needs() const override { return base_->needs() | PolicyNeeds{.value_norms = true}; }
  PolicySelection select(const PolicyRoom& room) const override {
    PolicySelection s = base_->select(room);
    s.first = std::max(s.first, sink_);
    return s;
  }
  void score(const PolicyRows& rows, std::span<float> out) const override {
    base_->score(rows, out);
    for (size_t i = 0; i < out.size(); ++i) out[i] *= rows.value_norm[i];
  }

 private:
  int64_t sink_;
};

const Register<MakePolicy> kVatp(
    {.kind = "kv",
     .role = "policy",
     .name = "vatp",
     .title =
         "Attention Score is not All You Need for Token Importance Indicator in KV Cache Reduction: Value Also Matters",
     .authors = "Guo et al.",
     .year = 2024,
     .arxiv = "2406.12335",
     .help = "weighs the scores of another policy by the size of the values; the first rows stay",
     .params = with_schedule(
         {ParamInfo::spec("base", "kv", "the policy whose scores are weighed: h2o or scissorhands").preset("h2o"),
          ParamInfo::budget("budget", "the base's budget").preset("20%"),
          ParamInfo::integer("sink", "first rows that stay whatever their score").preset("20").at_least(0)}),
     .abilities = {"evicts"}},
    [](const Args& a) { return std::make_unique<Vatp>(a); });

}  // namespace
}  // namespace frugal
