// Frequency penalty: a token's logit is lowered by the penalty times the number of its occurrences.
//
// The rule of the OpenAI API: logit_i -= penalty * count_i, over generated tokens unless prompt=true.
#include "decode/sampler/stage.h"
#include "decode/sampler/token_memory.h"

namespace frugal {
namespace {

class Frequency : public Cloneable<Frequency> {
 public:
  explicit Frequency(const Args& a) : memory_(a), penalty_(static_cast<float>(a.real("penalty"))) {}
  void reset(std::span<const int32_t> prompt) override { memory_.reset(prompt); }
  void advance(int32_t token) override { memory_.advance(token); }
  void apply(Candidates& tokens) override {
    tokens.edit(memory_.counts(),
                [&](float logit, int32_t times) { return logit - penalty_ * static_cast<float>(times); });
  }

 private:
  TokenMemory memory_;
  float penalty_;
};

const Register<MakeStage> kFrequency(
    {.kind = "sample",
     .role = "logits",
     .name = "frequency",
     .help = "lowers a token's logit by the penalty for each of its occurrences",
     .params = TokenMemory::params({ParamInfo::real("penalty", "above 0 discourages").preset("0.5").within(-100, 100)},
                                   false)},
    [](const Args& a) { return std::make_unique<Frequency>(a); });

}  // namespace
}  // namespace frugal
