// Closed pages: 32 rows of keys or values quantised together, as KIVI does (Liu et al. 2024, arXiv 2402.02750).
//
// Keys are quantised by channel over groups of rows, values by row over groups of channels; a group has its smallest
// value and a scale as half floats, x' = code * scale + smallest, code in [0, 2^bits). Codes are computed with the
// rounded parameters. A key page holds several sets of parameters. In one that was closed as it stood they belong to so
// many rows each, in order; in one that was packed from others each row says which is its own: codes move with the
// parameters that they were made with and are never computed anew.
//
//   keys    for each set half scale[width], half smallest[width]; codes [width / c][16 lanes] u32 with c = 16 / bits
//           channels each: code of channel j and row lane + 16 h at bit bits * (4 (j / 2) + 2 h + j % 2), so that the
//           codes of two channels lie side by side; packed: u8 set_of[32]
//   values  half scale[groups][32], half smallest[groups][32]; codes [bits][width / 16][16 lanes] u32: code of channel
//           lane and row 32 / bits * unit + j at bit bits * j
//
// Plain code; the kernels that open such pages (ops/cpu/kernels_kivi.cc) are compared with it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace frugal {

// The form of a key page: its sets of parameters, and whether it was packed.
constexpr int kMostKiviSets = 32;
constexpr uint8_t kKiviPacked = 64;
constexpr int kivi_sets(uint8_t form) { return form & (kKiviPacked - 1); }

// What the two sides of one kivi(...) have in common. group: rows (keys; 8, 16 or 32) or channels (values; a multiple
// of 16, at most the head size) that share parameters; width: padded to 16; used: channels before padding.
struct KiviForm {
  int bits = 2, group = 32, width = 0, used = 0;
  int groups() const { return used <= group ? 1 : (used + group - 1) / group; }  // of a value row
  size_t code_bytes() const { return static_cast<size_t>(width) * static_cast<size_t>(4 * bits); }
  uint8_t key_form() const { return static_cast<uint8_t>(32 / group); }  // of a freshly closed page
  size_t key_codes(uint8_t page) const { return static_cast<size_t>(kivi_sets(page)) * static_cast<size_t>(width) * 4; }
  size_t key_map(uint8_t page) const { return key_codes(page) + code_bytes(); }
  size_t key_bytes(uint8_t page) const { return key_map(page) + ((page & kKiviPacked) != 0 ? 32 : 0); }
  // Whose parameters a row of a key page has.
  int key_set(uint8_t page, const uint8_t* bytes, int row) const {
    return (page & kKiviPacked) != 0 ? bytes[key_map(page) + static_cast<size_t>(row)] : row * kivi_sets(page) / 32;
  }
  size_t value_bytes() const { return static_cast<size_t>(groups()) * 128 + code_bytes(); }
};

// keys: [width][32], as an opened page of floats has them; values: [32][width]. Writes a whole page.
void kivi_close_keys(const KiviForm& form, const float* keys, uint8_t* page);
void kivi_close_values(const KiviForm& form, const float* values, uint8_t* page);
// One row as floats (width).
void kivi_read_key(const KiviForm& form, uint8_t page_form, const uint8_t* page, int slot, float* row);
void kivi_read_value(const KiviForm& form, const uint8_t* page, int slot, float* row);
// Moves a value row with its parameters.
void kivi_move_value(const KiviForm& form, const uint8_t* from, int slot, uint8_t* to, int to_slot);

// Packs key rows of several pages into one, which must have room for the sets that its rows bring.
class KiviPacker {
 public:
  KiviPacker(const KiviForm& form, uint8_t* page, int sets)
      : form_(form), page_(page), page_form_(static_cast<uint8_t>(sets | kKiviPacked)) {}
  void add(const uint8_t* from, uint8_t from_form, int slot, int to_slot);

 private:
  KiviForm form_;
  uint8_t* page_;
  uint8_t page_form_;
  int used_ = 0, last_set_ = -1;
  const uint8_t* last_ = nullptr;
};

}  // namespace frugal
