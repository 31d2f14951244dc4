// How long a draft should be: the cost model of speculative decoding, from what this machine and this text have shown.
//
// Leviathan, Kalman, Matias (arXiv 2211.17192): with acceptance alpha a chain of g tokens yields
//   E(g) = (1 - alpha^(g + 1)) / (1 - alpha)                       (equation 1)
// a target pass. Their speed-up (theorem 3.8) takes a pass to cost the same however many rows it verifies. On a CPU it
// does not, so the pass is measured by its rows: g maximises
//   (B - 1 + E(g)) / (g d + t(B + g))
// where t(m) are the seconds of a pass over m rows, d those of drafting a token, and B the sequences that decode
// together, each with one row at least. alpha is a request's own: tests passed among tests made, old ones fading.
//
// t and d are running means; the first pass of a width, which may have to record its Program, does not count. A width
// that was not measured lately is taken to cost what lies between its neighbours, beyond the widest no more than that:
// so it is tried when acceptance suggests it, and known again. An estimate that saw only what it drafts could rest at
// no draft for ever: after some steps without one a single token is drafted anyway.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace frugal {

class Acceptance {
 public:
  void observe(bool accepted);
  double alpha() const { return accepted_ / tested_; }
  // Counts the steps that did not draft; true when the next should, to see how things stand.
  bool probe();

 private:
  double accepted_ = 2.1, tested_ = 3;  // what is supposed before anything is known
  int idle_ = 0;
};

double expected_tokens(double alpha, int length);  // E(g)

class DraftCost {
 public:
  void verified(int rows, double seconds);
  void drafted(int tokens, double seconds);
  // The length in [0, most] for one of `sequences` that decode together.
  int best_depth(Acceptance& acceptance, int most, int sequences) const;
  double pass_s(int rows) const;  // t(rows); 0 when nothing was measured
  // Drafting `length` tokens and the pass over `rows` that verifies them.
  double step_s(int length, int rows) const { return length * token_s_ + pass_s(rows); }

 private:
  static constexpr int kWidest = 256;
  struct Measured {
    double seconds = 0;
    int64_t times = 0, last = 0;
  };
  bool known(int rows) const;
  double at(int rows) const { return passes_[static_cast<size_t>(rows)].seconds; }

  std::array<Measured, kWidest + 1> passes_;  // by rows
  int64_t now_ = 0;                           // passes so far
  double token_s_ = 0;
};

}  // namespace frugal
