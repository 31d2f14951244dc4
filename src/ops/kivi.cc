#include "ops/kivi.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/half.h"

namespace frugal {
namespace {

constexpr float kLargestHalf = 65504.0f;

uint16_t half(float x) { return float_to_f16(std::clamp(x, -kLargestHalf, kLargestHalf)); }

struct Group {
  uint16_t scale, smallest;
  float unit, base;
  int most;
  // Parameters of n values, step apart.
  Group(const float* x, int n, int step, int bits) : most((1 << bits) - 1) {
    float low = x[0], high = x[0];
    for (int i = 1; i < n; ++i) {
      low = std::min(low, x[i * step]);
      high = std::max(high, x[i * step]);
    }
    smallest = half(low);
    scale = half((high - low) / static_cast<float>(most));
    unit = f16_to_float(scale);
    base = f16_to_float(smallest);
  }
  uint32_t code(float x) const {  // 0 also for what is no number
    const float steps = std::nearbyint((x - base) / unit);
    return unit > 0 && steps > 0 ? static_cast<uint32_t>(std::min(steps, static_cast<float>(most))) : 0;
  }
};

uint16_t* params(uint8_t* page, const KiviForm& f, int set) {
  return reinterpret_cast<uint16_t*>(page) + static_cast<size_t>(2 * set * f.width);
}
const uint16_t* params(const uint8_t* page, const KiviForm& f, int set) {
  return params(const_cast<uint8_t*>(page), f, set);
}

// Where a key's code lies: the word and the bit in it.
struct Place {
  size_t word;
  int bit;
};
Place key_place(const KiviForm& f, int d, int r) {
  const int channels = 16 / f.bits, j = d % channels;
  return {static_cast<size_t>(d / channels * 16 + r % 16), f.bits * (4 * (j / 2) + 2 * (r / 16) + j % 2)};
}
Place value_place(const KiviForm& f, int r, int d) {
  const int rows = 32 / f.bits;
  return {static_cast<size_t>(r / rows) * static_cast<size_t>(f.width) + static_cast<size_t>(d), f.bits * (r % rows)};
}
uint32_t get(const uint8_t* codes, Place p, int bits) {
  uint32_t w;
  std::memcpy(&w, codes + p.word * 4, 4);
  return (w >> p.bit) & ((1u << bits) - 1);
}
void put(uint8_t* codes, Place p, int bits, uint32_t code) {
  uint32_t w;
  std::memcpy(&w, codes + p.word * 4, 4);
  w = (w & ~(((1u << bits) - 1) << p.bit)) | (code << p.bit);
  std::memcpy(codes + p.word * 4, &w, 4);
}
size_t value_codes(const KiviForm& f) { return f.value_bytes() - f.code_bytes(); }
uint16_t* value_params(uint8_t* page, const KiviForm& f, int g, bool smallest) {
  return reinterpret_cast<uint16_t*>(page) + 32 * ((smallest ? f.groups() : 0) + g);
}

}  // namespace

void kivi_close_keys(const KiviForm& f, const float* keys, uint8_t* page) {
  const int sets = kivi_sets(f.key_form());
  uint8_t* codes = page + f.key_codes(f.key_form());
  std::memset(codes, 0, f.code_bytes());
  for (int s = 0; s < sets; ++s)
    for (int d = 0; d < f.width; ++d) {
      const float* x = keys + d * 32 + s * f.group;
      const Group g(x, f.group, 1, f.bits);
      params(page, f, s)[d] = g.scale;
      params(page, f, s)[f.width + d] = g.smallest;
      for (int i = 0; i < f.group; ++i) put(codes, key_place(f, d, s * f.group + i), f.bits, g.code(x[i]));
    }
}

void kivi_close_values(const KiviForm& f, const float* values, uint8_t* page) {
  uint8_t* codes = page + value_codes(f);
  std::memset(codes, 0, f.code_bytes());
  for (int r = 0; r < 32; ++r)
    for (int i = 0; i < f.groups(); ++i) {
      const int first = i * f.group, n = std::min(f.group, f.used - first);
      const float* x = values + r * f.width + first;
      const Group g(x, n, 1, f.bits);
      value_params(page, f, i, false)[r] = g.scale;
      value_params(page, f, i, true)[r] = g.smallest;
      for (int d = 0; d < n; ++d) put(codes, value_place(f, r, first + d), f.bits, g.code(x[d]));
    }
}

void kivi_read_key(const KiviForm& f, uint8_t page_form, const uint8_t* page, int slot, float* row) {
  const uint16_t* p = params(page, f, f.key_set(page_form, page, slot));
  const uint8_t* codes = page + f.key_codes(page_form);
  for (int d = 0; d < f.width; ++d)
    row[d] = static_cast<float>(get(codes, key_place(f, d, slot), f.bits)) * f16_to_float(p[d]) +
             f16_to_float(p[f.width + d]);
}

void kivi_read_value(const KiviForm& f, const uint8_t* page, int slot, float* row) {
  uint8_t* p = const_cast<uint8_t*>(page);
  for (int d = 0; d < f.width; ++d) {
    const int g = std::min(d / f.group, f.groups() - 1);
    row[d] = static_cast<float>(get(page + value_codes(f), value_place(f, slot, d), f.bits)) *
                 f16_to_float(value_params(p, f, g, false)[slot]) +
             f16_to_float(value_params(p, f, g, true)[slot]);
  }
}

void kivi_move_value(const KiviForm& f, const uint8_t* from, int slot, uint8_t* to, int to_slot) {
  uint8_t* p = const_cast<uint8_t*>(from);
  for (int g = 0; g < f.groups(); ++g)
    for (bool smallest : {false, true})
      value_params(to, f, g, smallest)[to_slot] = value_params(p, f, g, smallest)[slot];
  for (int d = 0; d < f.width; ++d)
    put(to + value_codes(f), value_place(f, to_slot, d), f.bits,
        get(from + value_codes(f), value_place(f, slot, d), f.bits));
}

void KiviPacker::add(const uint8_t* from, uint8_t from_form, int slot, int to_slot) {
  const int set = form_.key_set(from_form, from, slot);
  if (from != last_ || set != last_set_) {
    last_ = from;
    last_set_ = set;
    std::memcpy(params(page_, form_, used_++), params(from, form_, set), static_cast<size_t>(form_.width) * 4);
  }
  page_[form_.key_map(page_form_) + static_cast<size_t>(to_slot)] = static_cast<uint8_t>(used_ - 1);
  for (int d = 0; d < form_.width; ++d)
    put(page_ + form_.key_codes(page_form_), key_place(form_, d, to_slot), form_.bits,
        get(from + form_.key_codes(from_form), key_place(form_, d, slot), form_.bits));
}

}  // namespace frugal
