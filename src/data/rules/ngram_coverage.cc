// ngram_coverage: documents of which too much lies in repeated n-grams go: logs, error messages, generated pages, whose
// lines are long and all different, so that line deduplication misses them.
//
// A. Dubey et al., "The Llama 3 Herd of Models", 2024, section 3.1.1 ("duplicated n-gram coverage ratio"); neither n
// nor the limit is published. Coverage: of all characters of words, the share in words that belong to an n-gram which
// occurs more than once, every copy counted. The defaults, n = 8 and 0.3, are ours. Cost: one table step a word.
#include "data/hash.h"
#include "data/hash_set.h"
#include "data/op.h"
#include "data/scratch.h"

namespace frugal::data {
namespace {

class NgramCoverage : public RowOp {
 public:
  NgramCoverage(size_t n, double most, WordKind kind) : n_(n), most_(most), kind_(kind) {}
  std::vector<Column> columns() const override { return {{"ngram_coverage"}}; }
  std::vector<std::string> reasons() const override { return {"ngram_coverage"}; }

  void apply(Document& doc, Scratch& scratch) const override {
    const double share = coverage(scratch.words(doc.text(), kind_), scratch.hashes_a);
    doc.number(0, share);
    if (share > most_) doc.drop(0);
  }

 private:
  double coverage(const Words& words, std::vector<uint64_t>& covered) const {
    if (words.size() < n_) return 0;
    static thread_local FirstSeen seen;
    seen.clear(words.size());
    covered.assign(words.size(), 0);
    constexpr uint64_t kBase = 0xD1B54A32D192ED03;
    uint64_t power = 1, rolling = 0;
    for (size_t i = 0; i < n_; ++i) power *= kBase;
    for (size_t i = 0; i < words.size(); ++i) {
      rolling = rolling * kBase + words[i].hash - (i >= n_ ? words[i - n_].hash * power : 0);
      if (i + 1 < n_) continue;
      const auto [count, first] = seen.add(mix(rolling), static_cast<uint32_t>(i));
      if (count == 1) continue;
      for (size_t k = 0; k < n_; ++k) covered[i - k] = covered[first - k] = 1;
    }
    double all = 0, inside = 0;
    for (size_t i = 0; i < words.size(); ++i)
      all += words[i].characters, inside += covered[i] != 0 ? words[i].characters : 0;
    return inside / all;
  }

  size_t n_;
  double most_;
  WordKind kind_;
};

const Register<MakeRowOp> kNgramCoverage(
    {.kind = "data",
     .role = "filter",
     .name = "ngram_coverage",
     .title = "The Llama 3 Herd of Models",
     .authors = "Dubey et al.",
     .year = 2024,
     .arxiv = "2407.21783",
     .help = "drops logs and generated text: much of it in n-grams that occur again",
     .params = {ParamInfo::integer("n", "words in an n-gram").preset("8").within(1, 100),
                ParamInfo::real("max", "greatest share of characters in repeated n-grams").preset("0.3").within(0, 1),
                words_param()}},
    [](const Args& a) {
      return std::make_unique<NgramCoverage>(static_cast<size_t>(a.integer("n")), a.real("max"), words_kind(a));
    });

}  // namespace
}  // namespace frugal::data
