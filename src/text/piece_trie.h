// Pieces by their bytes, walked one byte at a time: every piece that begins at a place of a text is found in one walk.
//
// The edges of all nodes lie in one open-addressing table keyed by (node, byte), so that a step costs one look-up and a
// vocabulary of 250,000 pieces some 30 MB.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace frugal {

class PieceTrie {
 public:
  static constexpr int32_t kRoot = 0, kNone = -1;

  void add(std::string_view piece, int32_t id);  // the first id of a piece stays
  bool empty() const { return ids_.size() == 1; }
  int32_t id(int32_t node) const { return ids_[static_cast<size_t>(node)]; }  // of the piece that ends here, or kNone
  int32_t step(int32_t node, char byte) const {                               // kNone when no piece goes on so
    if (edges_.empty()) return kNone;
    const uint64_t key = key_of(node, byte);
    for (size_t i = place(key);; i = (i + 1) & (edges_.size() - 1)) {
      if (edges_[i].key == key) return edges_[i].child;
      if (edges_[i].key == 0) return kNone;
    }
  }
  // Length of the longest piece that text begins with; 0 when there is none.
  size_t longest(std::string_view text) const;

 private:
  struct Edge {
    uint64_t key = 0;  // 0: free
    int32_t child = 0;
  };
  static uint64_t key_of(int32_t node, char byte) {
    return (static_cast<uint64_t>(node) << 8 | static_cast<unsigned char>(byte)) + 1;
  }
  size_t place(uint64_t key) const {
    return static_cast<size_t>((key * 0x9e3779b97f4a7c15ull) >> 24) & (edges_.size() - 1);
  }
  void insert(Edge edge);
  void grow();

  std::vector<int32_t> ids_ = {kNone};  // by node
  std::vector<Edge> edges_;             // a power of two, at most half full
};

}  // namespace frugal
