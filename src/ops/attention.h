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

constexpr int kAttendPages = 4;                            // pages a block
constexpr int kAttendRows = kAttendPages * kPageRows;  // 128

struct AttendPartial {
  float* m;    // n: largest score, -infinity when nothing was seen
  float* l;    // n x 16 lanes: sums of e^(score - m)
  float* acc;  // n x v_width: sum of e^(score - m) * value
};

struct AttendUnit {
  const KvCodecKernels* k = nullptr;
  const KvCodecKernels* v = nullptr;
  const uint8_t* const* pages = nullptr;  // by page number; keys at + k_offset, values at + v_offset
  size_t k_offset = 0, v_offset = 0;
  int k_width = 0, v_width = 0;
  int n = 0;                              // queries
  const uint8_t* prep = nullptr;          // n prepared queries, already rotated and scaled
  const int64_t* begin = nullptr;         // by query: the slots [begin, end) are visible ...
  const int64_t* end = nullptr;
  int64_t tree_base = 0;                  // ... but from this slot on only where the query's bit is set
  const uint64_t* tree = nullptr;         // n x tree_words bits, or nullptr
  int tree_words = 0;
  float softcap = 0;
  const float* slopes = nullptr;          // by query (ALiBi), or nullptr
  const int32_t* query_positions = nullptr;
  const int32_t* key_positions = nullptr;
  AttendPartial state = {};
  float* scores = nullptr;                // n x kAttendRows
  uint8_t* scratch = nullptr;             // attend_page_scratch(width) bytes, 64-byte aligned
};

// Room to decode one page of this width, and to hold rounded probabilities of n queries.
inline size_t attend_page_scratch(int width) { return static_cast<size_t>(width) * kPageRows * sizeof(float); }

// The plain reference: softmax in double over decoded rows. q: scaled; keys, values: rows x width; bias: added to each
// row's score after the soft cap (-infinity hides it), or nullptr; out: v_width, zeros when every row is hidden.
void attention_reference(const float* q, const float* keys, const float* values, int64_t rows, int k_width, int v_width,
                         float softcap, const float* bias, float* out);

}  // namespace frugal
