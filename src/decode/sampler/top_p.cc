// Top-p, nucleus sampling: the smallest set of most likely tokens whose probabilities sum to at least p stays
// in play.
//
// A. Holtzman et al., "The Curious Case of Neural Text Degeneration", 2019 (equation 2). Sets are taken in
// order of probability, of equals the lower id first; at least one token stays.
//
// Sorting a whole vocabulary would cost milliseconds. The tokens with probability below (1 - p) / n sum to
// less than 1 - p, so those above sum to more than p and hold the nucleus: one scan finds them, usually a few
// hundred, and only they are sorted.
#include <cmath>

#include "decode/sampler/stage.h"

namespace frugal {
namespace {

constexpr double kSlack = 1e-4;  // the bound is a float; being generous costs a few tokens more to sort

class TopP : public Cloneable<TopP> {
 public:
  explicit TopP(double p) : p_(p) {}
  void apply(Candidates& tokens) override {
    if (p_ >= 1) return;
    const double log_mass = tokens.log_mass();
    const double least = log_mass + std::log((1 - p_) / static_cast<double>(tokens.size())) - kSlack;
    tokens.keep_at_least(static_cast<float>(least));
    std::vector<Candidate>& list = tokens.list();
    std::sort(list.begin(), list.end(), likelier);
    double sum = 0;
    size_t n = 0;
    while (n < list.size() && (n == 0 || sum < p_)) sum += std::exp(static_cast<double>(list[n++].logit) - log_mass);
    list.resize(n);
  }

 private:
  double p_;
};

const Register<MakeStage> kTopP(
    {.kind = "sample",
     .role = "select",
     .name = "top_p",
     .title = "The Curious Case of Neural Text Degeneration",
     .authors = "Holtzman et al.",
     .year = 2019,
     .arxiv = "1904.09751",
     .help = "keeps the smallest set of most likely tokens with probability p in all",
     .params = {ParamInfo::real("p", "probability of the set").preset("0.95").within(0, 1)}},
    [](const Args& a) { return std::make_unique<TopP>(a.real("p")); });

}  // namespace
}  // namespace frugal
