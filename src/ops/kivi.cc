#include "ops/kivi.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "base/half.h"

namespace frugal {
namespace {

constexpr float kLargestHalf = 65504.0f;
constexpr float kToInteger = 12582912.0f;  // 1.5 * 2^23: what is added to it loses its fraction, halves to even

uint16_t half(float x) { return float_to_f16(std::clamp(x, -kLargestHalf, kLargestHalf)); }

// Parameters and codes of the n values at x. Written so that compilers make vectors of it: a prompt of 1,000 tokens
// closes some ten million values.
struct Group {
  uint16_t scale, smallest;

  Group(const float* x, int n, int bits, uint32_t* codes) {
    constexpr int kLanes = 8;
    const float most = static_cast<float>((1 << bits) - 1);
    float low[kLanes], high[kLanes];
    for (int j = 0; j < kLanes; ++j) low[j] = high[j] = x[std::min(j, n - 1)];
    for (int i = kLanes; i + kLanes <= n; i += kLanes)
      for (int j = 0; j < kLanes; ++j) {
        low[j] = x[i + j] < low[j] ? x[i + j] : low[j];
        high[j] = x[i + j] > high[j] ? x[i + j] : high[j];
      }
    for (int i = std::max(n / kLanes, 1) * kLanes; i < n; ++i)
      low[0] = std::min(low[0], x[i]), high[0] = std::max(high[0], x[i]);
    const float least = *std::min_element(low, low + kLanes), largest = *std::max_element(high, high + kLanes);
    smallest = half(least);
    scale = half((largest - least) / most);
    const float unit = f16_to_float(scale), base = f16_to_float(smallest);
    for (int i = 0; i < n; ++i) {
      const float steps = (x[i] - base) / unit;  // 0 also for what is no number
      const float code = steps > 0 ? (steps < most ? steps : most) : 0;
      codes[i] = static_cast<uint32_t>(static_cast<int32_t>(code + kToInteger - kToInteger));
    }
    if (!(unit > 0)) std::fill_n(codes, n, 0u);
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
  const int sets = kivi_sets(f.key_form()), channels = 16 / f.bits;
  uint8_t* codes = page + f.key_codes(f.key_form());
  for (int first = 0; first < f.width; first += channels) {
    uint32_t words[16] = {}, of_channel[32] = {};
    for (int d = first; d < first + channels; ++d) {
      for (int s = 0; s < sets; ++s) {
        const Group g(keys + d * 32 + s * f.group, f.group, f.bits, of_channel + s * f.group);
        params(page, f, s)[d] = g.scale;
        params(page, f, s)[f.width + d] = g.smallest;
      }
      const int low = key_place(f, d, 0).bit, high = key_place(f, d, 16).bit;
      for (int lane = 0; lane < 16; ++lane) words[lane] |= of_channel[lane] << low | of_channel[lane + 16] << high;
    }
    std::memcpy(codes + key_place(f, first, 0).word * 4, words, sizeof words);
  }
}

void kivi_close_values(const KiviForm& f, const float* values, uint8_t* page) {
  std::vector<uint32_t> words(f.code_bytes() / 4, 0), of_group(static_cast<size_t>(f.group));
  for (int r = 0; r < 32; ++r)
    for (int i = 0; i < f.groups(); ++i) {
      const int first = i * f.group, n = std::min(f.group, f.used - first);
      const Group g(values + r * f.width + first, n, f.bits, of_group.data());
      value_params(page, f, i, false)[r] = g.scale;
      value_params(page, f, i, true)[r] = g.smallest;
      const Place place = value_place(f, r, first);
      for (int d = 0; d < n; ++d)
        words[place.word + static_cast<size_t>(d)] |= of_group[static_cast<size_t>(d)] << place.bit;
    }
  std::memcpy(page + value_codes(f), words.data(), f.code_bytes());
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
