// Closed pages: 32 rows of keys or values quantised together, as KIVI does (Liu et al. 2024, arXiv 2402.02750).
//
// Keys are quantised by channel over groups of rows, values by row over groups of channels; a group has its smallest
// value and a scale as half floats, x' = code * scale + smallest, code in [0, 2^bits). Codes are computed with the
// rounded parameters. A key page holds several sets of parameters and says for each row which is its own, so that rows
// of different groups can lie in one page: codes move with the parameters they were made with, never requantised.
//
//   keys    u8 set_of[32]; for each set half scale[width], half smallest[width]; codes [width / c][16 lanes] u32 with
//           c = 16 / bits channels each: code of channel j and row lane + 16 h at bit bits * (2 j + h)
//   values  half scale[groups][32], half smallest[groups][32]; codes [bits][width / 16][16 lanes] u32: code of channel
//           lane and row 32 / bits * unit + j at bit bits * j
//
// Plain code; the kernels that open such pages (ops/cpu/kernels_kivi.cc) are compared with it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace frugal {

constexpr int kMostKiviSets = 32;

// What the two sides of one kivi(...) have in common. group: rows (keys; 8, 16 or 32) or channels (values; a multiple of
// 16, at most the head size) that share parameters; width: padded to 16; used: channels before padding.
struct KiviForm {
  int bits = 2, group = 32, width = 0, used = 0;
  int groups() const { return used <= group ? 1 : (used + group - 1) / group; }  // of a value row
  size_t code_bytes() const { return static_cast<size_t>(width) * static_cast<size_t>(4 * bits); }
  size_t key_bytes(int sets) const { return 32 + static_cast<size_t>(sets) * static_cast<size_t>(width) * 4 + code_bytes(); }
  size_t value_bytes() const { return static_cast<size_t>(groups()) * 128 + code_bytes(); }
};

// keys: [width][32], as an opened page of floats has them; values: [32][width]. Writes a whole page.
void kivi_close_keys(const KiviForm& form, const float* keys, uint8_t* page);
void kivi_close_values(const KiviForm& form, const float* values, uint8_t* page);
inline int kivi_sets(const KiviForm& form) { return 32 / form.group; }  // of a freshly closed key page
// One row as floats (width).
void kivi_read_key(const KiviForm& form, int sets, const uint8_t* page, int slot, float* row);
void kivi_read_value(const KiviForm& form, const uint8_t* page, int slot, float* row);
// Moves a value row with its parameters.
void kivi_move_value(const KiviForm& form, const uint8_t* from, int slot, uint8_t* to, int to_slot);

// Packs key rows of several pages into one with as many sets as it needs.
class KiviPacker {
 public:
  KiviPacker(const KiviForm& form, uint8_t* page, int sets) : form_(form), page_(page), sets_(sets) {}
  // The page must have room for the sets that its rows bring: see count.
  void add(const uint8_t* from, int from_sets, int slot, int to_slot);
  // Would this row need another set than the row before it?
  static bool same_set(const uint8_t* a, int slot_a, const uint8_t* b, int slot_b) { return a == b && a[slot_a] == b[slot_b]; }

 private:
  KiviForm form_;
  uint8_t* page_;
  int sets_, used_ = 0;
  const uint8_t* last_ = nullptr;
  int last_set_ = -1;
};

}  // namespace frugal
