#include "data/pack.h"

#include <algorithm>
#include <map>

namespace frugal::data {
namespace {

class Concat : public Packer {
 public:
  Concat(size_t length, TakeSequence take) : length_(length), take_(std::move(take)) {}

  void add(std::span<const int32_t> document) override {
    while (!document.empty()) {
      const size_t n = std::min(document.size(), length_ - tokens_.size());
      tokens_.insert(tokens_.end(), document.begin(), document.begin() + static_cast<std::ptrdiff_t>(n));
      pieces_.push_back(static_cast<uint32_t>(n));
      document = document.subspan(n);
      if (tokens_.size() == length_) end();
    }
  }
  void end() override {
    if (!tokens_.empty()) take_(tokens_, pieces_);
    tokens_.clear();
    pieces_.clear();
  }

 private:
  size_t length_;
  TakeSequence take_;
  std::vector<int32_t> tokens_;
  std::vector<uint32_t> pieces_;
};

class BestFit : public Packer {
 public:
  BestFit(size_t length, size_t window, TakeSequence take) : length_(length), window_(window), take_(std::move(take)) {}

  void add(std::span<const int32_t> document) override {
    while (!document.empty()) {
      const size_t n = std::min(document.size(), length_);
      pieces_.push_back({tokens_.size(), n});
      tokens_.insert(tokens_.end(), document.begin(), document.begin() + static_cast<std::ptrdiff_t>(n));
      document = document.subspan(n);
    }
    if (tokens_.size() >= window_) end();
  }

  void end() override {
    std::stable_sort(pieces_.begin(), pieces_.end(), [](const Piece& a, const Piece& b) { return a.size > b.size; });
    std::vector<std::vector<size_t>> bins;
    std::multimap<size_t, size_t> by_room;  // of the bins that are not full; equal ones in the order of their making
    for (size_t p = 0; p < pieces_.size(); ++p) place(p, bins, by_room);
    for (const auto& bin : bins) give(bin);
    tokens_.clear();
    pieces_.clear();
  }

 private:
  struct Piece {
    size_t begin, size;
  };

  void place(size_t p, std::vector<std::vector<size_t>>& bins, std::multimap<size_t, size_t>& by_room) {
    const auto fit = by_room.lower_bound(pieces_[p].size);
    size_t room = length_, bin = bins.size();
    if (fit == by_room.end()) {
      bins.emplace_back();
    } else {
      room = fit->first, bin = fit->second;
      by_room.erase(fit);
    }
    bins[bin].push_back(p);
    if (room > pieces_[p].size) by_room.emplace(room - pieces_[p].size, bin);
  }

  void give(const std::vector<size_t>& bin) {
    sequence_.clear();
    lengths_.clear();
    for (size_t p : bin) {
      const auto from = tokens_.begin() + static_cast<std::ptrdiff_t>(pieces_[p].begin);
      sequence_.insert(sequence_.end(), from, from + static_cast<std::ptrdiff_t>(pieces_[p].size));
      lengths_.push_back(static_cast<uint32_t>(pieces_[p].size));
    }
    take_(sequence_, lengths_);
  }

  size_t length_, window_;
  TakeSequence take_;
  std::vector<int32_t> tokens_, sequence_;
  std::vector<uint32_t> lengths_;
  std::vector<Piece> pieces_;
};

}  // namespace

std::unique_ptr<Packer> make_packer(Packing packing, size_t length, size_t window, TakeSequence take) {
  if (packing == Packing::kConcat) return std::make_unique<Concat>(length, std::move(take));
  return std::make_unique<BestFit>(length, window, std::move(take));
}

}  // namespace frugal::data
