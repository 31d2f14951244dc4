// pii: e-mail addresses, public IP addresses, telephone, card and account numbers: counted, replaced, or a reason to
// drop.
//
// FineWeb replaces e-mail and public IP addresses (G. Penedo et al., 2024, section 3.7); Dolma drops documents with
// more than five hits and masks the others (L. Soldaini et al., 2024). Which replacement stands in is decided by the
// document's text and the place in it, not by a counter that would depend on how the input is split; none of them is
// found again.
#include <array>

#include "base/error.h"
#include "data/hash.h"
#include "data/op.h"
#include "data/rules/pii.h"
#include "data/scratch.h"

namespace frugal::data {

const std::array<std::string, kPiiKinds> kPiiNames = {"email", "ip", "phone", "card", "iban"};

uint32_t pii_mask(const Args& args) {
  uint32_t mask = 0;
  for (const Value& v : args.list("kinds")) {
    size_t k = 0;
    while (k < kPiiKinds && v.text != kPiiNames[k]) ++k;
    if (k == kPiiKinds)
      fail(ErrorCode::kUsage, "pii", "found kind '{}', expected email, ip, phone, card or iban", v.text);
    mask |= 1u << k;
  }
  return mask;
}

namespace {

constexpr std::array<std::array<std::string_view, 2>, kPiiKinds> kReplacements = {
    {{"email@example.com", "firstname.lastname@example.org"},
     {"192.0.2.1", "198.51.100.7"},
     {"<PHONE_NUMBER>", "<PHONE_NUMBER>"},
     {"<CARD_NUMBER>", "<CARD_NUMBER>"},
     {"<ACCOUNT_NUMBER>", "<ACCOUNT_NUMBER>"}}};

class PiiRule : public RowOp {
 public:
  PiiRule(uint32_t kinds, bool replace, double most) : kinds_(kinds), replace_(replace), most_(most) {}
  std::vector<Column> columns() const override {
    std::vector<Column> list;
    list.reserve(kPiiNames.size());
    for (const std::string& name : kPiiNames) list.push_back({"pii_" + name});
    return list;
  }
  std::vector<std::string> reasons() const override { return {"pii_too_many"}; }

  void apply(Document& doc, Scratch& scratch) const override {
    static thread_local std::vector<PiiSpan> spans;
    const std::string_view text = doc.text();
    find_pii(text, kinds_, spans);
    std::array<double, kPiiKinds> counts{};
    for (const PiiSpan& s : spans) ++counts[static_cast<size_t>(s.kind)];
    for (size_t k = 0; k < kPiiKinds; ++k)
      if ((kinds_ >> k & 1) != 0) doc.number(k, counts[k]);
    if (static_cast<double>(spans.size()) > most_) return doc.drop(0);
    if (!replace_ || spans.empty()) return;
    std::string& out = scratch.text_a;
    out.clear();
    size_t at = 0;
    for (const PiiSpan& s : spans) {
      const uint64_t pick = mix(hash_bytes(text.substr(s.begin, s.end - s.begin), s.begin)) & 1;
      out.append(text.substr(at, s.begin - at)).append(kReplacements[static_cast<size_t>(s.kind)][pick]);
      at = s.end;
    }
    doc.set_text(out.append(text.substr(at)));
  }

 private:
  uint32_t kinds_;
  bool replace_;
  double most_;
};

const Register<MakeRowOp> kPii(
    {.kind = "data",
     .role = "filter",
     .name = "pii",
     .title = "The FineWeb Datasets: Decanting the Web for the Finest Text Data at Scale",
     .authors = "Penedo et al.",
     .year = 2024,
     .arxiv = "2406.17557",
     .help = "replaces, counts or drops by personal data: e-mail, IP, phone, card, IBAN",
     .params = {ParamInfo::list("kinds", "email, ip, phone, card, iban").preset("[email,ip]"),
                ParamInfo::choice("action", {"replace", "count"}, "what happens in documents that are kept")
                    .preset("replace"),
                ParamInfo::real("max", "documents with more go (Dolma: 5)").preset("1000000000").at_least(0)}},
    [](const Args& a) { return std::make_unique<PiiRule>(pii_mask(a), a.text("action") == "replace", a.real("max")); });

}  // namespace
}  // namespace frugal::data
