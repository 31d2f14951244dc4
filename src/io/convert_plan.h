// What convert() writes, tensor by tensor, before a byte is read: names, types, shapes, and how rows are found.
#pragma once

#include <string>
#include <vector>

#include "io/checkpoint.h"
#include "io/model_config.h"

namespace frugal {

struct TensorJob {
  TensorView out;                   // name, type, shape and bytes as they are written; data is null
  std::vector<TensorView> sources;  // one after the other along the rows (GGUF stacks experts); none: values are given
  std::vector<float> values;        // f32, when there is no source
  // Rows of each head are reordered: halves (0, D/2, 1, D/2 + 1, ...) become neighbours, or the way back. 0: as they
  // are.
  int64_t heads = 0;
  bool to_neighbours = false;
  float shift = 0.0f;  // added to every value

  // A vector whose elements are reordered is rows of one element.
  int64_t cols() const { return heads > 0 && out.shape.size() == 1 ? 1 : out.cols(); }
  int64_t rows() const { return cols() == 0 ? 0 : out.elements() / cols(); }
  int64_t source_row(int64_t row) const;  // counted over all sources
};

// format: of the output. config: nullptr when the input is no model (tensors keep their names). type: see
// ConvertOptions. Throws Error when a tensor has no place in the other format or the type is none of the format's.
std::vector<TensorJob> plan_conversion(const Checkpoint& in, const ModelConfig* config, const std::string& format,
                                       const std::string& type);

// "f32", "f16" or "bf16": what every tensor of a safetensors output becomes; type as given, or the embedding's.
DType safetensors_type(const Checkpoint& in, const std::string& type);

}  // namespace frugal
