// The vocabulary in which a model family is written: about a dozen operations on opaque handles.
//
// A family calls Ops and nothing else, with no control flow that depends on data. AtenOps executes at once on tensors
// (autograd; the oracle of tests); Recorder writes down a Program that a team of threads replays (recorder.h).
#pragma once

#include <vector>

#include "kv/cache.h"
#include "model/weight.h"

namespace frugal {

using Val = int;  // a handle: an activation of rows x columns

// One layer's attention, in the family's words.
struct AttendArgs {
  AttendSpec spec;             // rope and slopes point into the Model
  Val q = -1, k = -1, v = -1;  // k, v < 0: read the rows of spec.layer, which another layer writes
  int64_t out_cols = 0;        // H * v_width
};

// Gated MLPs of which each row uses a few. All of one shape; gates and ups of one type, downs of one type; no biases.
struct MoeArgs {
  struct Expert {
    const Linear *gate = nullptr, *up = nullptr, *down = nullptr;
  };
  Val x = -1, scores = -1;  // scores: rows x experts, the router's
  std::vector<Expert> experts;
  int used = 0;  // experts a row
  Activation act = Activation::kSilu;
};

class Ops {
 public:
  virtual ~Ops() = default;
  virtual Val embed(Weight& table, float scale) = 0;                    // rows x C; ids, or input embeddings as given
  virtual Val norm(Val x, Weight* gain, float eps, bool plus_one) = 0;  // RMSNorm of each row; gain may be null
  virtual Val head_norm(Val x, Weight* gain, float eps, bool plus_one) = 0;  // ... of each head of gain's size
  virtual Val linear(Val x, const Linear& w) = 0;                            // without its adapters: see project()
  virtual Val attend(const AttendArgs& args) = 0;                            // rows x H * v_width
  virtual Val gated(Activation act, Val gate, Val up) = 0;
  // Sum of the used experts of highest scores (ties: the lower), weighted by the softmax over those scores.
  virtual Val moe(const MoeArgs& args) = 0;
  virtual Val add(Val a, Val b) = 0;
  virtual Val scale(Val x, float s) = 0;
  virtual Val softcap(Val x, float cap) = 0;  // cap * tanh(x / cap)
  virtual Val wanted_rows(Val x) = 0;         // the rows whose logits were asked for
};

// Changes a projection's output; written on Ops itself, so the same object trains (AtenOps) and serves (Recorder).
class Adapter {
 public:
  virtual ~Adapter() = default;
  virtual Val apply(Ops& ops, Val x, Val base_out, const Linear& linear) const = 0;
};

// The projection with everything that is attached to it.
inline Val project(Ops& ops, Val x, const Linear& w) {
  Val y = ops.linear(x, w);
  for (const Adapter* a : w.adapters) y = a->apply(ops, x, y, w);
  return y;
}

}  // namespace frugal
