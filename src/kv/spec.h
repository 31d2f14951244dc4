// What a --kv spec asks of each layer: which policy keeps rows, in which form keys and values lie, in which layout.
//
// For each role the narrowest scope wins: a layer range is narrower than none, k or v narrower than both; where ranges
// overlap, the later part. In one scope stands one unit of each role. A codec without a side holds for keys and values.
#pragma once

#include <string>
#include <vector>

#include "base/registry.h"

namespace frugal {

struct LayerSpec {
  Unit policy{"full", {}}, k_codec{"f16", {}}, v_codec{"f16", {}},
      layout{"paged", {}};  // paged: where all else allows it
};

// One entry a layer. Throws Error(kUsage) for unknown names, wrong values and pairs that cannot combine.
std::vector<LayerSpec> resolve_kv_spec(const std::string& text, int layers);

// The canonical form, which parses back to the same.
std::string canonical_kv_spec(const std::string& text);

}  // namespace frugal
