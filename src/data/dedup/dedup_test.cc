// Deduplication: signatures against datatrove's, clusters against brute force, who stays, and that neither workers nor
// the way the input is cut change what comes out.
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "base/error.h"
#include "data/data_test_files.h"
#include "data/dedup/clusters.h"
#include "data/dedup/line_key.h"
#include "data/dedup/minhash_signature.h"
#include "data/sha1.h"
#include "data/words/simplify.h"

namespace frugal::data {
namespace {

TEST(Sha1, PublishedValues) {
  EXPECT_EQ(sha1_64("the quick brown fox jumps"), 12313522834835307089u);
  const auto hex = [](std::string_view text) {
    std::string out;
    for (uint8_t b : sha1(text)) out += fmt::format("{:02x}", b);
    return out;
  };
  EXPECT_EQ(hex("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(hex(""), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  EXPECT_EQ(hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
}

TEST(MinHash, SignaturesWordForWordDatatroves) {
  Scratch scratch;
  std::string simple;
  std::vector<uint64_t> got;
  const MinHasher xxh(112, 5, 1, WordKind::kSpacy, ShingleHash::kXxh64),
      sha(112, 5, 1, WordKind::kSpacy, ShingleHash::kSha1);
  const auto rows = gz_rows("minhash.jsonl.gz");
  ASSERT_GE(rows.size(), 16u);
  for (const auto& row : rows) {
    const auto text = row.at("text").get<std::string>();
    simplify_text(text, simple);
    EXPECT_EQ(simple, row.at("simple").get<std::string>());
    for (const auto& [hasher, name] : {std::pair(&xxh, "xxhash"), std::pair(&sha, "sha1")}) {
      if (!hasher->signature(text, scratch, got)) got.clear();
      EXPECT_EQ(got, row.at(name).get<std::vector<uint64_t>>()) << name << ": " << text.substr(0, 80);
    }
  }
}

TEST(MinHash, FastShinglesIgnoreCaseSignsAndNumbers) {
  Scratch scratch;
  const MinHasher hasher(16, 3, 1, WordKind::kPlain, ShingleHash::kFast);
  std::vector<uint64_t> a, b, c;
  hasher.shingles("The caf\xc3\xa9, on 12 Main Street (closed)!", scratch, a);
  scratch.forget();
  hasher.shingles("the CAFE\xcc\x81 ON 7.5 main street closed", scratch, b);
  scratch.forget();
  hasher.shingles("the cafe on some main street closed", scratch, c);
  EXPECT_EQ(a.size(), 5u);
  EXPECT_EQ(a, b);
  EXPECT_NE(a, c);
}

// The share of agreeing values is the Jaccard similarity, within what chance allows.
TEST(MinHash, EstimatesJaccard) {
  Scratch scratch;
  const MinHasher hasher(1024, 1, 1, WordKind::kSpace, ShingleHash::kFast);
  std::vector<uint64_t> a, b;
  for (const int shared : {10, 50, 90}) {
    std::string x, y;
    for (int i = 0; i < 100; ++i) {
      x += fmt::format("a{} ", i);
      y += i < shared ? fmt::format("a{} ", i) : fmt::format("b{} ", i);
    }
    hasher.signature(x, scratch, a);
    hasher.signature(y, scratch, b);
    double equal = 0;
    for (size_t i = 0; i < a.size(); ++i) equal += a[i] == b[i] ? 1 : 0;
    const double jaccard = shared / (200.0 - shared);
    EXPECT_NEAR(equal / 1024, jaccard, 4 * std::sqrt(jaccard * (1 - jaccard) / 1024));
  }
}

TEST(Clusters, AgreeWithBreadthFirstSearch) {
  std::mt19937 random(3);
  constexpr size_t kDocuments = 3000;
  Clusters clusters(kDocuments);
  std::vector<std::vector<size_t>> edges(kDocuments);
  for (int e = 0; e < 1800; ++e) {
    const size_t a = random() % kDocuments, b = random() % kDocuments;
    clusters.join(a, b);
    edges[a].push_back(b), edges[b].push_back(a);
  }
  clusters.settle({});
  std::vector<size_t> first(kDocuments, ~size_t{0});
  for (size_t d = 0; d < kDocuments; ++d) {
    if (first[d] != ~size_t{0}) continue;
    std::vector<size_t> todo{d}, all;
    first[d] = d;
    while (!todo.empty()) {
      const size_t v = todo.back();
      todo.pop_back();
      all.push_back(v);
      for (size_t w : edges[v])
        if (first[w] == ~size_t{0}) first[w] = d, todo.push_back(w);
    }
    for (size_t v : all) {
      EXPECT_EQ(clusters.keeper(v), d);
      EXPECT_EQ(clusters.size(v), all.size());
    }
  }
}

TEST(Clusters, ChainOfAMillionAndRanks) {
  constexpr uint64_t kDocuments = 1000000;
  Clusters chain(kDocuments);
  for (uint64_t d = kDocuments - 1; d > 0; --d) chain.join(d, d - 1);
  std::vector<uint64_t> ranks(kDocuments);
  ranks[777777] = 5;
  chain.settle(ranks);
  EXPECT_EQ(chain.keeper(12), 777777u);
  EXPECT_EQ(chain.size(999999), kDocuments);
}

// Documents of 60 words; near-duplicates share all but `changed` of them.
std::string words_text(std::mt19937& random, int n) {
  std::string out;
  for (int i = 0; i < n; ++i) out += fmt::format("{}w{}", i == 0 ? "" : " ", random() % 100000);
  return out;
}

std::vector<std::string> kept_ids(const std::string& out) {
  std::vector<std::string> ids;
  for (const auto& row : json_rows(all_text(out))) ids.push_back(row.at("id"));
  return ids;
}

TEST(MinHashOp, KeepsOneOfEachClusterWhateverTheWorkers) {
  TestFolder tmp;
  std::mt19937 random(9);
  std::string lines[3];
  std::set<std::string> originals;
  for (int i = 0; i < 300; ++i) {
    const std::string text = words_text(random, 80);
    const std::string id = fmt::format("o{}", i);
    originals.insert(id);
    lines[0] += fmt::format("{{\"id\":\"{}\",\"text\":\"{}\"}}\n", id, text);
    if (i % 3 == 0)
      lines[1] += fmt::format("{{\"id\":\"c{}\",\"text\":\"{} and one.\"}}\n", i, text);  // Jaccard 76 / 78
    if (i % 6 == 0) lines[2] += fmt::format("{{\"id\":\"d{}\",\"text\":\"{}\"}}\n", i, text);
  }
  for (int f = 0; f < 3; ++f) tmp.write(fmt::format("in/{}.jsonl", f), lines[f]);
  std::string first;
  for (int workers : {1, 3}) {
    for (const char* piece : {"256MiB", "5000B"}) {
      const std::string out = tmp / fmt::format("out-{}-{}", workers, piece);
      const Report r = run_spec(fmt::format("jsonl(\"{}\",piece={}) | minhash | jsonl(\"{}\")", tmp / "in", piece, out),
                                {.workers = workers, .rejects = out + "-rejects"});
      const auto ids = kept_ids(out);
      EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()), originals);
      EXPECT_EQ(r.counts.stages[0].reasons.at("minhash_duplicate"), 150u);
      EXPECT_EQ(r.counts.source_docs, 450u);
      EXPECT_EQ(kept_ids(out + "-rejects").size(), 150u);
      if (first.empty()) first = all_text(out);
      EXPECT_EQ(all_text(out), first);
    }
  }
  const auto row = json_rows(first).at(0);
  EXPECT_EQ(row.at("values").at("minhash_cluster_size"), 3);
}

TEST(MinHashOp, KeepLongestDoesNotDependOnTheOrder) {
  TestFolder tmp;
  std::mt19937 random(11);
  std::vector<std::string> lines;
  for (int i = 0; i < 60; ++i) {
    const std::string text = words_text(random, 120);
    for (int c = 0; c < 3; ++c)
      lines.push_back(fmt::format("{{\"id\":\"{}-{}\",\"text\":\"{}{}\"}}\n", i, c, text,
                                  std::string(static_cast<size_t>(c), '.')));
  }
  std::set<std::string> kept[2];
  for (int order = 0; order < 2; ++order) {
    std::shuffle(lines.begin(), lines.end(), random);
    std::string all;
    for (const auto& l : lines) all += l;
    const std::string in = tmp.write(fmt::format("in{}.jsonl", order), all);
    run_spec(
        fmt::format("jsonl(\"{}\") | minhash(keep=longest) | jsonl(\"{}\")", in, tmp / fmt::format("out{}", order)));
    for (const auto& id : kept_ids(tmp / fmt::format("out{}", order))) kept[order].insert(id);
  }
  EXPECT_EQ(kept[0], kept[1]);
  EXPECT_EQ(kept[0].size(), 60u);
  EXPECT_TRUE(kept[0].contains("0-2"));
}

// Pairs of similarity s are found with probability 1 - (1 - s^8)^14.
TEST(MinHashOp, RecallFollowsTheCurve) {
  TestFolder tmp;
  std::mt19937 random(5);
  std::string all;
  constexpr int kPairs = 400, kWords = 200;
  std::vector<double> expected;
  for (int i = 0; i < kPairs; ++i) {
    std::vector<std::string> w;
    for (int k = 0; k < kWords; ++k) w.push_back(fmt::format("w{}", random() % 1000000));
    std::string a, b;
    const int other = 8 + i % 50;  // words changed at the end
    for (int k = 0; k < kWords; ++k) {
      a += w[static_cast<size_t>(k)] + " ";
      b += (k < kWords - other ? w[static_cast<size_t>(k)] : fmt::format("v{}", random() % 1000000)) + " ";
    }
    all += fmt::format("{{\"id\":\"a{0}\",\"text\":\"{1}\"}}\n{{\"id\":\"b{0}\",\"text\":\"{2}\"}}\n", i, a, b);
    const double shingles = kWords - 4, same = kWords - other - 4, s = same / (2 * shingles - same);
    expected.push_back(1 - std::pow(1 - std::pow(s, 8), 14));
  }
  const std::string in = tmp.write("in.jsonl", all);
  const Report r = run_spec(fmt::format("jsonl(\"{}\") | minhash | jsonl(\"{}\")", in, tmp / "out"));
  double mean = 0, variance = 0;
  for (double p : expected) mean += p, variance += p * (1 - p);
  EXPECT_NEAR(static_cast<double>(r.counts.stages[0].reasons.at("minhash_duplicate")), mean,
              4 * std::sqrt(variance) + 1);
}

TEST(MinHashOp, RefusesExchangedBandsAndRows) {
  EXPECT_THROW(make_method<MakeGlobalOp>("data", parse_unit("minhash(bands=20,rows=90)")), Error);
}

TEST(MinHashOp, ResumesAfterEveryPart) {
  TestFolder tmp;
  std::mt19937 random(21);
  for (int f = 0; f < 4; ++f) {
    std::string all;
    for (int i = 0; i < 50; ++i) {
      std::mt19937 same(static_cast<unsigned>(i % 20));
      all += fmt::format("{{\"id\":\"{}-{}\",\"text\":\"{}\"}}\n", f, i, words_text(i % 2 == 0 ? same : random, 40));
    }
    tmp.write(fmt::format("in/{}.jsonl", f), all);
  }
  const auto spec = [&](const std::string& out) {
    return fmt::format("jsonl(\"{}\") | minhash | exact | jsonl(\"{}\")", tmp / "in", out);
  };
  const Report whole = run_spec(spec(tmp / "whole"));
  const auto manifest = file_text(tmp / "whole.work/manifest.jsonl");
  ASSERT_EQ(std::count(manifest.begin(), manifest.end(), '\n'), 13);  // the run, three passes of four parts
  for (int stop_after = 0; stop_after < 12; stop_after += 3) {
    // A run that is stopped once so many parts are written, then resumed.
    const std::string out = tmp / fmt::format("out{}", stop_after);
    std::atomic<bool> stop{false};
    std::atomic<int> polls{0};
    ProgressSink watch{[&](std::string_view) { stop = polls++ >= stop_after; }, true, 0};
    try {
      run_spec(spec(out), {.workers = 1, .stop = &stop, .progress = watch});
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kCancelled);
    }
    const Report r = run_spec(spec(out), {.workers = 2, .resume = true});
    EXPECT_EQ(all_text(out), all_text(tmp / "whole")) << stop_after;
    EXPECT_EQ(r.counts.stages[0].reasons, whole.counts.stages[0].reasons);
    EXPECT_EQ(r.counts.source_docs, 200u);
  }
}

TEST(Exact, KeepsTheFirst) {
  TestFolder tmp;
  const std::string in = tmp.write("in.jsonl", R"({"id":"1","text":"Same text.","lang":"en"}
{"id":"2","text":"same TEXT","lang":"en"}
{"id":"3","text":"Same text.","lang":"de"}
{"id":"4","text":"Other","lang":"en"}
)");
  const auto run = [&](const std::string& op, const std::string& out) {
    run_spec(fmt::format("jsonl(\"{}\") | {} | jsonl(\"{}\")", in, op, tmp / out));
    return kept_ids(tmp / out);
  };
  using Ids = std::vector<std::string>;
  EXPECT_EQ(run("exact", "a"), (Ids{"1", "2", "4"}));
  EXPECT_EQ(run("exact(simplified=true)", "b"), (Ids{"1", "4"}));
  EXPECT_EQ(run("exact(within=lang)", "c"), (Ids{"1", "2", "3", "4"}));
}

TEST(UrlDedup, KeepsTheNewest) {
  TestFolder tmp;
  const std::string in = tmp.write(
      "in.jsonl", R"({"id":"old","text":"a","url":"http://www.A.org/x/?utm_source=q#top","date":"2023-05-01T10:00:00Z"}
{"id":"new","text":"b","url":"https://a.org:443/x","date":"2024-05-01T10:00:00Z"}
{"id":"other","text":"c","url":"https://a.org/X","date":"2020-01-01"}
{"id":"none","text":"d"}
)");
  run_spec(fmt::format("jsonl(\"{}\") | url_dedup | jsonl(\"{}\")", in, tmp / "out"));
  EXPECT_EQ(kept_ids(tmp / "out"), (std::vector<std::string>{"new", "other", "none"}));
  run_spec(fmt::format("jsonl(\"{}\") | url_dedup(keep=first) | jsonl(\"{}\")", in, tmp / "out2"));
  EXPECT_EQ(kept_ids(tmp / "out2"), (std::vector<std::string>{"old", "other", "none"}));
}

TEST(Lines, NormalisedAsCcNet) {
  std::string out;
  normalise_line("  Hello World 2024 ", out);
  EXPECT_EQ(out, "hello world 0000");
  EXPECT_EQ(sha1_64(out), 6884626725379107723u);
  normalise_line("\xe2\x80\x94 a\xc3\x89", out);
  EXPECT_EQ(out, " a\xc3\xa9");
}

// Six copies in a bucket stay, seven go; four in each of two buckets stay.
TEST(Lines, CountsInBuckets) {
  TestFolder tmp;
  std::string all;
  for (int i = 0; i < 2000; ++i) {
    std::string text = fmt::format(
        "Only here: {}", std::string(1, static_cast<char>('a' + i % 26)) + std::string(static_cast<size_t>(i), 'x'));
    if (i < 6) text += "\\nSix copies";
    if (i >= 100 && i < 107) text += "\\nSeven COPIES";
    if (i >= 996 && i < 1004) text += "\\nFour and four";
    all += fmt::format("{{\"id\":\"{}\",\"text\":\"{}\\n\\nend {}\"}}\n", i, text,
                       std::string(static_cast<size_t>(i), 'y'));
  }
  const std::string in = tmp.write("in.jsonl", all);
  for (const char* keep : {"none", "first6"}) {
    const std::string out = tmp / keep;
    run_spec(fmt::format("jsonl(\"{}\") | lines(bucket=1000,max=6,keep={}) | jsonl(\"{}\")", in, keep, out));
    const std::string text = all_text(out);
    const auto count = [&](const std::string& what) {
      size_t n = 0;
      for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
      return n;
    };
    EXPECT_EQ(count("Six copies"), 6u);
    EXPECT_EQ(count("Seven COPIES"), std::string(keep) == "none" ? 0u : 6u);
    EXPECT_EQ(count("Four and four"), 8u);
  }
}

TEST(Lines, OneDocumentManyCopies) {
  TestFolder tmp;
  const std::string in = tmp.write(
      "in.jsonl",
      "{\"id\":\"1\",\"text\":\"x\\nx\\nx\\ny\"}\n{\"id\":\"2\",\"text\":\"x\\nz\"}\n{\"id\":\"3\",\"text\":\"x\"}\n");
  run_spec(fmt::format("jsonl(\"{}\") | lines(max=2,keep=first6) | jsonl(\"{}\",values=false)", in, tmp / "out"));
  EXPECT_EQ(all_text(tmp / "out"), "{\"id\":\"1\",\"text\":\"x\\nx\\ny\"}\n{\"id\":\"2\",\"text\":\"z\"}\n");
}

}  // namespace
}  // namespace frugal::data
