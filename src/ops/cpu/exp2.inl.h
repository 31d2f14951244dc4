// Powers of two of scores below the largest, by which attention weighs.
#pragma once

#include "ops/attention.h"
#include "ops/cpu/vec.h"

namespace frugal::FRUGAL_ISA {

// 2^x for x <= 0, relative error below 3e-7; exactly 0 far below.
FRUGAL_INLINE F16 exp2_negative(F16 x) {
#if defined(FRUGAL_VEC512)
  const F16 n = round_even(x), f = sub(x, n);
#else
  const F16 floored = max(x, set1(-126.0f)), n = round_even(floored), f = sub(floored, n);
#endif
  F16 p = set1(1.32646924e-3f);
  p = fma(p, f, set1(9.67150182e-3f));
  p = fma(p, f, set1(5.55073358e-2f));
  p = fma(p, f, set1(2.40222424e-1f));
  p = fma(p, f, set1(6.93147004e-1f));
  p = fma(p, f, set1(1.0f));
#if defined(FRUGAL_VEC512)
  return {_mm512_scalef_ps(p.v, n.v)};
#else
  return zero_below(x, set1(-126.0f), mul(p, exp2i(n)));
#endif
}

}  // namespace frugal::FRUGAL_ISA
