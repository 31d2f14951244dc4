// SentencePiece unigram (Kudo 2018, arXiv 1804.10959): the segmentation whose pieces' scores (log-probabilities) have
// the largest sum, by Viterbi over the positions of the text. A character that no piece covers alone costs the worst
// score less 10. A user-defined piece counts 0.1 for each byte after its first, which beats any log-probability
// (SentencePiece 0.2; before, its length times the best score, less 0.1). Linear in the text times the longest piece.
#include <algorithm>
#include <limits>

#include "text/algorithms.h"
#include "text/sentencepiece.h"
#include "text/utf8.h"

namespace frugal {
namespace {

constexpr float kUnknownPenalty = 10.0f, kUserDefinedBonus = 0.1f;

class Unigram : public SentencePiece {
 public:
  explicit Unigram(TokenizerSpec spec) : SentencePiece(std::move(spec)) {
    worst_ = std::numeric_limits<float>::max();
    for (int32_t id = 0; id < size(); ++id) {
      const float score = spec_.scores[static_cast<size_t>(id)];
      if (type(id) == TokenType::kNormal) worst_ = std::min(worst_, score);
      const TokenType t = type(id);
      if (t == TokenType::kNormal || t == TokenType::kUserDefined)
        pieces_.add(spec_.pieces[static_cast<size_t>(id)], id);
    }
  }

 private:
  struct Arrival {  // the best way to a position
    float score = 0.0f;
    int32_t id = -1;  // of its last piece, -1: unknown
    size_t from = kNone;
  };
  static constexpr size_t kNone = ~size_t{0};

  void segment(std::string_view text, Sink& sink) const override {
    std::vector<Arrival> at(text.size() + 1);
    for (size_t i = 0; i < text.size();) {
      const size_t character = utf8_length(text.substr(i));
      if (!arrive(text, i, character, at)) improve(at[i + character], at[i].score + (worst_ - kUnknownPenalty), -1, i);
      i += character;
    }
    emit(text, at, sink);
  }

  // Offers every piece that begins at i; returns whether one is that character alone.
  bool arrive(std::string_view text, size_t i, size_t character, std::vector<Arrival>& at) const {
    bool alone = false;
    int32_t node = PieceTrie::kRoot;
    for (size_t end = i; end < text.size() && (node = pieces_.step(node, text[end])) != PieceTrie::kNone;) {
      ++end;
      const int32_t id = pieces_.id(node);
      if (id == PieceTrie::kNone) continue;
      improve(at[end], at[i].score + score(id, end - i), id, i);
      alone = alone || end - i == character;
    }
    return alone;
  }

  float score(int32_t id, size_t length) const {
    if (type(id) != TokenType::kUserDefined) return spec_.scores[static_cast<size_t>(id)];
    return kUserDefinedBonus * static_cast<float>(length - 1);
  }

  static void improve(Arrival& a, float score, int32_t id, size_t from) {
    if (a.from == kNone || score > a.score) a = {score, id, from};
  }

  void emit(std::string_view text, const std::vector<Arrival>& at, Sink& sink) const {
    std::vector<size_t> ends;
    for (size_t end = text.size(); end > 0; end = at[end].from) ends.push_back(end);
    for (auto end = ends.rbegin(); end != ends.rend(); ++end) {
      const Arrival& a = at[*end];
      a.id >= 0 ? sink.take(a.id) : sink.take_unknown(text.substr(a.from, *end - a.from));
    }
  }

  PieceTrie pieces_;
  float worst_;
};

}  // namespace

std::unique_ptr<Tokenizer> make_unigram(TokenizerSpec spec) { return std::make_unique<Unigram>(std::move(spec)); }

}  // namespace frugal
