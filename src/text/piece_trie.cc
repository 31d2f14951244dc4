#include "text/piece_trie.h"

namespace frugal {

void PieceTrie::add(std::string_view piece, int32_t id) {
  int32_t node = kRoot;
  for (char byte : piece) {
    int32_t next = step(node, byte);
    if (next == kNone) {
      next = static_cast<int32_t>(ids_.size());
      ids_.push_back(kNone);
      if (edges_.size() < ids_.size() * 2) grow();
      insert({key_of(node, byte), next});
    }
    node = next;
  }
  if (node != kRoot && ids_[static_cast<size_t>(node)] == kNone) ids_[static_cast<size_t>(node)] = id;
}

size_t PieceTrie::longest(std::string_view text) const {
  size_t best = 0;
  int32_t node = kRoot;
  for (size_t i = 0; i < text.size() && (node = step(node, text[i])) != kNone; ++i)
    if (id(node) != kNone) best = i + 1;
  return best;
}

void PieceTrie::insert(Edge edge) {
  size_t i = place(edge.key);
  while (edges_[i].key != 0) i = (i + 1) & (edges_.size() - 1);
  edges_[i] = edge;
}

void PieceTrie::grow() {
  std::vector<Edge> old(edges_.empty() ? 64 : edges_.size() * 2);
  old.swap(edges_);
  for (const Edge& e : old)
    if (e.key != 0) insert(e);
}

}  // namespace frugal
