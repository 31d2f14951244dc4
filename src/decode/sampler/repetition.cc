// Repetition penalty: tokens that occurred already become less likely, once, however often they occurred.
//
// N. Keskar et al., "CTRL: A Conditional Transformer Language Model for Controllable Generation", 2019
// (section 4.1) divides such logits by theta. As everywhere else a negative logit is multiplied, since
// dividing would raise it. The prompt counts, and all of it unless a window is given. Put it before temp: it
// depends on the logits' sign and size.
#include "decode/sampler/stage.h"
#include "decode/sampler/token_memory.h"

namespace frugal {
namespace {

class Repetition : public Cloneable<Repetition> {
 public:
  explicit Repetition(const Args& a) : memory_(a), penalty_(static_cast<float>(a.real("penalty"))) {}
  void reset(std::span<const int32_t> prompt) override { memory_.reset(prompt); }
  void advance(int32_t token) override { memory_.advance(token); }
  void apply(Candidates& tokens) override {
    tokens.edit(memory_.counts(),
                [&](float logit, int32_t) { return logit > 0 ? logit / penalty_ : logit * penalty_; });
  }

 private:
  TokenMemory memory_;
  float penalty_;
};

const Register<MakeStage> kRepetition(
    {.kind = "sample",
     .role = "logits",
     .name = "repetition",
     .title = "CTRL: A Conditional Transformer Language Model for Controllable Generation",
     .authors = "Keskar et al.",
     .year = 2019,
     .arxiv = "1909.05858",
     .help = "divides positive logits of tokens that occurred, multiplies negative ones",
     .params = TokenMemory::params({ParamInfo::real("penalty", "above 1 discourages").preset("1.1").within(0.01, 100)},
                                   true)},
    [](const Args& a) { return std::make_unique<Repetition>(a); });

}  // namespace
}  // namespace frugal
