// Which token follows at one node of a draft tree, so that the output has the target's distribution whatever was
// drafted.
//
// P is the target's processed distribution at the node: all sampler stages applied, their memory at the node's path.
//   R0  greedy: the most likely token.
//   R1  trials that are all point masses: y ~ P, drawn as if there were no draft. So a run with such a drafter gives
//   the
//       very tokens of the run without it, seed for seed.
//   R2  one trial x ~ Q: accepted with probability min(1, P[x] / Q[x]), else y ~ norm((P - Q)+).
//       Leviathan, Kalman, Matias, "Fast Inference from Transformers via Speculative Decoding" (arXiv 2211.17192),
//       algorithm 1; Chen et al., "Accelerating Large Language Model Decoding with Speculative Sampling" (arXiv
//       2302.01318), algorithm 2.
//   R3  several trials in order: the same test for each, P becoming norm((P - Q_i)+) when x_i is rejected; when none is
//       accepted y ~ the last P. Miao et al., "SpecInfer" (arXiv 2305.09781), algorithm 2, VerifyStochastic.
// Q_i is the law of x_i given the earlier trials: Q for draws with replacement, duplicates being trials of their own; Q
// without the tokens of earlier trials, renormalised, for draws without replacement (EAGLE, Sequoia); a point mass,
// which takes P[x] away when rejected, for chosen tokens. The paper draws the order of a node's trials at random; here
// it is the drafter's, fixed before any target's probability is known, which the proof allows.
//
// The caller follows the child of the returned token, if there is one, wherever the token came from. Cost: one
// distribution a node; a residual, O(V) at most, only after a rejection. Probabilities are compared in double.
#pragma once

#include <span>
#include <vector>

#include "base/rng.h"
#include "decode/draft/draft_tree.h"

namespace frugal {

class Verifier {
 public:
  // coins: numbers that nothing else draws from.
  explicit Verifier(Stream coins) : coins_(coins) {}
  // The next token. Draws what is no accepted trial from the sampler's own stream. Errors: the sampler's.
  int32_t choose(Sampler& sampler, std::span<const float> logits, std::span<const Trial> trials);

 private:
  bool accept(std::span<const Trial> trials, size_t i);
  bool reject(std::span<const Trial> trials, size_t i);
  int32_t pick(double uniform) const;

  Stream coins_;
  std::vector<int32_t> support_;  // tokens that P may give
  std::vector<double> p_, q_;     // by token; zero outside support_, and between calls
};

}  // namespace frugal
