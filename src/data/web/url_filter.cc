// url_filter: documents whose address is on a list go.
//
// G. Penedo et al., "The RefinedWeb Dataset for Falcon LLM", 2023, section 3.1 and G.1, as datatrove 0.10.1 applies it,
// in this order: the host or a domain above it is on `domains`; the address is on `urls`; a word of the address
// (between signs) is on `words`; at least two different words are on `soft_words`; the address without its signs holds
// one of `subwords`. Lists as those of UT1 (Universite Toulouse Capitole) are read as they come. Documents without an
// address pass. Cost: a few look-ups and one search a subword.
#include <algorithm>
#include <unordered_set>

#include "data/op.h"
#include "data/web/url.h"
#include "data/web/word_list.h"

namespace frugal::data {
namespace {

using Set = std::unordered_set<std::string>;

bool alnum(char c) { return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z'); }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

struct Lists {
  Set domains, urls, words, soft_words;
  std::vector<std::string> subwords;
};

class UrlFilter : public RowOp {
 public:
  UrlFilter(Lists lists, std::string member, size_t soft)
      : lists_(std::move(lists)), member_(std::move(member)), soft_(soft) {}
  std::vector<std::string> reasons() const override {
    return {"url_domain", "url_address", "url_word", "url_soft_words", "url_subword"};
  }

  void apply(Document& doc, Scratch&) const override {
    const std::string url = meta_text(doc.meta(), member_);
    if (url.empty()) return;
    if (const std::optional<Url> parsed = parse_url(url)) {
      if (on_domains(plain_host(*parsed))) return doc.drop(0);
      if (on_urls(canonical_url(*parsed, {}))) return doc.drop(1);
    }
    by_words(doc, url);
  }

 private:
  bool on_domains(std::string_view host) const {
    if (lists_.domains.empty()) return false;
    for (;;) {
      if (lists_.domains.contains(std::string(host))) return true;
      const size_t dot = host.find('.');
      if (dot == std::string_view::npos) return false;
      host.remove_prefix(dot + 1);
    }
  }
  // The address, or one above it at a slash.
  bool on_urls(std::string_view url) const {
    if (lists_.urls.empty()) return false;
    for (;;) {
      if (lists_.urls.contains(std::string(url))) return true;
      const size_t slash = url.find_last_of("/?");
      if (slash == std::string_view::npos) return false;
      url = url.substr(0, slash);
    }
  }
  void by_words(Document& doc, std::string_view url) const {
    std::string word, run_together;
    Set soft;
    for (size_t i = 0; i <= url.size(); ++i) {
      if (i < url.size() && alnum(url[i])) {
        word += lower(url[i]);
        continue;
      }
      if (word.empty()) continue;
      if (lists_.words.contains(word)) return doc.drop(2);
      if (lists_.soft_words.contains(word)) soft.insert(word);
      run_together += word;
      word.clear();
    }
    if (soft.size() >= soft_) return doc.drop(3);
    if (std::any_of(lists_.subwords.begin(), lists_.subwords.end(),
                    [&](const auto& s) { return run_together.find(s) != std::string::npos; }))
      doc.drop(4);
  }

  Lists lists_;
  std::string member_;
  size_t soft_;
};

std::vector<std::string> list_of(const Args& a, const char* name) {
  return a.text(name).empty() ? std::vector<std::string>{} : read_list(a.text(name));
}
Set set_of(const Args& a, const char* name) {
  Set set;
  for (std::string& s : list_of(a, name)) {
    std::transform(s.begin(), s.end(), s.begin(), lower);
    set.insert(std::move(s));
  }
  return set;
}

std::unique_ptr<RowOp> make(const Args& a) {
  Lists lists{set_of(a, "domains"), {}, set_of(a, "words"), set_of(a, "soft_words"), list_of(a, "subwords")};
  for (const std::string& url : list_of(a, "urls"))
    lists.urls.insert(canonical_url(url.find("://") == std::string::npos ? "http://" + url : url, {}));
  return std::make_unique<UrlFilter>(std::move(lists), a.text("url"), static_cast<size_t>(a.integer("soft")));
}

ParamInfo list_param(const char* name, const char* help) { return ParamInfo::text(name, help).preset(""); }

const Register<MakeRowOp> kUrlFilter(
    {.kind = "data",
     .role = "filter",
     .name = "url_filter",
     .title = "The RefinedWeb Dataset for Falcon LLM",
     .authors = "Penedo et al.",
     .year = 2023,
     .arxiv = "2306.01116",
     .help = "drops documents by their address: domains, addresses, words",
     .params = {list_param("domains", "a file, folder or pattern of domains (.gz too): a host and all below it"),
                list_param("urls", "of addresses: one and all below it"),
                list_param("words", "of words, whole in the address"),
                list_param("soft_words", "of words of which `soft` different ones must occur"),
                list_param("subwords", "of letters that may stand anywhere, signs left out"),
                ParamInfo::integer("soft", "soft words needed").preset("2").at_least(1),
                ParamInfo::text("url", "the metadata member that holds the address").preset("url")}},
    make);

}  // namespace
}  // namespace frugal::data
