// Counter-based random streams: number i of a stream is a pure function of (seed, request, purpose, i).
//
// So a run repeats whatever the batch, the thread or the order of requests, streams of different purposes
// never share numbers, and a copy of a stream is a position and nothing more. The function is Philox4x32-10
// (J. Salmon, M. Moraes, R. Dror, D. Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011): ten
// rounds over a 128-bit counter with a 64-bit key. Here the key is the seed and the counter {block, purpose,
// request}, so a stream holds 2^34 numbers.
#pragma once

#include <array>
#include <cstdint>

namespace frugal {

inline std::array<uint32_t, 4> philox4x32_10(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t a = uint64_t{0xD2511F53u} * counter[0], b = uint64_t{0xCD9E8D57u} * counter[2];
    counter = {static_cast<uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<uint32_t>(b),
               static_cast<uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<uint32_t>(a)};
    key = {key[0] + 0x9E3779B9u, key[1] + 0xBB67AE85u};
  }
  return counter;
}

// What a stream's numbers are for. Never renumber: a seed must give the same run in every version.
enum class Purpose : uint32_t { kTest = 0, kSample = 1, kDraft = 2, kVerify = 3, kCache = 4, kInit = 5, kData = 6 };

class Stream {
 public:
  Stream(uint64_t seed, uint64_t request, Purpose purpose) : seed_(seed), request_(request), purpose_(purpose) {}

  uint32_t bits() {
    if (const uint64_t block = position_ / 4; block != block_) {
      block_ = block;
      words_ = philox4x32_10({static_cast<uint32_t>(block), static_cast<uint32_t>(purpose_),
                              static_cast<uint32_t>(request_), static_cast<uint32_t>(request_ >> 32)},
                             {static_cast<uint32_t>(seed_), static_cast<uint32_t>(seed_ >> 32)});
    }
    return words_[position_++ % 4];
  }
  // In [0, 1), each of the 2^24 multiples of 2^-24 equally likely.
  float uniform() { return static_cast<float>(bits() >> 8) * 0x1p-24f; }
  // In [0, 1), 53 bits: two numbers of the stream.
  double uniform53() {
    const uint64_t high = bits() >> 5, low = bits() >> 6;
    return static_cast<double>((high << 26) | low) * 0x1p-53;
  }

  uint64_t position() const { return position_; }  // 32-bit numbers drawn so far
  void seek(uint64_t position) { position_ = position; }

 private:
  uint64_t seed_, request_;
  Purpose purpose_;
  uint64_t position_ = 0, block_ = ~uint64_t{0};
  std::array<uint32_t, 4> words_{};
};

inline Stream stream(uint64_t seed, uint64_t request, Purpose purpose) { return {seed, request, purpose}; }

}  // namespace frugal
