// Mixture of experts (Mixtral, Jiang et al. 2024, arXiv 2401.04088, section 2.1): of E gated MLPs each row uses the k
// that its router scores highest, y = sum over them of softmax(top-k scores)_e * MLP_e(x).
//
// Rows that share an expert meet its weights together, so that each panel is read once a tile of rows:
//   route     top k of every row (ties: the lower id) and their weights; pairs (row, expert) put in order of expert,
//             then row, by counting (one thread: E + k steps a row are nothing beside a projection)
//   prepare   rows gathered into each expert's tiles        gated     act(gate x) * (up x) of every pair
//   prepare   the pairs' hidden rows into tiles             down      their outputs
//   combine   each row's outputs times their weights, in ascending order of expert
// A call each, a barrier between. Row contract: a tile's other rows change none (kernels.h), and a row's own experts
// and the order of its sum depend on its scores alone. Weights are normalised over the k chosen, which equals a softmax
// over all E renormalised. Cost: k gated MLPs a row, E at most read from memory; space for k hidden and k output rows a
// row, shared by all layers.
#pragma once

#include "model/calls.h"

namespace frugal {

// Which experts the rows of this step use. A pair's place is its index in the order by expert, then row.
struct Routing {
  int experts = 0, used = 0;
  int32_t* chosen = nullptr;      // rows x used, ascending
  float* weight = nullptr;        // rows x used
  int32_t* place = nullptr;       // rows x used
  int32_t* row_of = nullptr;      // by place
  int32_t* first = nullptr;       // experts + 1: the place where each expert's pairs begin
  int32_t* first_tile = nullptr;  // experts: tiles of the experts before
  int count(int expert) const { return first[expert + 1] - first[expert]; }
  int pairs(int rows) const { return rows * used; }
  // Tiles that rows can need at most: each expert's last one may be part empty.
  static int64_t max_tiles(int rows, int experts, int used) {
    return static_cast<int64_t>(rows) * used / kTile + experts;
  }
};

class RouteCall : public Call {
 public:
  RouteCall(Rows scores, Routing routing) : scores_(scores), r_(routing) {}
  void run(const StepParams& step, Team team) const override;
  const char* name() const override { return "route"; }

 private:
  void choose(const float* scores, int32_t* chosen, float* weight) const;
  void order(int rows) const;
  Rows scores_;
  Routing r_;
};

// Fills every expert's tiles with its pairs' rows of x: x's row of the batch, or (by_place) of the pair itself.
class GatherCall : public Call {
 public:
  GatherCall(const KernelTable& k, Rows x, bool by_place, ActForm form, Routing routing, uint8_t* tiles)
      : k_(k), x_(x), by_place_(by_place), form_(form), r_(routing), tiles_(tiles) {}
  void run(const StepParams& step, Team team) const override;
  const char* name() const override { return "expert prepare"; }

 private:
  const KernelTable& k_;
  Rows x_;
  bool by_place_;
  ActForm form_;
  Routing r_;
  uint8_t* tiles_;
};

// One projection (or gate and up together) of every expert, whose target's out begins at place 0.
class ExpertCall : public Call {
 public:
  ExpertCall(const KernelTable& k, ActForm form, Routing routing, const uint8_t* tiles,
             std::vector<LinearTarget> targets)
      : k_(k), form_(form), r_(routing), tiles_(tiles), targets_(std::move(targets)) {}
  void run(const StepParams& step, Team team) const override;
  const char* name() const override { return targets_[0].up != nullptr ? "expert gated" : "expert down"; }

 private:
  const KernelTable& k_;
  ActForm form_;
  Routing r_;
  const uint8_t* tiles_;
  std::vector<LinearTarget> targets_;  // by expert
};

class CombineCall : public Call {
 public:
  CombineCall(Rows pairs, Routing routing, Rows out) : pairs_(pairs), r_(routing), out_(out) {}
  void run(const StepParams& step, Team team) const override;
  const char* name() const override { return "expert sum"; }

 private:
  Rows pairs_;
  Routing r_;
  Rows out_;
};

}  // namespace frugal
