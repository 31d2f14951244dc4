#include "decode/draft/draft_tree.h"

#include <algorithm>
#include <utility>

namespace frugal {

void DraftTree::reset(int32_t pending) {
  nodes_.clear();
  nodes_.push_back({-1, pending, 0});
}

int DraftTree::child(int parent, int32_t token) const {
  for (int i = parent + 1; i < size(); ++i)
    if (node(i).parent == parent && node(i).token == token) return i;
  return -1;
}

int DraftTree::add(int parent, Trial trial) {
  int to = child(parent, trial.token);
  if (to < 0) {
    to = size();
    nodes_.push_back({parent, trial.token, node(parent).depth + 1});
  }
  add_leaf_trial(parent, std::move(trial));
  return to;
}

void DraftTree::add_leaf_trial(int parent, Trial trial) {
  nodes_[static_cast<size_t>(parent)].trials.push_back(std::move(trial));
}

void DraftTree::cut(int nodes, int depth) {
  std::vector<int> place(nodes_.size(), -1);
  int kept = 0;
  for (int i = 0; i < size() && kept < nodes; ++i) {
    Node& n = nodes_[static_cast<size_t>(i)];
    if (n.depth > depth || (i > 0 && place[static_cast<size_t>(n.parent)] < 0)) continue;
    if (i > 0) n.parent = place[static_cast<size_t>(n.parent)];
    place[static_cast<size_t>(i)] = kept;
    if (kept != i) nodes_[static_cast<size_t>(kept)] = std::move(n);
    ++kept;
  }
  nodes_.resize(static_cast<size_t>(kept));
}

int DraftTree::depth() const {
  int deepest = 0;
  for (const Node& n : nodes_) deepest = std::max(deepest, n.depth);
  return deepest;
}

bool DraftTree::is_chain() const {
  for (int i = 1; i < size(); ++i)
    if (node(i).parent != i - 1) return false;
  return true;
}

std::vector<int> DraftTree::parents() const {
  std::vector<int> list;
  for (const Node& n : nodes_) list.push_back(n.parent);
  return list;
}

}  // namespace frugal
