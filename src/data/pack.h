// Documents packed into sequences of one length, for training.
//
// `concat` sets documents one after the other and cuts every `length` tokens (T. Brown et al., "Language Models are
// Few-Shot Learners", 2020, 2005.14165, section 2.2 and appendix B): no padding but in the last sequence, and a
// document is cut wherever a sequence ends. `bestfit` cuts only documents longer than a sequence (H. Ding et al.,
// "Fewer Truncations Improve Language Modeling", 2024, 2404.10830, section 3): pieces of at most `length` tokens, the
// longest first, go where the least room is left that holds them (best-fit decreasing); what stays empty is padding.
// Theirs packs a whole data set at once, here it is done a window of tokens at a time, so memory is bounded and a part
// of the input gives the same whatever runs beside it. Cost: n log n in the pieces of a window.
//
// No paper's mask is applied here: where one document ends and another begins is told (M. Krell et al., "Efficient
// Sequence Packing without Cross-contamination", 2021, 2107.02027), and the trainer decides.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace frugal::data {

// Takes a finished sequence: its tokens (at most `length`; the rest is padding) and the lengths of its documents'
// pieces in order, whose sum they are.
using TakeSequence = std::function<void(std::span<const int32_t> tokens, std::span<const uint32_t> pieces)>;

class Packer {
 public:
  virtual ~Packer() = default;
  virtual void add(std::span<const int32_t> document) = 0;
  virtual void end() = 0;  // gives out what is left
};

enum class Packing { kConcat, kBestFit };
// length: tokens of a sequence, at least 1; window: bestfit packs as soon as it holds so many tokens.
std::unique_ptr<Packer> make_packer(Packing packing, size_t length, size_t window, TakeSequence take);

}  // namespace frugal::data
