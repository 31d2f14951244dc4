// Presence penalty: the logit of a token that occurred is lowered by the penalty, however often it occurred.
//
// The rule of the OpenAI API: logit_i -= penalty * [count_i > 0], over generated tokens unless prompt=true.
#include "decode/sampler/stage.h"
#include "decode/sampler/token_memory.h"

namespace frugal {
namespace {

class Presence : public Cloneable<Presence> {
 public:
  explicit Presence(const Args& a) : memory_(a), penalty_(static_cast<float>(a.real("penalty"))) {}
  void reset(std::span<const int32_t> prompt) override { memory_.reset(prompt); }
  void advance(int32_t token) override { memory_.advance(token); }
  void apply(Candidates& tokens) override {
    tokens.edit(memory_.counts(), [&](float logit, int32_t) { return logit - penalty_; });
  }

 private:
  TokenMemory memory_;
  float penalty_;
};

const Register<MakeStage> kPresence(
    {.kind = "sample",
     .role = "logits",
     .name = "presence",
     .help = "lowers the logit of a token that occurred by the penalty, once",
     .params = TokenMemory::params({ParamInfo::real("penalty", "above 0 discourages").preset("0.5").within(-100, 100)},
                                   false)},
    [](const Args& a) { return std::make_unique<Presence>(a); });

}  // namespace
}  // namespace frugal
