// exact and url_dedup: documents whose text, or whose address, is the same: one stays.
//
// Llama 3 (A. Dubey et al., "The Llama 3 Herd of Models", 2024, section 3.1.1) keeps the most recent version of the
// page of each URL; exact deduplication keeps the first. Keys are 64-bit hashes, and a second 64 bits must agree too
// for texts; two addresses of 1e9 share a key by chance in about 3 of 100 runs. Cost: 24 bytes a document on disk, a
// slice of them and 4 (newest: 12) bytes a document in memory.
#include <algorithm>
#include <optional>

#include "data/dedup/runs.h"
#include "data/dedup/within.h"
#include "data/op.h"
#include "data/scratch.h"
#include "data/web/url.h"
#include "data/words/simplify.h"

namespace frugal::data {
namespace {

// What the two share: one record a document, clusters of equal keys.
class ByKey : public GlobalOp {
 public:
  ByKey(std::string name, Within within) : name_(std::move(name)), within_(std::move(within)) {}
  std::vector<Column> columns() const override { return {{name_ + "_copies"}}; }
  std::vector<std::string> reasons() const override { return {name_ + "_duplicate"}; }
  void bind(const std::vector<Column>& before) override { within_.bind(before); }

  void group(const Sketches& sketches) override {
    const uint64_t second = ranked() ? 0 : ~uint64_t{0};
    clusters_ =
        cluster_runs(sketches, ranked(), [second](const SeenRecord& r) { return std::pair(r.key, r.value & second); });
  }
  void apply(Document& doc, uint64_t number, Scratch&) const override {
    doc.number(0, static_cast<double>(clusters_->size(number)));
    if (clusters_->keeper(number) != number) doc.drop(0);
  }

 protected:
  virtual bool ranked() const = 0;  // value: a rank, the greatest stays; else a second half of the key
  uint64_t seed(const Batch& batch, size_t row) const { return within_.seed(batch, row); }

 private:
  std::string name_;
  Within within_;
  std::optional<Clusters> clusters_;
};

class Exact : public ByKey {
 public:
  Exact(bool simplified, Within within) : ByKey("exact", std::move(within)), simplified_(simplified) {}
  void sketch(const Batch& batch, size_t row, Scratch& scratch, std::vector<Record>& out) const override {
    std::string_view text = batch.text[row];
    if (simplified_) {
      simplify_text(text, scratch.text_a);
      text = scratch.text_a;
    }
    const uint64_t within = seed(batch, row);
    out.push_back({hash_bytes(text, within), hash_bytes(text, within + 1), 0, 0});
  }

 private:
  bool ranked() const override { return false; }
  bool simplified_;
};

class UrlDedup : public ByKey {
 public:
  UrlDedup(std::string url, std::string date, bool newest, UrlForm form, Within within)
      : ByKey("url", std::move(within)), url_(std::move(url)), date_(std::move(date)), newest_(newest), form_(form) {}
  void sketch(const Batch& batch, size_t row, Scratch&, std::vector<Record>& out) const override {
    const std::string url = meta_text(batch.meta[row], url_);
    if (url.empty()) return;  // nothing to compare: kept
    const uint64_t rank = newest_ ? digits(meta_text(batch.meta[row], date_)) : 0;
    out.push_back({hash_bytes(canonical_url(url, form_), seed(batch, row)), rank, 0, 0});
  }

 private:
  bool ranked() const override { return true; }
  // 2024-05-01T12:00:00Z -> 20240501120000: dates of one form are ordered as these numbers.
  static uint64_t digits(const std::string& date) {
    uint64_t value = 0;
    int n = 0;
    for (char c : date)
      if (c >= '0' && c <= '9' && n++ < 17) value = value * 10 + static_cast<uint64_t>(c - '0');
    return value;
  }
  std::string url_, date_;
  bool newest_;
  UrlForm form_;
};

const Register<MakeGlobalOp> kExact(
    {.kind = "data",
     .role = "dedup",
     .name = "exact",
     .help = "keeps the first of documents with the same text",
     .params =
         {ParamInfo::flag("simplified", "equal but for case, numbers, signs, white space, accents").preset("false"),
          Within::param()}},
    [](const Args& a) { return std::make_unique<Exact>(a.flag("simplified"), Within(a.text("within"))); });

const Register<MakeGlobalOp> kUrl(
    {.kind = "data",
     .role = "dedup",
     .name = "url_dedup",
     .title = "The Llama 3 Herd of Models",
     .authors = "Dubey et al.",
     .year = 2024,
     .arxiv = "2407.21783",
     .help = "keeps the newest (or first) document of each URL",
     .params = {ParamInfo::text("url", "the metadata member that holds it").preset("url"),
                ParamInfo::text("date", "the member that dates a document").preset("date"),
                ParamInfo::choice("keep", {"newest", "first"}, "which stays").preset("newest"),
                ParamInfo::flag("scheme", "http and https differ").preset("false"),
                ParamInfo::flag("www", "www.a.org and a.org differ").preset("false"),
                ParamInfo::flag("tracking", "addresses with and without utm_..., gclid, fbclid differ").preset("false"),
                Within::param()}},
    [](const Args& a) {
      const UrlForm form{.scheme = a.flag("scheme"), .www = a.flag("www"), .tracking = a.flag("tracking")};
      return std::make_unique<UrlDedup>(a.text("url"), a.text("date"), a.text("keep") == "newest", form,
                                        Within(a.text("within")));
    });

}  // namespace
}  // namespace frugal::data
