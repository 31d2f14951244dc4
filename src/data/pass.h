// One pass over a source: workers that read, work and write in turn, with a bounded number of batches under way.
//
// Reading is one at a time and in order; making a batch of a block, the stages and the encoding run on all workers at
// once; what comes out is put in order again before it is written. So the output does not depend on the number of
// workers, one packed file keeps them all busy, and a slow disk holds the readers back. Memory: about four batches a
// worker.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "base/progress.h"
#include "data/manifest.h"
#include "data/plan.h"

namespace frugal::data {

struct Pass {
  size_t number = 0;
  const Source* source = nullptr;
  std::vector<Part> parts;
  const Plan* plan = nullptr;
  size_t first_stage = 0, end_stage = 0;  // stages applied here; first_stage may be a global one, already grouped
  const GlobalOp* sketcher = nullptr;     // what comes after them: a global operator, else the sink
  std::vector<uint64_t> bases;  // of the parts: the number of their first document, when first_stage is global
  std::string sketch_folder, out_folder, out_extension, rejects_folder;  // rejects_folder: empty, none are written
  uint32_t slices = 1;
};

// Where part number n of a pass goes.
std::string part_file(const std::string& folder, size_t part, const std::string& extension);

// Does what the manifest says is not done yet. Throws what a worker throws; Error(kCancelled) when stop is set.
void run_pass(const Pass& pass, Manifest& manifest, int workers, const std::atomic<bool>* stop, Progress& progress);

}  // namespace frugal::data
