// Attention over pages of cached rows, in the form in which they are stored.
//
// An AttendUnit is a group of queries that share one key/value head. Each block of kAttendPages pages gives a partial
// {m, l, acc} with one softmax over its scores; partials of later blocks are folded into earlier ones in ascending
// order (online softmax: Milakov and Gimelshein 2018, arXiv 1805.02867). Blocks begin at fixed slots and a query's
// arithmetic never depends on the queries beside it, so any split over rows, threads or chunks gives the same bits.
#pragma once

#include <cstdint>

#include "ops/kernels.h"

namespace frugal {

constexpr int kAttendPages = 8;                        // pages a block
constexpr int kAttendRows = kAttendPages * kPageRows;  // 256
constexpr int kAttendTogether = 24;                    // queries whose scores of a block are held at once
constexpr float kAttendNothing = -1e30f;               // the largest score where nothing was seen
constexpr float kLog2E = 1.44269504088896341f;

// Scores are in powers of two: queries, soft cap and slopes come multiplied by kLog2E.
struct AttendPartial {
  float* m;    // n: largest score, or kAttendNothing
  float* l;    // n x 16 lanes: sums of 2^(score - m)
  float* acc;  // n x v_width: sum of 2^(score - m) * value
};

struct AttendUnit {
  const KvCodecKernels* k = nullptr;
  const KvCodecKernels* v = nullptr;
  const uint8_t* const* pages = nullptr;    // by page number; keys at + k_offset
  const uint8_t* const* v_pages = nullptr;  // values, at + v_offset; nullptr: the same pages
  size_t k_offset = 0, v_offset = 0;
  const uint8_t *k_forms = nullptr,
                *v_forms = nullptr;  // by page, or nullptr: 0 as the codec has it, else closed (kivi)
  const KvClosedKernels *k_closed = nullptr, *v_closed = nullptr;  // a value page's form: its groups
  int v_group = 0;
  const uint32_t* alive = nullptr;  // by page, a bit for each row that still counts; nullptr: all do
  int64_t far_pages = 0;            // keys of pages below this one meet far_prep, not prep ...
  const uint8_t* far_prep = nullptr;
  int32_t far_shift = 0;  // ... and count as standing so much later (ALiBi)
  int k_width = 0, v_width = 0;
  int n = 0;                       // queries
  const uint8_t* prep = nullptr;   // n prepared queries, already rotated and scaled
  const int64_t* begin = nullptr;  // by query: the slots [begin, end) are visible
  const int64_t* end = nullptr;
  float softcap = 0;
  const float* slopes = nullptr;  // by query (ALiBi), or nullptr
  const int32_t* query_positions = nullptr;
  const int32_t* key_positions = nullptr;
  // Pages that the next unit wants, or nullptr; where in them, and how much of each.
  const uint8_t *const *ahead = nullptr, *const *ahead_v = nullptr;
  size_t ahead_offset = 0, ahead_v_offset = 0;
  int ahead_pages = 0, ahead_bytes = 0, ahead_v_bytes = 0;
  AttendPartial state = {};
  uint8_t* scratch = nullptr;  // attend_unit_scratch bytes, 64-byte aligned
};

inline size_t attend_unit_scratch(int k_width, int v_width) {
  const size_t widths = static_cast<size_t>(k_width + v_width), queries = kAttendTogether;
  return sizeof(float) * (widths * kAttendRows + queries * (kAttendRows + 32 + 2 * static_cast<size_t>(v_width)));
}

// The plain reference: softmax in double over decoded rows. q: scaled; keys, values: rows x width; bias: added to each
// row's score after the soft cap (-infinity hides it), or nullptr; out: v_width, zeros when every row is hidden.
void attention_reference(const float* q, const float* keys, const float* values, int64_t rows, int k_width, int v_width,
                         float softcap, const float* bias, float* out);

}  // namespace frugal
