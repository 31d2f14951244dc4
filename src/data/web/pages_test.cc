// Pages against other projects' test data: character references and declared character sets (html5lib), what is an
// article and what is not (Readability).
#include <gtest/gtest.h>

#include <map>

#include "data/data_test_files.h"
#include "data/web/page_text.h"
#include "data/web/prescan.h"
#include "text/jinja/unicode.h"
#include "text/utf8.h"

namespace frugal::data {
namespace {

std::string all_texts(const std::string& html) {
  HtmlParser parser;
  std::string out;
  for (const Node& n : parser.parse(html).nodes)
    if (n.tag == Tag::kText) out += n.text;
  return out;
}

TEST(Pages, CharacterReferencesOfHtml5lib) {
  size_t count = 0;
  for (const auto& row : gz_rows("html5lib.jsonl.gz")) {
    if (!row.contains("text")) continue;
    ++count;
    std::string expected = row["text"];
    std::erase(expected, '\0');  // the tree has none
    // MyHTML loses what follows a reference without semicolon, where it could become a longer one and the text ends.
    if (row["input"] == "I'm &notin") expected = "I'm \xc2\xac";
    EXPECT_EQ(all_texts("<body>x" + row["input"].get<std::string>()), "x" + expected) << row;
  }
  EXPECT_GT(count, 300u);
}

TEST(Pages, NulBytesAndCutTagsAreNotThere) {
  const std::string page("<body>one\0 two<td\0>\0\0three", 26);
  EXPECT_EQ(all_texts(page), "one twothree");
  EXPECT_EQ(all_texts("           ><traaaraatr"), ">");
  EXPECT_EQ(all_texts("<p>a < b</p"), "a < b");
  EXPECT_EQ(all_texts("<p>a <3"), "a <3");
}

TEST(Pages, DeclaredCharacterSets) {
  size_t count = 0;
  for (const auto& row : gz_rows("html5lib.jsonl.gz")) {
    if (!row.contains("encoding")) continue;
    ++count;
    std::string bytes;
    const std::string data = row["data"];
    for (size_t i = 0; i < data.size();) {
      const size_t size = utf8_length(std::string_view(data).substr(i));
      bytes += static_cast<char>(decode_utf8(std::string_view(data).substr(i, size)));
      i += size;
    }
    const std::string found = declared_charset(bytes);
    EXPECT_EQ(found.empty() ? "windows-1252" : found, row["encoding"].get<std::string>()) << data;
  }
  EXPECT_EQ(count, 22u);
}

std::map<std::string, int> words_of(const std::string& text) {
  std::map<std::string, int> out;
  std::string word;
  const std::string low = jinja::lower(text) + " ";
  for (std::string_view c : jinja::Characters(low)) {
    const uint32_t code = jinja::code_point(c);
    if (jinja::is_alpha(code) || jinja::is_digit(code) || code == '_')
      word += c;
    else if (!word.empty())
      ++out[word], word.clear();
  }
  return out;
}

// Every word of the article and no other, but for what is said here.
TEST(Pages, ArticlesOfReadability) {
  const std::map<std::string, int> missing = {{"base-url-base-element", 8}};  // lines that are one link of one word
  // Headings, which Readability takes for the page's title or leaves out.
  const std::map<std::string, int> more = {{"hidden-nodes", 14},    {"basic-tags-cleaning", 2}, {"dev418", 2},
                                           {"remove-extra-brs", 2}, {"remove-script-tags", 2},  {"replace-brs", 2},
                                           {"social-buttons", 2}};
  const auto allowed = [](const auto& table, const std::string& name) {
    return table.contains(name) ? table.at(name) : 0;
  };
  HtmlParser parser;
  for (const auto& row : gz_rows("readability.jsonl.gz")) {
    std::map<std::string, int> left = words_of(row["words"]);
    const std::string html = row["html"], name = row["name"];
    for (const auto& [word, n] : words_of(main_text(parser.parse(html)))) left[word] -= n;
    int lacks = 0, adds = 0;
    for (const auto& [word, n] : left) (n > 0 ? lacks : adds) += std::abs(n);
    EXPECT_EQ(lacks, allowed(missing, name)) << name;
    EXPECT_EQ(adds, allowed(more, name)) << name;
  }
}

TEST(Pages, NamesMadeOfHeadingsAreNoFrames) {
  std::string prose;
  for (int i = 0; i < 12; ++i) prose += "This section says at length how people work with one another, and why. ";
  HtmlParser parser;
  const auto text = [&](const std::string& id) {
    const std::string html = "<body><main><p>" + prose + prose + prose + prose + prose + "</p><div id='" + id +
                             "'><p>Marked. " + prose + "</p></div></main>";
    return main_text(parser.parse(html));
  };
  EXPECT_NE(text("sharing-with-a-single-developer").find("Marked."), std::string::npos);
  EXPECT_EQ(text("page-sharing").find("Marked."), std::string::npos);
  EXPECT_EQ(text("block share-the-page").find("Marked."), std::string::npos);
}

}  // namespace
}  // namespace frugal::data
