// Rotary position embedding (Su et al. 2021, arXiv 2104.09864): a table of frequencies, the angles of a step, and the
// rotation of one row. The schemes that change the frequencies (linear, NTK, YaRN, Llama-3) live in model/positions.h.
#pragma once

#include <cstdint>
#include <vector>

namespace frugal {

struct RopeTable {
  std::vector<double> inv_freq;                                       // radians a position, one for each rotated pair
  bool interleaved = false;                                           // pairs (2i, 2i+1); else halves (i, i + dims/2)
  float attention_factor = 1.0f;                                      // YaRN: multiplies cosine and sine
  int dims() const { return 2 * static_cast<int>(inv_freq.size()); }  // the first dims of a head rotate
};

// cos_sin: m rows of {cos, sin} for each pair, 2 * pairs floats a row. Angles are taken in double.
void rope_angles(const RopeTable& table, const int32_t* positions, int m, float* cos_sin);

// Rotates one head in place by one row of angles (sign = -1 turns back).
void rope_rotate(const RopeTable& table, const float* cos_sin, float* head, float sign = 1.0f);

}  // namespace frugal
