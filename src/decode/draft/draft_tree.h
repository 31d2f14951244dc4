// What a drafter proposes: a tree of tokens to be verified in one pass, and how each was drawn.
//
// Node 0 is the pending token, the last one committed. A node carries trials in the order in which they are to be
// tried; a trial says which token was drawn and from what: a distribution, or a point mass when it was chosen, copied
// or searched for. Trials of one token lead to one child, and all of them count (SpecInfer, arXiv 2305.09781,
// section 4.3). A chain is a tree of width one. Parents stand before their children, so that kept rows ascend.
#pragma once

#include <memory>
#include <vector>

#include "decode/sampler/sampler.h"

namespace frugal {

struct Trial {
  int32_t token = -1;
  std::shared_ptr<const Distribution> q = nullptr;  // what token was drawn from; null: a point mass
  bool replaced = true;  // false: the tokens of this node's earlier trials from the same q were out of play
};

class DraftTree {
 public:
  struct Node {
    int parent = -1;
    int32_t token = -1;
    int depth = 0;
    std::vector<Trial> trials = {};
  };

  DraftTree() { reset(-1); }
  void reset(int32_t pending);  // one node
  int size() const { return static_cast<int>(nodes_.size()); }
  const Node& node(int i) const { return nodes_[static_cast<size_t>(i)]; }
  int child(int parent, int32_t token) const;  // -1 when there is none
  // One more trial at parent; the child it leads to.
  int add(int parent, Trial trial);
  // ... and no child for it, when the tree is as large as it may be. Accepted, its token ends the step.
  void add_leaf_trial(int parent, Trial trial);
  // Leaves at most `nodes` of them, none deeper than `depth`. Trials stay: dropping them would bias the outcome.
  void cut(int nodes, int depth);
  int depth() const;  // of the deepest node
  bool is_chain() const;
  std::vector<int> parents() const;

 private:
  std::vector<Node> nodes_;
};

}  // namespace frugal
