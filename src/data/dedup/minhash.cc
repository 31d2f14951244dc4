// minhash: near-duplicates by locality-sensitive hashing; of each cluster one document stays.
//
// A. Broder, "On the Resemblance and Containment of Documents", 1997; banding as in J. Leskovec et al., Mining of
// Massive Datasets, chapter 3: the signature is cut into b bands of r values, and two documents that agree in a whole
// band are near-duplicates: a pair of similarity s is found with probability 1 - (1 - s^r)^b. The defaults, 14 bands of
// 8 over 5-grams of words, are FineWeb's. Clusters are the connected components of such pairs. Deviations from
// datatrove: a band is compared by a 64-bit hash of its values; documents that are equal in a band all join the first
// of them, which gives the same components. Documents with fewer words than an n-gram are always kept: let `exact` see
// to them. keep=first depends on the order of the input; keep=longest does not. Cost: 24 bytes a band and document on
// disk; in memory one band's slice of them, and 4 (longest: 12) bytes a document.
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "data/dedup/minhash_signature.h"
#include "data/dedup/runs.h"
#include "data/dedup/within.h"
#include "data/op.h"

namespace frugal::data {
namespace {

class MinHash : public GlobalOp {
 public:
  MinHash(size_t bands, size_t rows, const MinHasher& hasher, bool longest, Within within)
      : bands_(bands), rows_(rows), hasher_(hasher), longest_(longest), within_(std::move(within)) {}
  std::vector<Column> columns() const override { return {{"minhash_keeper"}, {"minhash_cluster_size"}}; }
  std::vector<std::string> reasons() const override { return {"minhash_duplicate"}; }
  void bind(const std::vector<Column>& before) override { within_.bind(before); }

  void sketch(const Batch& batch, size_t row, Scratch& scratch, std::vector<Record>& out) const override {
    static thread_local std::vector<uint64_t> minima;
    const std::string_view text = batch.text[row];
    if (!hasher_.signature(text, scratch, minima)) return;
    const uint64_t seed = within_.seed(batch, row);
    const uint64_t rank = longest_ ? (uint64_t{text.size()} << 32) | (hash_bytes(text) >> 32) : 0;
    for (size_t band = 0; band < bands_; ++band) {
      const char* values = reinterpret_cast<const char*>(minima.data() + band * rows_);
      out.push_back({hash_bytes({values, rows_ * sizeof(uint64_t)}, seed), rank, 0, static_cast<uint32_t>(band)});
    }
  }

  void group(const Sketches& sketches) override {
    clusters_ = cluster_runs(sketches, longest_, [](const SeenRecord& r) { return r.key; });
  }

  void apply(Document& doc, uint64_t number, Scratch&) const override {
    const uint64_t keeper = clusters_->keeper(number);
    doc.number(0, static_cast<double>(keeper));
    doc.number(1, static_cast<double>(clusters_->size(number)));
    if (keeper != number) doc.drop(0);
  }

 private:
  size_t bands_, rows_;
  MinHasher hasher_;
  bool longest_;
  Within within_;
  std::optional<Clusters> clusters_;
};

std::unique_ptr<GlobalOp> make(const Args& a) {
  const auto bands = static_cast<size_t>(a.integer("bands")), rows = static_cast<size_t>(a.integer("rows"));
  const double found = 1 - std::pow(1 - std::pow(0.9, static_cast<double>(rows)), static_cast<double>(bands));
  if (found < 0.05)
    fail(ErrorCode::kUsage, "minhash",
         "found bands={} and rows={}, which would find {:.1f} % of pairs of similarity 0.9; expected at least 5 %: "
         "more bands or fewer rows (were the two exchanged?)",
         bands, rows, found * 100);
  const std::string& hash = a.text("hash");
  const ShingleHash kind = hash == "xxh64"  ? ShingleHash::kXxh64
                           : hash == "sha1" ? ShingleHash::kSha1
                                            : ShingleHash::kFast;
  const MinHasher hasher(bands * rows, static_cast<size_t>(a.integer("ngram")),
                         static_cast<uint32_t>(a.integer("seed")), words_kind(a), kind);
  return std::make_unique<MinHash>(bands, rows, hasher, a.text("keep") == "longest", Within(a.text("within")));
}

const Register<MakeGlobalOp> kMinHash(
    {.kind = "data",
     .role = "dedup",
     .name = "minhash",
     .title = "On the Resemblance and Containment of Documents",
     .authors = "Broder",
     .year = 1997,
     .help = "keeps one of each cluster of near-duplicates (MinHash signatures, banded)",
     .params = {ParamInfo::integer("bands", "bands of the signature").preset("14").within(1, 1000),
                ParamInfo::integer("rows", "values in a band").preset("8").within(1, 100),
                ParamInfo::integer("ngram", "words in a shingle").preset("5").within(1, 100),
                ParamInfo::choice("keep", {"first", "longest"}, "which of a cluster stays").preset("first"),
                Within::param(),
                ParamInfo::choice("hash", {"fast", "xxh64", "sha1"},
                                  "of shingles; xxh64 and sha1 with words=spacy: datatrove's signatures")
                    .preset("fast"),
                words_param(), ParamInfo::integer("seed", "of the permutations").preset("1").within(0, 4294967295)}},
    make);

}  // namespace
}  // namespace frugal::data
