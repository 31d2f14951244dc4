// The control of every policy that scores rows: half of the budget are the newest rows, as in h2o, and the other half
// are drawn at random, by a number that belongs to the row (seed, layer, head, token), so that a run repeats.
#include "base/rng.h"
#include "kv/policy/policy.h"

namespace frugal {
namespace {

class Random : public Policy {
 public:
  explicit Random(const Args& a)
      : schedule_(schedule_of(a)), budget_(a.budget("budget")), seed_(static_cast<uint64_t>(a.integer("seed"))) {}
  KvSchedule schedule() const override { return schedule_; }
  PolicySelection select(const PolicyRoom& room) const override {
    const int64_t rows = rows_of(budget_, room, kFewestRows);
    return {rows, rows, 0, rows - rows / 2};
  }
  void score(const PolicyRows& rows, std::span<float> out) const override {
    for (size_t i = 0; i < out.size(); ++i) {
      const auto bits = philox4x32_10({static_cast<uint32_t>(rows.token[i]), static_cast<uint32_t>(Purpose::kCache),
                                       static_cast<uint32_t>(rows.layer), static_cast<uint32_t>(rows.head)},
                                      {static_cast<uint32_t>(seed_), static_cast<uint32_t>(seed_ >> 32)});
      out[i] = static_cast<float>(bits[0] >> 8);
    }
  }

 private:
  KvSchedule schedule_;
  Budget budget_;
  uint64_t seed_;
};

const Register<MakePolicy> kRandom(
    {.kind = "kv",
     .role = "policy",
     .name = "random",
     .help = "the newest rows and as many drawn at random: the control of every policy that scores",
     .params = with_schedule({ParamInfo::budget("budget", "rows of each head").preset("20%"),
                              ParamInfo::integer("seed", "of the draw").preset("0").at_least(0)}),
     .abilities = {"evicts"}},
    [](const Args& a) { return std::make_unique<Random>(a); });

}  // namespace
}  // namespace frugal
