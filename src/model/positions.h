// Position schemes as one unit each: what frequencies (or slopes) a configuration asks for.
//
// rope (Su et al. 2104.09864), partial rope, linear interpolation (Chen et al. 2306.15595), NTK-aware scaling of the
// base (by context), dynamic NTK, YaRN (Peng et al. 2309.00071), Llama-3.1's piecewise scaling, ALiBi (Press et al.
// 2108.12409), none. Values of every scheme's equations: tests/golden/positions.
//
// Dynamic NTK's base depends on how many tokens there are: theta (s n / n0 - (s - 1))^(d / (d - 2)) for n > n0. The
// original recipe takes n anew at every step and so compares queries with keys that older steps turned otherwise. Here
// n is fixed before the first row (Model::set_context, run --context): all keys of a cache agree, a cached prefix stays
// valid, and one prompt with n set to its length gives what transformers gives for it in one forward. Up to n0 tokens,
// the default, nothing is scaled.
#pragma once

#include <vector>

#include "io/model_config.h"
#include "ops/rope.h"

namespace frugal {

// head_dim: size of a head; context: tokens the table must serve (dynamic NTK only). Throws Error for unknown scalings.
RopeTable make_rope(const PositionConfig& config, int64_t head_dim, int64_t context);

// One slope for each head; for head counts that are no power of two the paper's interleaved extension.
std::vector<float> alibi_slopes(int64_t heads);

}  // namespace frugal
