// From logits to the next token: stages in the order of a spec, then a draw from the request's own random
// stream.
//
//   auto sampler = make_sampler("repetition(1.1) | temp(0.7) | top_p(0.9)", seed);
//   sampler->reset_prompt(ids);
//   int32_t id = sampler->sample(logits);   // V floats of the last row
//   sampler->advance(id);                   // when it is accepted
//
// The distribution after all stages is exposed: speculative verification compares with it, and sample() is
// its pick() at the stream's next number. A run depends on the seed, the request and the tokens accepted, on
// nothing else.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/rng.h"
#include "decode/sampler/stage.h"

namespace frugal {

struct TokenProbability {
  int32_t id = 0;
  float p = 0;
};

struct Distribution {
  // Those that can be drawn, most likely first (of equals the lower id); by id when dense.
  std::vector<TokenProbability> tokens;
  bool dense = false;  // tokens[i].id == i for every i < V: no stage took any out of play
  double total = 0;    // sum of p: 1 but for rounding

  float p(int32_t id) const;           // 0 for what cannot be drawn
  int32_t pick(double uniform) const;  // inverse of the cumulative distribution; uniform in [0, 1)
};

class Sampler {
 public:
  // spec: kind "sample". request: which of the seed's streams. Throws Error(kUsage).
  Sampler(const Spec& spec, uint64_t seed, uint64_t request);
  Sampler& operator=(const Sampler&) = delete;

  void reset_prompt(std::span<const int32_t> ids);  // forgets all, then hears of the prompt
  // Valid until the next call. Throws Error when logits hold NaN or no token is left.
  const Distribution& distribution(std::span<const float> logits);
  int32_t sample(std::span<const float> logits);
  void advance(int32_t token);  // token was accepted

  // Same memory and stream position, to be advanced along another path.
  std::unique_ptr<Sampler> clone() const { return std::unique_ptr<Sampler>(new Sampler(*this)); }

  bool greedy() const;  // is the distribution always the most likely token of the plain logits?
  Stream& stream() { return stream_; }
  const std::string& spec() const { return spec_; }  // canonical

 private:
  Sampler(const Sampler& other);

  std::string spec_;
  std::vector<std::unique_ptr<Stage>> stages_;
  Stream stream_;
  Candidates candidates_;  // kept for their memory
  Distribution distribution_;
};

std::unique_ptr<Sampler> make_sampler(const std::string& spec, uint64_t seed, uint64_t request = 0);

}  // namespace frugal
