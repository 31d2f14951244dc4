// Decoding speed with a drafter, through the engine that users run: how fast, and how many tokens a target pass yields.
#pragma once

#include "engine/engine.h"
#include "measure/speed.h"

namespace frugal {

struct DraftedSpeed {
  SpeedResult speed;
  double accepted_per_step = 0;  // tokens a target pass, the prompt's own left out
};

// The case (decode only) repeats times after one warm-up: what.batch requests whose prompts are the next what.depth ids
// of text, at least one, each answered greedily with what.tokens more. Throws Error when they do not fit.
DraftedSpeed measure_drafted(Engine& engine, const SpeedCase& what, std::span<const int32_t> text, int repeats);

}  // namespace frugal
