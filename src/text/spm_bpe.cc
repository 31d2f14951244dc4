// SentencePiece BPE (Kudo and Richardson 2018, arXiv 1808.06226): characters merge into the piece with the best score,
// leftmost among equals; what no piece covers becomes its bytes, or the unknown id.
#include <algorithm>

#include "text/algorithms.h"
#include "text/utf8.h"

namespace frugal {
namespace {

const std::string kBlank = "\xe2\x96\x81";

class SpmBpe : public Tokenizer {
 public:
  explicit SpmBpe(TokenizerSpec spec) : Tokenizer(std::move(spec)) {
    static const char* digits = "0123456789ABCDEF";
    for (int b = 0; b < 256; ++b)
      bytes_[b] = id_of(std::string("<0x") + digits[b / 16] + digits[b % 16] + ">");
  }

 protected:
  void encode_plain(std::string_view text, bool first, std::vector<int32_t>& out) const override {
    std::string spaced = spec_.add_prefix_space && first ? kBlank : "";
    for (char c : text) c == ' ' ? spaced += kBlank : spaced += c;
    merge(spaced, out);
  }

 private:
  struct Symbol {
    size_t from, size;
    int previous, next;
  };
  struct Candidate {
    float score;
    int left, right;
    size_t size;
    bool operator<(const Candidate& o) const { return score != o.score ? score < o.score : left > o.left; }
  };

  void merge(const std::string& text, std::vector<int32_t>& out) const {
    std::vector<Symbol> symbols;
    for (size_t at = 0; at < text.size();) {
      const size_t n = utf8_length(std::string_view(text).substr(at));
      const int i = static_cast<int>(symbols.size());
      symbols.push_back({at, n, i - 1, i + 1});
      at += n;
    }
    if (symbols.empty()) return;
    symbols.back().next = -1;
    std::vector<Candidate> heap;
    auto offer = [&](int left, int right) {
      if (left < 0 || right < 0) return;
      const size_t size = symbols[static_cast<size_t>(left)].size + symbols[static_cast<size_t>(right)].size;
      const int32_t id = mergeable(text.substr(symbols[static_cast<size_t>(left)].from, size));
      if (id < 0) return;
      heap.push_back({spec_.scores[static_cast<size_t>(id)], left, right, size});
      std::push_heap(heap.begin(), heap.end());
    };
    for (int i = 0; i + 1 < static_cast<int>(symbols.size()); ++i) offer(i, i + 1);
    while (!heap.empty()) {
      std::pop_heap(heap.begin(), heap.end());
      const Candidate c = heap.back();
      heap.pop_back();
      Symbol &l = symbols[static_cast<size_t>(c.left)], &r = symbols[static_cast<size_t>(c.right)];
      if (l.size == 0 || r.size == 0 || l.size + r.size != c.size) continue;
      l.size = c.size;
      r.size = 0;
      l.next = r.next;
      if (r.next >= 0) symbols[static_cast<size_t>(r.next)].previous = c.left;
      offer(l.previous, c.left);
      offer(c.left, l.next);
    }
    for (int i = 0; i >= 0; i = symbols[static_cast<size_t>(i)].next) emit(text.substr(symbols[static_cast<size_t>(i)].from, symbols[static_cast<size_t>(i)].size), out);
  }

  // The id of a piece that merging may make; control and byte pieces are never made from text.
  int32_t mergeable(const std::string& piece) const {
    const int32_t id = id_of(piece);
    if (id < 0 || spec_.types.empty()) return id;
    const TokenType t = spec_.types[static_cast<size_t>(id)];
    return t == TokenType::kNormal || t == TokenType::kUserDefined ? id : -1;
  }

  void emit(const std::string& piece, std::vector<int32_t>& out) const {
    const int32_t id = mergeable(piece);
    if (id >= 0) return out.push_back(id);
    for (char c : piece) {
      const int32_t byte = bytes_[static_cast<unsigned char>(c)];
      if (byte < 0) return out.push_back(std::max(0, spec_.unk));
      out.push_back(byte);
    }
  }

  int32_t bytes_[256];
};

}  // namespace

std::unique_ptr<Tokenizer> make_spm_bpe(TokenizerSpec spec) { return std::make_unique<SpmBpe>(std::move(spec)); }

}  // namespace frugal
