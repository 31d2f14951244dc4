// pii_density: sites full of personal data go whole: address books, people finders, leaked lists.
//
// A. Dubey et al., "The Llama 3 Herd of Models", 2024, section 3.1.1, takes out the data of websites that hold much of
// it; how that is measured is not said. Here: the matches of `pii`'s finders in all documents of a site, for every
// `per` characters of their text; a site is a registered domain (public suffix list). A site with fewer than `min_docs`
// documents is not judged: one page says little. Documents without an address stay. Where `pii` stands before and has
// counted (and perhaps replaced) a kind, its column is taken, else the text is searched. The density and the number of
// the site's documents are written beside each document. Cost: pii's search, 24 bytes a document on disk, 24 bytes a
// site in memory.
#include <algorithm>

#include "data/dedup/runs.h"
#include "data/hash.h"
#include "data/op.h"
#include "data/rules/lines.h"
#include "data/rules/pii.h"
#include "data/scratch.h"
#include "data/web/url.h"

namespace frugal::data {
namespace {

// Matches and characters of one document in 64 bits: 24 and 40, as many as fit.
constexpr uint64_t kCharBits = 40, kMostChars = (uint64_t{1} << kCharBits) - 1, kMostMatches = (1 << 24) - 1;

class PiiDensity : public GlobalOp {
 public:
  PiiDensity(double most, double per, uint64_t least_docs, uint32_t kinds, std::string member)
      : most_(most), per_(per), least_docs_(least_docs), kinds_(kinds), member_(std::move(member)) {}
  std::vector<Column> columns() const override { return {{"pii_density"}, {"pii_density_docs"}}; }
  std::vector<std::string> reasons() const override { return {"pii_density"}; }

  void bind(const std::vector<Column>& before) override {
    counted_.fill(kNone);
    for (size_t c = 0; c < before.size(); ++c)
      for (size_t k = 0; k < kPiiKinds; ++k)
        if (before[c].name == "pii_" + kPiiNames[k]) counted_[k] = c;
  }

  void sketch(const Batch& batch, size_t row, Scratch&, std::vector<Record>& out) const override {
    const uint64_t site = site_of(batch.meta[row]);
    if (site == 0) return;
    const uint64_t chars = std::min<uint64_t>(characters(batch.text[row]), kMostChars);
    out.push_back({site, std::min(matches(batch, row), kMostMatches) << kCharBits | chars, 0, 0});
  }

  bool needs_lone_records() const override { return true; }  // a site may be one document
  void group(const Sketches& sketches) override {
    for_each_run(sketches, [this](std::span<const SeenRecord> site) { sum_site(site); });
    std::sort(sites_.begin(), sites_.end(), [](const Site& a, const Site& b) { return a.key < b.key; });
  }

  void apply(Document& doc, uint64_t, Scratch&) const override {
    const uint64_t key = site_of(doc.meta());
    const auto site =
        std::lower_bound(sites_.begin(), sites_.end(), key, [](const Site& s, uint64_t k) { return s.key < k; });
    if (key == 0 || site == sites_.end() || site->key != key) return;
    doc.number(0, site->density);
    doc.number(1, static_cast<double>(site->docs));
    if (site->docs >= least_docs_ && site->density > most_) doc.drop(0);
  }

 private:
  struct Site {
    uint64_t key, docs;
    double density;
  };

  uint64_t site_of(std::string_view meta) const {  // 0: no address
    const std::optional<Url> url = parse_url(meta_text(meta, member_));
    const std::string_view host = url ? plain_host(*url) : std::string_view();
    return host.empty() ? 0 : std::max<uint64_t>(hash_bytes(registered_domain(host)), 1);
  }

  uint64_t matches(const Batch& batch, size_t row) const {
    static thread_local std::vector<PiiSpan> spans;
    uint64_t count = 0;
    uint32_t search = kinds_;
    for (size_t k = 0; k < kPiiKinds; ++k) {
      const double found = counted_[k] == kNone ? std::nan("") : batch.numbers[counted_[k]][row];
      if ((kinds_ >> k & 1) == 0 || std::isnan(found)) continue;
      count += static_cast<uint64_t>(found);
      search &= ~(1u << k);
    }
    if (search != 0) find_pii(batch.text[row], search, spans);
    return count + (search != 0 ? spans.size() : 0);
  }

  void sum_site(std::span<const SeenRecord> documents) {
    uint64_t found = 0, chars = 0;
    for (const SeenRecord& d : documents) found += d.value >> kCharBits, chars += d.value & kMostChars;
    sites_.push_back({documents[0].key, documents.size(),
                      chars == 0 ? 0 : static_cast<double>(found) * per_ / static_cast<double>(chars)});
  }

  static constexpr size_t kNone = ~size_t{0};
  double most_, per_;
  uint64_t least_docs_;
  uint32_t kinds_;
  std::string member_;
  std::array<size_t, kPiiKinds> counted_{kNone, kNone, kNone, kNone, kNone};
  std::vector<Site> sites_;
};

const Register<MakeGlobalOp> kPiiDensity(
    {.kind = "data",
     .role = "dedup",
     .name = "pii_density",
     .title = "The Llama 3 Herd of Models",
     .authors = "Dubey et al.",
     .year = 2024,
     .arxiv = "2407.21783",
     .help = "drops all documents of sites (registered domains) with much personal data",
     .params = {ParamInfo::real("max", "sites with more matches for every `per` characters go").preset("5").at_least(0),
                ParamInfo::real("per", "characters").preset("10000").at_least(1),
                ParamInfo::integer("min_docs", "sites with fewer documents stay").preset("10").at_least(1),
                ParamInfo::list("kinds", "email, ip, phone, card, iban").preset("[email,ip,phone,card,iban]"),
                ParamInfo::text("url", "the metadata member that holds the address").preset("url")}},
    [](const Args& a) {
      return std::make_unique<PiiDensity>(a.real("max"), a.real("per"), static_cast<uint64_t>(a.integer("min_docs")),
                                          pii_mask(a), a.text("url"));
    });

}  // namespace
}  // namespace frugal::data
