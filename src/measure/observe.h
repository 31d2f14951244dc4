// What the reading list observed of attention and caches, measured on any model and text.
//
//   rows for 0.9     share of the visible rows that carries 0.9 of a query's attention (H2O, Zhang et al. 2023, section
//   3:
//                    attention is sparse); mean over heads and the second half of the queries
//   sink share       attention that goes to the first kSinks rows (StreamingLLM, Xiao et al. 2023)
//   persistence      of the fifth of the rows that matters most to one quarter of the queries, the share that is among
//                    the fifth of the next quarter too; chance gives 0.2 (Scissorhands, Liu et al. 2023, section 3)
//   sink values      mean L1 norm of the first kSinks values over that of the others (VATP, Guo et al. 2024)
//   key neighbours   mean cosine of rotated keys one row apart, and of such pairs at random (KVMerger, Wang et al.
//   2024) energy           share of the squared singular values that the largest quarter holds: keys before rotation,
//   after it,
//                    and values (Yu et al. 2024, "Effectively compress KV heads")
#pragma once

#include <string>
#include <vector>

#include "model/runner.h"

namespace frugal {

constexpr int kSinks = 4;

struct LayerObservations {
  int layer = 0;
  double rows_for_90 = 0, sink_share = 0, persistence = 0, sink_value_ratio = 0;
  double neighbour_cosine = 0, random_cosine = 0;
  double energy_keys = 0, energy_rotated_keys = 0, energy_values = 0;
};

// What one layer's attention was given, row after row.
struct AttendRecord {
  AttendSpec spec;
  KvShape shape;
  int rows = 0;
  std::vector<float> q, k, v;  // rows x heads * width, before rotation
  std::vector<float> cos_sin;  // rows x dims
};
// By layer, of one text. Throws Error when it is shorter than 16 tokens or the cache is full.
std::vector<AttendRecord> record_attention(Runner& runner, std::span<const int32_t> ids);

LayerObservations observe(const AttendRecord& record);

// Squared singular values of a rows x cols matrix (cols at most 1024), largest first: eigenvalues of its Gram matrix by
// Jacobi rotations.
std::vector<double> squared_singular_values(const std::vector<float>& a, int rows, int cols);

}  // namespace frugal
