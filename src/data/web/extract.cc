// extract: the main text of web pages in place of their HTML (page_text.h). Documents that are no HTML pass as they
// are.
//
// The title goes to the metadata. A page of which nothing is left is dropped; so is one with more elements nested in
// each other than a parser should follow.
#include <algorithm>

#include "data/json_scan.h"
#include "data/op.h"
#include "data/web/page_text.h"

namespace frugal::data {
namespace {

bool begins_like_html(std::string_view text) {
  const size_t at = text.find_first_not_of(" \t\r\n");
  if (at == std::string_view::npos || text[at] != '<') return false;
  const std::string_view head = text.substr(at, 4096);
  for (std::string_view mark :
       {"<!DOCTYPE", "<!doctype", "<html", "<HTML", "<head", "<HEAD", "<body", "<BODY", "<div", "<p>", "<!--"})
    if (head.find(mark) != std::string_view::npos) return true;
  return false;
}

class Extract : public RowOp {
 public:
  std::vector<Column> columns() const override { return {{"html_bytes"}}; }
  std::vector<std::string> reasons() const override { return {"extract_empty", "extract_nesting"}; }

  void apply(Document& doc, Scratch&) const override {
    if (!begins_like_html(doc.text()) && meta_text(doc.meta(), "content_type").find("html") == std::string::npos)
      return;
    static thread_local HtmlParser parser;
    doc.number(0, static_cast<double>(doc.text().size()));
    const HtmlTree& page = parser.parse(doc.text());
    if (page.too_deep) return doc.drop(1);
    const std::string text = main_text(page);
    if (text.empty()) return doc.drop(0);
    if (!page.title.empty()) {
      std::string meta(doc.meta());
      append_member(meta, "title", page.title);
      doc.set_meta(meta);
    }
    doc.set_text(text);
  }
};

const Register<MakeRowOp> kExtract(
    {.kind = "data",
     .role = "filter",
     .name = "extract",
     .title = "Boilerplate Detection using Shallow Text Features",
     .authors = "Kohlschuetter et al.",
     .year = 2010,
     .help = "the main text of web pages: without navigation, footers, notices, advertisements"},
    [](const Args&) { return std::make_unique<Extract>(); });

}  // namespace
}  // namespace frugal::data
