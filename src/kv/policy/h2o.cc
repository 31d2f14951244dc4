// H2O (Zhang et al. 2023, arXiv 2306.14048): heavy hitters and the newest rows.
//
// A row's score is the attention that it has received from all queries so far (section 4, algorithm 1), of each layer
// and key/value head by itself; of the rows that are not among the `recent` newest the `heavy` best stay. Prompts
// attend as they are and are cut once, at their end; then rows leave at events (every=1: after each token, as the paper
// has it). Rows keep their positions. With grouped queries the mean of a group's probabilities counts.
//
//   budget=20%      half heavy, half recent
//   score=mean      divides by the number of queries that saw the row: the plain sum favours old rows
//
// A share is taken of the tokens seen when the latest prompt ended. Costs a second sweep of the keys for each query,
// run for all queries since the last event at once, and a number for each row.
#include "base/error.h"
#include "kv/policy/policy.h"

namespace frugal {
namespace {

void check_parts(const Args& a) {
  if (a.given("heavy") != a.given("recent") || (a.given("heavy") && a.given("budget")))
    fail(ErrorCode::kUsage, "h2o",
         "found some of budget, heavy and recent, expected either budget or both heavy and recent");
  const Budget heavy = a.budget("heavy"), recent = a.budget("recent");
  if (heavy.kind == Budget::Kind::kPercent && recent.kind == Budget::Kind::kPercent &&
      heavy.amount + recent.amount > 100)
    fail(ErrorCode::kUsage, "h2o", "found heavy={:g}% and recent={:g}%, expected at most 100% together", heavy.amount,
         recent.amount);
}

class H2O : public Policy {
 public:
  explicit H2O(const Args& a)
      : schedule_(schedule_of(a)),
        budget_(a.budget("budget")),
        heavy_(a.budget("heavy")),
        recent_(a.budget("recent")),
        parts_(a.given("heavy")),
        mean_(a.text("score") == "mean") {
    check_parts(a);
  }
  PolicyNeeds needs() const override { return {.mass = true}; }
  KvSchedule schedule() const override { return schedule_; }
  PolicySelection select(const PolicyRoom& room) const override {
    const int64_t whole = rows_of(budget_, room, kFewestRows);
    const int64_t recent = parts_ ? rows_of(recent_, room, kFewestRows / 2) : whole - whole / 2;
    const int64_t all = parts_ ? recent + rows_of(heavy_, room, kFewestRows / 2) : whole;
    return {all, all, 0, recent};
  }
  void score(const PolicyRows& rows, std::span<float> out) const override {
    for (size_t i = 0; i < out.size(); ++i)
      out[i] = mean_ ? rows.mass[i] / static_cast<float>(rows.seen - rows.token[i]) : rows.mass[i];
  }

 private:
  KvSchedule schedule_;
  Budget budget_, heavy_, recent_;
  bool parts_, mean_;
};

const Register<MakePolicy> kH2O(
    {.kind = "kv",
     .role = "policy",
     .name = "h2o",
     .title = "H2O: Heavy-Hitter Oracle for Efficient Generative Inference of Large Language Models",
     .authors = "Zhang et al.",
     .year = 2023,
     .arxiv = "2306.14048",
     .help = "keeps the rows that have received most attention, and the newest",
     .params = with_schedule(
         {ParamInfo::budget("budget", "rows of each head, half heavy and half recent").preset("20%"),
          ParamInfo::budget("heavy", "in place of budget: rows kept for their attention").preset("10%"),
          ParamInfo::budget("recent", "in place of budget: newest rows").preset("10%"),
          ParamInfo::choice("score", {"sum", "mean"}, "attention received, or that by query").preset("sum")}),
     .abilities = {"evicts", "scores"}},
    [](const Args& a) { return std::make_unique<H2O>(a); });

}  // namespace
}  // namespace frugal
