// CaM (Zhang et al., ICML 2024): a value that leaves the cache is not thrown away but shared out among the rows behind
// it.
//
// The base policy says which row i leaves. With W the m kept rows that follow it and A the attention that rows received
// from all queries since the prompt, summed,
//
//   p = clamp(A_i / mean over W of A_j, 0, 1),   M ~ Bernoulli(p),   v_j += M v_i / m for all j in W,
//
// so that what the next queries get is what it would have been, in expectation (section 4). Keys are dropped. One draw
// for each layer, key/value head and leaving token, by a number that belongs to them, so that a run repeats. Of the
// official variants this is the accumulated one, with the mean over the m targets. Only in decoding: what a prompt's
// end takes out goes. Where fewer than m kept rows follow, they share it.
//
// A merge adds to a value that is stored, so values must be floats.
#include "base/error.h"
#include "base/rng.h"
#include "kv/policy/based.h"

namespace frugal {
namespace {

class CaM : public BasedPolicy {
 public:
  explicit CaM(const Args& a)
      : BasedPolicy(make_base(a, "evicts", "a policy by which rows leave, such as h2o or streaming")),
        targets_(static_cast<int>(a.integer("m"))),
        seed_(static_cast<uint64_t>(a.integer("seed"))) {
    if (base_->merge_targets() > 0)
      fail(ErrorCode::kUsage, "cam", "found base=cam, expected a policy that does not merge: one merger only");
  }
  PolicyNeeds needs() const override { return base_->needs() | PolicyNeeds{.decode_mass = true}; }
  int merge_targets() const override { return targets_; }
  bool merges(const PolicyRows& rows, size_t leaving, std::span<const size_t> targets) const override {
    double mean = 0;
    for (size_t j : targets) mean += static_cast<double>(rows.decode_mass[j]) / static_cast<double>(targets.size());
    const double ratio = static_cast<double>(rows.decode_mass[leaving]) / mean;  // 0 / 0: never merged
    return draw(rows, leaving) < (mean > 0 ? ratio : 0.0);
  }

 private:
  double draw(const PolicyRows& rows, size_t i) const {
    const auto bits = philox4x32_10({static_cast<uint32_t>(rows.token[i]), static_cast<uint32_t>(Purpose::kCache),
                                     static_cast<uint32_t>(rows.layer), static_cast<uint32_t>(rows.head)},
                                    {static_cast<uint32_t>(seed_), static_cast<uint32_t>(seed_ >> 32)});
    return static_cast<double>(bits[1]) * 0x1p-32;
  }
  int targets_;
  uint64_t seed_;
};

const Register<MakePolicy> kCaM(
    {.kind = "kv",
     .role = "policy",
     .name = "cam",
     .title = "CaM: Cache Merging for Memory-efficient LLMs Inference",
     .authors = "Zhang et al.",
     .year = 2024,
     .help = "what another policy drops is merged into the values of the kept rows behind it",
     .params =
         with_schedule({ParamInfo::spec("base", "kv", "the policy by which rows leave").preset("h2o"),
                        ParamInfo::budget("budget", "the base's budget, where it has one").preset("20%"),
                        ParamInfo::integer("m", "kept rows that share a leaving value").preset("32").within(1, 4096),
                        ParamInfo::integer("seed", "of the draws").preset("0").at_least(0)}),
     .abilities = {"evicts", "merges"}},
    [](const Args& a) { return std::make_unique<CaM>(a); });

}  // namespace
}  // namespace frugal
