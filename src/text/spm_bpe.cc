// SentencePiece BPE (Kudo and Richardson 2018, arXiv 1808.06226): characters merge into pieces, best first, leftmost
// among equals. Which is best says the score of the piece that results (SentencePiece) or, in vocabularies that come
// from a tokenizer.json, the rank of the pair; the two differ only where one piece is made by several pairs.
//
// A heap of candidate pairs over a linked list of symbols: n log n for the text. Candidates whose symbols have merged
// otherwise since are dropped when they come up. User-defined pieces are symbols that never merge. A result of type
// "unused" is taken apart again into what it was made of.
#include <algorithm>
#include <unordered_map>

#include "base/error.h"
#include "text/algorithms.h"
#include "text/sentencepiece.h"
#include "text/utf8.h"

namespace frugal {
namespace {

struct Merge {
  int32_t rank, id;
};

uint64_t pair_of(int32_t a, int32_t b) {
  return static_cast<uint64_t>(static_cast<uint32_t>(a)) << 32 | static_cast<uint32_t>(b);
}

class SpmBpe : public SentencePiece {
 public:
  explicit SpmBpe(TokenizerSpec spec) : SentencePiece(std::move(spec)) {
    for (int32_t id = 0; id < size(); ++id)
      if (is_text(id)) ids_.emplace(spec_.pieces[static_cast<size_t>(id)], id);
    for (size_t rank = 0; rank < spec_.merges.size(); ++rank) {
      const auto& [a, b] = spec_.merges[rank];
      const int32_t left = find(a), right = find(b), whole = find(a + b);
      if (left < 0 || right < 0 || whole < 0)
        fail(ErrorCode::kBadInput, "tokenizer", "merge {} ('{}' '{}') names pieces outside the vocabulary", rank, a, b);
      merges_.try_emplace(pair_of(left, right), Merge{static_cast<int32_t>(rank), whole});
    }
  }

 private:
  int32_t find(std::string_view piece) const {
    auto it = ids_.find(piece);
    return it == ids_.end() ? -1 : it->second;
  }
  void segment(std::string_view text, Sink& sink) const override;

  class Run;
  std::unordered_map<std::string_view, int32_t> ids_;  // pieces that text can become
  std::unordered_map<uint64_t, Merge> merges_;         // empty: by score
};

// One text's symbols and the pairs that may still merge.
class SpmBpe::Run {
 public:
  Run(const SpmBpe& model, std::string_view text) : m_(model), text_(text) {
    for (size_t at = 0; at < text.size();) {
      const size_t whole = m_.user_defined().empty() ? 0 : m_.user_defined().longest(text.substr(at));
      const size_t n = whole > 0 ? whole : utf8_length(text.substr(at));
      const int i = static_cast<int>(symbols_.size());
      symbols_.push_back({at, n, i - 1, i + 1, m_.find(text.substr(at, n)), whole > 0});
      at += n;
    }
    symbols_.back().next = -1;
  }

  void go(Sink& sink) {
    for (int i = 0; i + 1 < static_cast<int>(symbols_.size()); ++i) offer(i, i + 1);
    while (!heap_.empty()) {
      std::pop_heap(heap_.begin(), heap_.end());
      const Candidate c = heap_.back();
      heap_.pop_back();
      merge(c);
    }
    for (int i = 0; i >= 0; i = symbol(i).next) emit(text_.substr(symbol(i).from, symbol(i).size), sink);
  }

 private:
  struct Symbol {
    size_t from, size;
    int previous, next;
    int32_t id;
    bool fixed;
  };
  struct Candidate {
    double cost;  // best first
    int left, right;
    size_t size;
    int32_t id;
    bool operator<(const Candidate& o) const { return cost != o.cost ? cost > o.cost : left > o.left; }
  };

  Symbol& symbol(int i) { return symbols_[static_cast<size_t>(i)]; }

  void offer(int left, int right) {
    if (left < 0 || right < 0) return;
    const Symbol &l = symbol(left), &r = symbol(right);
    if (l.fixed || r.fixed) return;
    Candidate c = {0.0, left, right, l.size + r.size, -1};
    if (m_.merges_.empty()) {
      c.id = m_.find(text_.substr(l.from, c.size));
      if (c.id < 0) return;
      c.cost = -static_cast<double>(m_.spec().scores[static_cast<size_t>(c.id)]);
      if (m_.type(c.id) == TokenType::kUnused) parts_[text_.substr(l.from, c.size)] = l.size;
    } else {
      auto it = m_.merges_.find(pair_of(l.id, r.id));
      if (it == m_.merges_.end()) return;
      c.id = it->second.id;
      c.cost = it->second.rank;
    }
    heap_.push_back(c);
    std::push_heap(heap_.begin(), heap_.end());
  }

  void merge(const Candidate& c) {
    Symbol &l = symbol(c.left), &r = symbol(c.right);
    if (l.size == 0 || r.size == 0 || l.size + r.size != c.size) return;
    l.size = c.size;
    l.id = c.id;
    l.next = r.next;
    r.size = 0;
    if (r.next >= 0) symbol(r.next).previous = c.left;
    offer(l.previous, c.left);
    offer(c.left, l.next);
  }

  void emit(std::string_view piece, Sink& sink) const {
    const int32_t id = m_.find(piece);
    auto part = id >= 0 && m_.type(id) == TokenType::kUnused ? parts_.find(piece) : parts_.end();
    if (part != parts_.end()) {
      emit(piece.substr(0, part->second), sink);
      emit(piece.substr(part->second), sink);
    } else {
      id >= 0 ? sink.take(id) : sink.take_unknown(piece);
    }
  }

  const SpmBpe& m_;
  std::string_view text_;
  std::vector<Symbol> symbols_;
  std::vector<Candidate> heap_;
  std::unordered_map<std::string_view, size_t> parts_;  // unused pieces: length of the left part they were made of
};

void SpmBpe::segment(std::string_view text, Sink& sink) const {
  if (const int32_t whole = spec_.ignore_merges ? find(text) : -1; whole >= 0) return sink.take(whole);
  Run(*this, text).go(sink);
}

}  // namespace

std::unique_ptr<Tokenizer> make_spm_bpe(TokenizerSpec spec) { return std::make_unique<SpmBpe>(std::move(spec)); }

}  // namespace frugal
