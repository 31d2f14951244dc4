#include "ops/rope.h"

#include <cmath>

namespace frugal {

void rope_angles(const RopeTable& table, const int32_t* positions, int m, float* cos_sin) {
  for (int i = 0; i < m; ++i)
    for (double f : table.inv_freq) {
      const double angle = f * positions[i];
      *cos_sin++ = static_cast<float>(std::cos(angle)) * table.attention_factor;
      *cos_sin++ = static_cast<float>(std::sin(angle)) * table.attention_factor;
    }
}

void rope_rotate(const RopeTable& table, const float* cos_sin, float* head, float sign) {
  const int pairs = static_cast<int>(table.inv_freq.size());
  const int step = table.interleaved ? 2 : 1, gap = table.interleaved ? 1 : pairs;
  for (int i = 0; i < pairs; ++i) {
    const float c = cos_sin[2 * i], s = sign * cos_sin[2 * i + 1];
    float &a = head[i * step], &b = head[i * step + gap];
    const float x = a, y = b;
    a = x * c - y * s;
    b = x * s + y * c;
  }
}

}  // namespace frugal
