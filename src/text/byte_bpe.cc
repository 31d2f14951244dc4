// Byte-level byte-pair encoding (Radford et al. 2019; Sennrich et al. 2016, arXiv 1508.07909): inside each pre-token
// the pair with the best rank merges first, leftmost among equals. Pre-tokens repeat, so their ids are cached.
#include <algorithm>
#include <array>

#include "base/error.h"
#include "text/algorithms.h"
#include "text/byte_alphabet.h"
#include "text/piece_cache.h"
#include "text/pre_tokenizer.h"

namespace frugal {
namespace {

struct Merge {
  int32_t rank, id;
};

// Open addressing over packed pairs of ids.
class PairTable {
 public:
  void build(size_t n) {
    size_t size = 16;
    while (size < n * 2) size *= 2;
    slots_.assign(size, {kEmpty, {0, 0}});
  }
  void add(int32_t a, int32_t b, Merge m) {
    size_t i = place(key(a, b));
    while (slots_[i].key != kEmpty && slots_[i].key != key(a, b)) i = (i + 1) & (slots_.size() - 1);
    if (slots_[i].key == kEmpty) slots_[i] = {key(a, b), m};
  }
  const Merge* find(int32_t a, int32_t b) const {
    for (size_t i = place(key(a, b)); slots_[i].key != kEmpty; i = (i + 1) & (slots_.size() - 1))
      if (slots_[i].key == key(a, b)) return &slots_[i].merge;
    return nullptr;
  }

 private:
  static constexpr uint64_t kEmpty = ~uint64_t{0};
  struct Slot {
    uint64_t key;
    Merge merge;
  };
  static uint64_t key(int32_t a, int32_t b) {
    return static_cast<uint64_t>(static_cast<uint32_t>(a)) << 32 | static_cast<uint32_t>(b);
  }
  size_t place(uint64_t k) const {
    return static_cast<size_t>((k * 0x9e3779b97f4a7c15ull) >> 20) & (slots_.size() - 1);
  }
  std::vector<Slot> slots_;
};

class ByteBpe : public Tokenizer {
 public:
  explicit ByteBpe(TokenizerSpec spec)
      : Tokenizer(std::move(spec)), pre_(make_pre_tokenizer(spec_.pre_tokenizer, spec_.pre_patterns)) {
    for (int b = 0; b < 256; ++b)
      byte_ids_[static_cast<size_t>(b)] = id_of(to_byte_alphabet(std::string(1, static_cast<char>(b))));
    merges_.build(spec_.merges.size());
    for (size_t r = 0; r < spec_.merges.size(); ++r) {
      const auto& [a, b] = spec_.merges[r];
      const int32_t left = id_of(a), right = id_of(b), whole = id_of(a + b);
      if (left < 0 || right < 0 || whole < 0)
        fail(ErrorCode::kBadInput, "tokenizer", "merge {} ('{}' '{}') names pieces outside the vocabulary", r, a, b);
      merges_.add(left, right, {static_cast<int32_t>(r), whole});
    }
    spec_.merges.clear();
    spec_.merges.shrink_to_fit();
  }

 protected:
  void encode_plain(std::string_view text, bool first, std::vector<int32_t>& out) const override {
    std::string spaced;
    if (spec_.add_prefix_space && first && text[0] != ' ') {
      spaced = " " + std::string(text);
      text = spaced;
    }
    auto cache = caches_.take();
    pre_->split(text, [&](std::string_view piece) { encode_piece(piece, *cache, out); });
    caches_.give(std::move(cache));
  }

 private:
  static constexpr size_t kShort = 128;  // ids

  void encode_piece(std::string_view piece, PieceCache& cache, std::vector<int32_t>& out) const {
    if (piece.size() > PieceCache::kLongest) return merge(piece, out);
    const PieceCache::Key key = PieceCache::key_of(piece);
    PieceCache::Slot& slot = cache.slot(key);
    if (slot.key == key) {
      out.insert(out.end(), slot.ids, slot.ids + slot.count);
      return;
    }
    const size_t before = out.size();
    merge(piece, out);
    if (out.size() - before > PieceCache::kMostIds) return;
    slot.key = key;
    slot.count = static_cast<uint32_t>(out.size() - before);
    std::copy(out.begin() + static_cast<std::ptrdiff_t>(before), out.end(), slot.ids);
  }

  void merge(std::string_view piece, std::vector<int32_t>& out) const {
    if (spec_.ignore_merges)
      if (const int32_t whole = id_of(to_byte_alphabet(piece)); whole >= 0) return out.push_back(whole);
    std::vector<int32_t> ids;
    for (char c : piece)
      if (const int32_t id = byte_ids_[static_cast<unsigned char>(c)]; id >= 0)
        ids.push_back(id);  // a byte that the vocabulary lacks is dropped, as the references do
    ids.size() <= kShort ? merge_short(ids) : merge_long(ids);
    out.insert(out.end(), ids.begin(), ids.end());
  }

  // Scans for the best of the neighbours' merges, which it keeps beside the ids: fastest for words.
  void merge_short(std::vector<int32_t>& ids) const {
    static constexpr Merge kNone = {INT32_MAX, -1};
    size_t n = ids.size();
    Merge next[kShort];  // of ids[i] with its right neighbour
    auto look = [&](size_t i) {
      const Merge* m = i + 1 < n ? merges_.find(ids[i], ids[i + 1]) : nullptr;
      next[i] = m != nullptr ? *m : kNone;
    };
    for (size_t i = 0; i < n; ++i) look(i);
    while (n > 1) {
      size_t at = 0;
      for (size_t i = 1; i < n; ++i)
        if (next[i].rank < next[at].rank) at = i;
      if (next[at].rank == kNone.rank) break;
      ids[at] = next[at].id;
      std::copy(ids.begin() + static_cast<std::ptrdiff_t>(at) + 2, ids.begin() + static_cast<std::ptrdiff_t>(n),
                ids.begin() + static_cast<std::ptrdiff_t>(at) + 1);
      std::copy(next + at + 2, next + n, next + at + 1);
      --n;
      look(at);
      if (at > 0) look(at - 1);
    }
    ids.resize(n);
  }

  // A heap of candidate pairs over a linked list: n log n for pieces of any length.
  void merge_long(std::vector<int32_t>& ids) const {
    struct Candidate {
      int32_t rank;
      size_t at;
      int32_t left, right, id;
      bool operator<(const Candidate& o) const { return rank != o.rank ? rank > o.rank : at > o.at; }
    };
    const size_t n = ids.size();
    std::vector<size_t> next(n), previous(n);
    for (size_t i = 0; i < n; ++i) next[i] = i + 1, previous[i] = i - 1;
    std::vector<Candidate> heap;
    auto offer = [&](size_t i) {
      if (i >= n || next[i] >= n) return;
      if (const Merge* m = merges_.find(ids[i], ids[next[i]])) {
        heap.push_back({m->rank, i, ids[i], ids[next[i]], m->id});
        std::push_heap(heap.begin(), heap.end());
      }
    };
    for (size_t i = 0; i + 1 < n; ++i) offer(i);
    while (!heap.empty()) {
      std::pop_heap(heap.begin(), heap.end());
      const Candidate c = heap.back();
      heap.pop_back();
      if (ids[c.at] != c.left || next[c.at] >= n || ids[next[c.at]] != c.right) continue;
      const size_t gone = next[c.at];
      ids[c.at] = c.id;
      ids[gone] = -1;
      next[c.at] = next[gone];
      if (next[gone] < n) previous[next[gone]] = c.at;
      offer(c.at);
      if (c.at > 0) offer(previous[c.at]);
    }
    std::erase(ids, -1);
  }

  std::unique_ptr<PreTokenizer> pre_;
  PairTable merges_;
  std::array<int32_t, 256> byte_ids_;
  mutable PieceCaches caches_;
};

}  // namespace

std::unique_ptr<Tokenizer> make_byte_bpe(TokenizerSpec spec) { return std::make_unique<ByteBpe>(std::move(spec)); }

}  // namespace frugal
