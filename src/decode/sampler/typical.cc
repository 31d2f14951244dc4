// Locally typical sampling: tokens whose information is close to what is expected stay in play.
//
// C. Meister, T. Pimentel, G. Wiher, R. Cotterell, "Locally Typical Sampling", 2022 (equation 11): of the
// sets with probability at least tau, the one that is smallest when tokens are taken in ascending |H + log
// p|, H being the entropy of the distribution as it arrives here. Of equals the more likely token comes
// first; at least one token stays.
//
// Cost: n exponentials in double, and a sort of the first tokens in that order, widened only while they sum
// to less than tau.
#include <cmath>

#include "decode/sampler/stage.h"

namespace frugal {
namespace {

constexpr size_t kFirst = 512;  // tokens sorted at first

class Typical : public Cloneable<Typical> {
 public:
  explicit Typical(double tau) : tau_(tau) {}
  void apply(Candidates& tokens) override {
    if (tau_ >= 1) return;
    weigh(tokens);
    const size_t n = size_of_set();
    std::vector<Candidate>& list = tokens.list();
    for (size_t i = 0; i < n; ++i) list[i] = order_[i].token;
    list.resize(n);
  }

 private:
  struct Weighed {
    Candidate token;
    double p, distance;
  };
  static bool closer(const Weighed& a, const Weighed& b) {
    return a.distance != b.distance ? a.distance < b.distance : likelier(a.token, b.token);
  }

  void weigh(Candidates& tokens) {
    const double log_mass = tokens.log_mass();
    double entropy = 0;
    order_.clear();
    for (const Candidate& c : tokens.list()) {
      const double log_p = static_cast<double>(c.logit) - log_mass, p = std::exp(log_p);
      if (p == 0) continue;
      entropy -= p * log_p;
      order_.push_back({c, p, log_p});
    }
    for (Weighed& w : order_) w.distance = std::abs(entropy + w.distance);
  }

  size_t size_of_set() {
    double sum = 0;
    size_t n = 0;
    for (size_t sorted = 0; sorted < order_.size();) {
      const size_t end = std::min(order_.size(), std::max(kFirst, sorted * 8));
      std::nth_element(at(sorted), at(end - 1), order_.end(), closer);
      std::sort(at(sorted), at(end), closer);
      sorted = end;
      for (; n < sorted; ++n)
        if (n > 0 && sum >= tau_)
          return n;
        else
          sum += order_[n].p;
    }
    return n;
  }
  std::vector<Weighed>::iterator at(size_t i) { return order_.begin() + static_cast<ptrdiff_t>(i); }

  double tau_;
  std::vector<Weighed> order_;
};

const Register<MakeStage> kTypical(
    {.kind = "sample",
     .role = "select",
     .name = "typical",
     .title = "Locally Typical Sampling",
     .authors = "Meister et al.",
     .year = 2022,
     .arxiv = "2202.00666",
     .help = "keeps tokens whose information is close to the entropy, with probability tau in all",
     .params = {ParamInfo::real("tau", "probability of the set").preset("0.95").within(0, 1)}},
    [](const Args& a) { return std::make_unique<Typical>(a.real("tau")); });

}  // namespace
}  // namespace frugal
