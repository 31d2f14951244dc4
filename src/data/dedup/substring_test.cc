// Passages that come again, against every pair of windows compared word by word.
#include <gtest/gtest.h>

#include <random>
#include <sstream>

#include "data/data_test_files.h"

namespace frugal::data {
namespace {

using Tokens = std::vector<std::string>;

std::string joined(const Tokens& tokens) {
  std::string out;
  for (const std::string& t : tokens) out.append(out.empty() ? "" : " ").append(t);
  return out;
}

// What is left of each document: a word goes when a window of k words over it occurs elsewhere too; with keep_first not
// where a window over it is the first of its kind.
std::vector<Tokens> brute_force(const std::vector<Tokens>& docs, size_t k, bool keep_first) {
  const auto same = [&](const Tokens& a, size_t i, const Tokens& b, size_t j) {
    return std::equal(a.begin() + static_cast<long>(i), a.begin() + static_cast<long>(i + k),
                      b.begin() + static_cast<long>(j));
  };
  std::vector<Tokens> left;
  for (size_t d = 0; d < docs.size(); ++d) {
    std::vector<int> strike(docs[d].size(), 0), keep(docs[d].size(), 0);
    for (size_t i = 0; i + k <= docs[d].size(); ++i) {
      bool again = false, before = false;
      for (size_t e = 0; e < docs.size(); ++e)
        for (size_t j = 0; j + k <= docs[e].size(); ++j)
          if ((e != d || j != i) && same(docs[d], i, docs[e], j)) again = true, before |= e < d || (e == d && j < i);
      for (size_t t = i; again && t < i + k; ++t) (keep_first && !before ? keep : strike)[t] = 1;
    }
    left.emplace_back();
    for (size_t t = 0; t < docs[d].size(); ++t)
      if (strike[t] == 0 || keep[t] == 1) left.back().push_back(docs[d][t]);
  }
  return left;
}

std::vector<Tokens> documents_with_repeats(size_t k) {
  std::mt19937 random(17);
  std::vector<Tokens> docs;
  for (int d = 0; d < 40; ++d) {
    Tokens doc;
    for (size_t n = random() % 60; n > 0; --n) doc.push_back(fmt::format("w{}", random() % 400));
    if (d > 0 && d % 2 == 0) {  // a passage of another document: too short by one, just long enough, longer
      const Tokens& from = docs[random() % docs.size()];
      const size_t length = k - 1 + random() % 8, at = from.empty() ? 0 : random() % from.size();
      doc.insert(doc.begin() + static_cast<long>(random() % (doc.size() + 1)), from.begin() + static_cast<long>(at),
                 from.begin() + static_cast<long>(std::min(from.size(), at + length)));
    }
    if (d % 7 == 3) doc.insert(doc.end(), 3 * k, "again");  // repeats that overlap themselves
    docs.push_back(doc);
  }
  return docs;
}

std::vector<std::string> texts_after(const std::vector<Tokens>& docs, const std::string& stage, int workers) {
  TestFolder tmp;
  std::string in;
  for (const Tokens& d : docs) in += nlohmann::json{{"text", joined(d)}}.dump() + "\n";
  run_spec(fmt::format("jsonl(\"{}\") | {} | jsonl(\"{}\")", tmp.write("in.jsonl", in), stage, tmp / "out"),
           {.workers = workers});
  std::vector<std::string> texts;
  for (const auto& row : json_rows(all_text(tmp / "out"))) texts.push_back(row.at("text"));
  return texts;
}

TEST(Substring, CutsWhatEveryPairOfWindowsSays) {
  constexpr size_t k = 6;
  const auto docs = documents_with_repeats(k);
  for (const bool first : {false, true}) {
    std::vector<std::string> expected;
    size_t cut = 0;
    const auto left = brute_force(docs, k, first);
    for (size_t d = 0; d < docs.size(); ++d)
      expected.push_back(joined(left[d])), cut += docs[d].size() - left[d].size();
    EXPECT_GT(cut, 100u);
    for (int workers : {1, 3})
      EXPECT_EQ(texts_after(docs, fmt::format("substring(length={},min_left=0,keep={})", k, first ? "first" : "none"),
                            workers),
                expected);
  }
}

TEST(Substring, KeepsLineEndsAndCountsWhatWent) {
  TestFolder tmp;
  const std::string passage = "one two three four five six";
  const auto run = [&](const std::string& text, const std::string& more) {
    static int n = 0;
    const std::string out = tmp / fmt::format("out{}", n++);
    const std::string in =
        nlohmann::json{{"text", text}}.dump() + "\n" + nlohmann::json{{"text", "Before: " + passage}}.dump() + "\n";
    run_spec(
        fmt::format("jsonl(\"{}\") | substring(length=6{}) | jsonl(\"{}\")", tmp.write("in.jsonl", in), more, out));
    return json_rows(all_text(out));
  };
  auto rows = run("A line.\n\n" + passage + "\nAnother.", "");
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0]["text"], "A line.\n\nAnother.");
  EXPECT_EQ(rows[1]["text"], "Before:");
  EXPECT_EQ(rows[1]["values"]["substring_removed"], 6);
  EXPECT_EQ(rows[1]["values"]["substring_share"], 0.75);
  EXPECT_EQ(run("A line. " + passage + "\n\nAnother.", "")[0]["text"], "A line.\n\nAnother.");
  EXPECT_EQ(run(passage, "").size(), 1u);  // nothing left
  EXPECT_EQ(run(passage, ",keep=first")[0]["text"], passage);
  EXPECT_EQ(run("one two three four five", "").size(), 2u);
  EXPECT_EQ(run(passage + " x", ",min_left=2").size(), 1u);  // two words are left of the other
}

}  // namespace
}  // namespace frugal::data
