// The table of CPU kernels, filled once for each instruction set and chosen when the program starts.
//
// A weight matrix is packed into panels of 16 rows, the lanes of one vector (see pack.h). Activations are prepared in
// tiles of up to kTile rows, in the form that the weight's kernel multiplies (float, bf16 pairs, or int8 blocks of 32
// with their scale). linear() then runs any range of panels over one tile.
//
// Row contract: lane order and accumulation order depend on the number of columns only, never on how many rows stand
// in the tile or which thread runs the panel; so row i of an m-row call is bitwise the 1-row call.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/dtype.h"

namespace frugal {

constexpr int kPanel = 16;     // weight rows a panel
constexpr int kTile = 12;      // activation rows a tile
constexpr int kPageRows = 32;  // cached tokens a page

enum class ActForm : uint8_t { kF32, kBF16, kInt8 };

// Panels lie one after another; see pack.h for the layout inside.
struct PackedMatrix {
  DType dtype = DType::kF32;
  int64_t rows = 0, cols = 0;
  size_t panel_bytes = 0;
  const uint8_t* data = nullptr;
  int64_t panels() const { return (rows + kPanel - 1) / kPanel; }
  const uint8_t* panel(int64_t p) const { return data + static_cast<size_t>(p) * panel_bytes; }
};

// Bytes of a tile of m prepared rows.
size_t act_tile_bytes(ActForm form, int64_t cols, int m);

enum class Activation : uint8_t { kSilu, kGelu, kGeluTanh };

// What happens to the 16 results of each row before they are stored.
struct Epilogue {
  const float* bias = nullptr;      // by output row
  const float* residual = nullptr;  // added after scale; row stride is the output's
  float scale = 1.0f;               // applied after bias
};

// A key or value form in a page of kPageRows rows of one head. width is a multiple of 16, at most 1024.
// To multiply a page, open it, then meet it with any number of queries; scores and weights lie in rows of kAttendRows
// floats (attention.h).
struct KvCodecKernels {
  const char* name;
  bool pairs;  // are the weights that axpy takes bf16, in the first half of each row?
  size_t (*k_page_bytes)(int width);
  size_t (*v_page_bytes)(int width);
  // Writes or reads one row of width floats as row slot of a page.
  void (*k_write)(const float* row, int width, uint8_t* page, int slot);
  void (*v_write)(const float* row, int width, uint8_t* page, int slot);
  void (*k_read)(const uint8_t* page, int width, int slot, float* row);
  void (*v_read)(const uint8_t* page, int width, int slot, float* row);
  // Copies row slot of a page as it is, to row to_slot of another one or the same.
  void (*k_copy)(const uint8_t* page, int width, int slot, uint8_t* to, int to_slot);
  void (*v_copy)(const uint8_t* page, int width, int slot, uint8_t* to, int to_slot);
  // The page as its tiles multiply it: itself, or decoded into scratch (kPageRows * width floats, 64-byte aligned).
  const uint8_t* (*k_open)(const uint8_t* page, int width, uint8_t* scratch);
  const uint8_t* (*v_open)(const uint8_t* page, int width, uint8_t* scratch);
  // q: one row of width floats; prep: what this form's dot multiplies (prep_bytes).
  size_t (*prep_bytes)(int width);
  void (*prepare)(const float* q, int width, uint8_t* prep);
  // scores[i * kAttendRows + r] = q_i . k_r for all slots of an opened page.
  void (*dot)(const uint8_t* keys, int width, const uint8_t* prep, int n, float* scores);
  // acc[i * width + d] = sum over r of p[i * kAttendRows + r] * v_r[d], r ascending over count opened pages.
  void (*axpy)(const uint8_t* const* values, int count, int width, const float* p, int n, float* acc);
};

// Opens pages that kivi closed (ops/kivi.h, which explains a key page's form) as the codecs of the same table list open
// theirs; values with so many groups of group channels.
struct KvClosedKernels {
  int bits;
  const uint8_t* (*k_open)(const uint8_t* page, int width, uint8_t form, uint8_t* scratch);
  const uint8_t* (*v_open)(const uint8_t* page, int width, int groups, int group, uint8_t* scratch);
  // Where there are bf16 dot products, else nullptr: pages met as they are, the scales going into queries and weights.
  // scores as KvCodecKernels::dot, false for a page that was packed from too many; acc += as axpy, of one page.
  bool (*k_dot)(const uint8_t* page, int width, uint8_t form, const uint8_t* prep, int n, float* scores);
  void (*v_axpy)(const uint8_t* page, int width, int groups, int group, const float* p, int n, float* acc);
};

struct KernelTable {
  const char* name;  // "portable", "avx2", "avx512", "avx512vnni"
  bool bf16_dot;     // does ActForm::kBF16 exist here?

  void (*rms_norm)(const float* x, const float* gain, float eps, int64_t n, float* y);  // gain may be null
  // The same in its two halves: what x is multiplied by, and y = x * factor * gain.
  float (*rms_factor)(const float* x, float eps, int64_t n);
  void (*rms_apply)(const float* x, const float* gain, float factor, int64_t n, float* y);
  // Puts columns [first, last) of row x (cols floats) into place t of a tile of m rows; first is a multiple of 32.
  void (*prepare)(ActForm form, const float* x, int64_t cols, int64_t first, int64_t last, int t, int m, uint8_t* tile);
  // out[t * stride + 16 * p + lane] for panels [p0, p1) and the m rows of the tile.
  void (*linear)(const PackedMatrix& w, ActForm form, const uint8_t* tile, int m, int64_t p0, int64_t p1,
                 const Epilogue& epilogue, float* out, int64_t stride);
  // out = act(gate x) * (up x); both matrices of one type and shape.
  void (*linear_gated)(const PackedMatrix& gate, const PackedMatrix& up, Activation act, ActForm form,
                       const uint8_t* tile, int m, int64_t p0, int64_t p1, float* out, int64_t stride);
  void (*gated)(Activation act, const float* gate, const float* up, int64_t n, float* out);
  void (*add)(const float* a, const float* b, int64_t n, float* out);
  void (*scale)(const float* a, float s, int64_t n, float* out);
  void (*softcap)(const float* a, float cap, int64_t n, float* out);
  void (*rotate)(const struct RopeTable& table, const float* cos_sin, float* head);  // as rope_rotate
  double (*log_sum_exp)(const float* a, int64_t n);                                  // natural log of sum of e^a
  // n queries of one key/value head over pages [page0, page1): see attention.h.
  void (*attend)(const struct AttendUnit& unit, int64_t page0, int64_t page1);
  // Folds count partial results of one query, each step floats after the one before, into the first.
  void (*attend_fold)(const struct AttendPartial& first, size_t step, int64_t count, int width);
  // out[0 .. width) = acc / l of query i; zeros where nothing was seen.
  void (*attend_finish)(const struct AttendPartial& state, int i, int width, float* out);
  const KvCodecKernels* codecs;        // f32, f16, bf16, q8
  const KvCodecKernels* exact_codecs;  // the same storage, multiplied in float32 throughout
  int codec_count;
  const KvCodecKernels* find_codec(const std::string& codec_name, bool exact = false) const;
  // What n queries of a unit gave the rows of one page: 2^(score - lse[i]), lse being a query's final base-2
  // log-sum-exp. The mean over each `ratio` queries that follow one another is added to mass[kPageRows] in their order,
  // and stored in each (n / ratio x kPageRows) unless that is nullptr.
  void (*attend_mass)(const struct AttendUnit& unit, const float* lse, int ratio, int64_t page, float* mass,
                      float* each);
  const KvClosedKernels *closed, *exact_closed;
  int closed_count;
  const KvClosedKernels* find_closed(int bits, bool exact = false) const;
};

// Every table this program holds and this machine can run, plainest first.
const std::vector<const KernelTable*>& kernel_tables();
// The best of them, unless FRUGAL_ISA names another (throws Error when that one cannot run here).
const KernelTable& kernels();
// For tests: nullptr when it is not among kernel_tables().
const KernelTable* kernel_table(const std::string& name);

// Is there a packed form of this type?
bool can_pack(DType dtype);
// The form its kernel multiplies under --compute auto on this table; kF32 works for every type.
ActForm natural_form(DType dtype, const KernelTable& table);

}  // namespace frugal
