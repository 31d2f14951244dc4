// Min-p: a token stays in play when its probability is at least p times that of the most likely one.
//
// N. Minh et al., "Turning Up the Heat: Min-p Sampling for Creative and Coherent LLM Outputs", 2024 (section
// 3, the threshold p_base * p_max). In logits the rule is logit >= max + ln p, so no probability is computed.
// Cost: two scans.
#include <cmath>

#include "decode/sampler/stage.h"

namespace frugal {
namespace {

class MinP : public Cloneable<MinP> {
 public:
  explicit MinP(double p) : p_(p) {}
  void apply(Candidates& tokens) override {
    if (p_ > 0) tokens.keep_at_least(static_cast<float>(static_cast<double>(tokens.max()) + std::log(p_)));
  }

 private:
  double p_;
};

const Register<MakeStage> kMinP(
    {.kind = "sample",
     .role = "select",
     .name = "min_p",
     .title = "Turning Up the Heat: Min-p Sampling for Creative and Coherent LLM Outputs",
     .authors = "Minh et al.",
     .year = 2024,
     .arxiv = "2407.01082",
     .help = "keeps tokens at least p times as likely as the most likely one",
     .params = {ParamInfo::real("p", "share of the largest probability").preset("0.05").within(0, 1)}},
    [](const Args& a) { return std::make_unique<MinP>(a.real("p")); });

}  // namespace
}  // namespace frugal
