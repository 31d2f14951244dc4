// Scissorhands (Liu et al. 2023, arXiv 2305.17118): rows that lately stayed below average are dropped, many at once.
//
// Persistence of importance: a row that has received more attention than its share keeps receiving it. For each row a
// bit is kept for each of the last `history` queries: did it get less than 1 / (rows that the query saw)? When a head
// holds its budget, the rows with most such bits go until `drop` of the budget has gone (algorithm 2); the `recent`
// newest never do. Of equal ones the older goes.
//
//   rule=paper   counts low bits as they are: a row younger than the history has had fewer occasions
//   rule=rate    divides by the occasions, min(age, history): the reading of others who built it
//
// With grouped queries the mean of a group's probabilities is compared. Memory: history bits for each row, and a cache
// that saw-tooths between (1 - drop) and all of the budget.
#include "kv/policy/policy.h"

namespace frugal {
namespace {

class Scissorhands : public Policy {
 public:
  explicit Scissorhands(const Args& a)
      : schedule_(schedule_of(a)),
        budget_(a.budget("budget")),
        history_(static_cast<int>(a.integer("history"))),
        recent_(a.integer("recent")),
        drop_(a.real("drop")),
        by_rate_(a.text("rule") == "rate") {}
  PolicyNeeds needs() const override { return {.history = history_}; }
  KvSchedule schedule() const override { return schedule_; }
  PolicySelection select(const PolicyRoom& room) const override {
    const int64_t all = rows_of(budget_, room, kFewestRows),
                  dropped = static_cast<int64_t>(static_cast<double>(all) * drop_);
    return {all, std::max<int64_t>(1, all - dropped), 0, recent_};
  }
  void score(const PolicyRows& rows, std::span<float> out) const override {
    for (size_t i = 0; i < out.size(); ++i) {
      const int64_t occasions = std::min<int64_t>(rows.seen - rows.token[i], history_);
      out[i] = by_rate_ ? 1 - static_cast<float>(rows.low[i]) / static_cast<float>(occasions)
                        : static_cast<float>(history_ - rows.low[i]);
    }
  }

 private:
  KvSchedule schedule_;
  Budget budget_;
  int history_;
  int64_t recent_;
  double drop_;
  bool by_rate_;
};

const Register<MakePolicy> kScissorhands(
    {.kind = "kv",
     .role = "policy",
     .name = "scissorhands",
     .title =
         "Scissorhands: Exploiting the Persistence of Importance Hypothesis for LLM KV Cache Compression at Test Time",
     .authors = "Liu et al.",
     .year = 2023,
     .arxiv = "2305.17118",
     .help = "drops rows that lately received less attention than their share, many at once",
     .params = with_schedule(
         {ParamInfo::budget("budget", "rows of each head").preset("20%"),
          ParamInfo::integer("history", "queries that are remembered").preset("400").within(1, 4096),
          ParamInfo::integer("recent", "newest rows that never leave").preset("10").at_least(0),
          ParamInfo::real("drop", "part of the budget that leaves when it is full").preset("0.5").above(0, 1),
          ParamInfo::choice("rule", {"paper", "rate"}, "low attention counted, or by occasion").preset("paper")}),
     .abilities = {"evicts", "scores"}},
    [](const Args& a) { return std::make_unique<Scissorhands>(a); });

}  // namespace
}  // namespace frugal
