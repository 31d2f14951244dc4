// Temperature: logits are divided by t, so that t < 1 sharpens and t > 1 flattens the distribution.
//
// D. Ackley, G. Hinton, T. Sejnowski, "A learning algorithm for Boltzmann machines", Cognitive Science 9,
// 1985: p_i ~ exp(logit_i / t). t = 0 is the limit: the most likely token, of equals the lowest id. Below
// kCold float logits hold no differences that would leave a second token any probability, and t counts as 0.
#include "decode/sampler/stage.h"

namespace frugal {
namespace {

constexpr double kCold = 1e-6;

class Temperature : public Cloneable<Temperature> {
 public:
  explicit Temperature(double t) : t_(t) {}
  bool leaves_argmax() const override { return t_ < kCold; }
  void apply(Candidates& tokens) override {
    if (leaves_argmax()) {
      tokens.keep_top(1);
    } else if (t_ != 1) {
      tokens.scale(static_cast<float>(1 / t_));
    }
  }

 private:
  double t_;
};

const Register<MakeStage> kTemp({.kind = "sample",
                                 .role = "logits",
                                 .name = "temp",
                                 .title = "A learning algorithm for Boltzmann machines",
                                 .authors = "Ackley, Hinton, Sejnowski",
                                 .year = 1985,
                                 .help = "divides the logits by a temperature; 0 takes the most likely token",
                                 .params = {ParamInfo::real("t", "temperature").preset("1").within(0, 100)}},
                                [](const Args& a) { return std::make_unique<Temperature>(a.real("t")); });

}  // namespace
}  // namespace frugal
