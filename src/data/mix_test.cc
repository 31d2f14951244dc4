// Mixtures: shares, seeds, what happens when a source ends; and token files of packed sequences from end to end.
#include <gtest/gtest.h>

#include <cstring>
#include <map>

#include "base/error.h"
#include "data/data_test_files.h"

namespace frugal::data {
namespace {

// n documents "a 0", "a 1", ... of `bytes` bytes each.
std::string letters(const char* name, int n, size_t bytes) {
  std::string out;
  for (int i = 0; i < n; ++i) {
    std::string text = fmt::format("{} {} ", name, i);
    text.resize(bytes, name[0]);
    out += fmt::format("{{\"id\":\"{}{}\",\"text\":\"{}\"}}\n", name, i, text);
  }
  return out;
}

struct Mixed {
  std::map<char, size_t> docs, bytes;
  std::vector<std::string> ids;
};

class MixTest : public ::testing::Test {
 protected:
  void SetUp() override {
    tmp_.write("a.jsonl", letters("a", 4000, 300));
    tmp_.write("b.jsonl", letters("b", 4000, 100));
    tmp_.write("c.jsonl", letters("c", 50, 200));
  }

  Mixed mixed(const std::string& of, const std::string& rest, int workers = 1) {
    std::string list;
    for (char name : of) list += fmt::format("{}jsonl(\"{}/{}.jsonl\")", list.empty() ? "" : ",", tmp_ / "", name);
    const std::string out = tmp_ / fmt::format("out{}.jsonl", count_++);
    run_spec(fmt::format("mix(of=[{}],{}) | jsonl(\"{}\")", list, rest, out), {.workers = workers});
    Mixed m;
    for (const auto& row : json_rows(file_text(out))) {
      const std::string id = row.at("id");
      EXPECT_EQ(of[row.at("values").at("mix_source").get<size_t>()], id[0]);
      ++m.docs[id[0]];
      m.bytes[id[0]] += row.at("text").get<std::string>().size();
      m.ids.push_back(id);
    }
    return m;
  }

  TestFolder tmp_;
  int count_ = 0;
};

TEST_F(MixTest, SharesOfDocumentsAndOfBytes) {
  const Mixed docs = mixed("ab", "weights=[0.7,0.3],total=4000");
  EXPECT_EQ(docs.ids.size(), 4000u);
  EXPECT_NEAR(static_cast<double>(docs.docs.at('a')), 2800, 120);  // four standard deviations of 4,000 draws
  const Mixed bytes = mixed("ab", "weights=[1,1],by=bytes,total=400000");
  EXPECT_NEAR(static_cast<double>(bytes.bytes.at('a')), 200000, 20000);
  EXPECT_NEAR(static_cast<double>(bytes.bytes.at('b')), 200000, 20000);
}

TEST_F(MixTest, DependsOnTheSeedAlone) {
  const Mixed one = mixed("ab", "weights=[2,1],total=3000,seed=5");
  EXPECT_EQ(mixed("ab", "weights=[2,1],total=3000,seed=5", 4).ids, one.ids);
  EXPECT_NE(mixed("ab", "weights=[2,1],total=3000,seed=6").ids, one.ids);
  std::vector<std::string> of_a;
  for (const auto& id : one.ids)
    if (id[0] == 'a') of_a.push_back(id);
  for (size_t i = 0; i < of_a.size(); ++i) ASSERT_EQ(of_a[i], fmt::format("a{}", i));  // each in its own order
}

TEST_F(MixTest, WhatFollowsASourcesEnd) {
  const Mixed stop = mixed("ac", "weights=[1,1]");
  EXPECT_EQ(stop.docs.at('c'), 50u);
  EXPECT_LT(stop.docs.at('a'), 120u);
  const Mixed others = mixed("ac", "weights=[1,1],end=leave_out");
  EXPECT_EQ(others.docs.at('c'), 50u);
  EXPECT_EQ(others.docs.at('a'), 4000u);
  const Mixed again = mixed("ac", "weights=[1,1],end=repeat,total=1000");
  EXPECT_NEAR(static_cast<double>(again.docs.at('c')), 500, 64);
  EXPECT_EQ(std::count(again.ids.begin(), again.ids.end(), "c7"),
            static_cast<std::ptrdiff_t>((again.docs.at('c') + 42) / 50));
}

TEST_F(MixTest, WrongMixturesAreRefused) {
  EXPECT_THROW(mixed("ab", "weights=[1]"), Error);
  EXPECT_THROW(mixed("ab", "weights=[1,0]"), Error);
  EXPECT_THROW(mixed("ab", "weights=[1,1],end=repeat"), Error);
  try {
    mixed("ab", "weights=[1,1],by=tokens");
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("expected model=FILE"), std::string::npos) << e.what();
  }
  EXPECT_THROW(make_plan("mix(of=[c4,fineweb],weights=[1,1]) | jsonl(x)"), Error);
}

std::vector<uint32_t> numbers_in(const std::string& path, size_t bytes) {
  const std::string raw = file_text(path);
  std::vector<uint32_t> out;
  for (size_t i = 0; i + bytes <= raw.size(); i += bytes) {
    out.push_back(0);
    std::memcpy(&out.back(), raw.data() + i, bytes);
  }
  return out;
}

TEST(TokensPacked, SequencesHoldTheStreamsTokens) {
  TestFolder tmp;
  std::string in;
  for (int i = 0; i < 60; ++i)
    in += fmt::format("{{\"text\":\"Once upon a time {} little cats\"}}\n", std::string(static_cast<size_t>(i), 'x'));
  tmp.write("in.jsonl", in);
  const std::string model = FRUGAL_SOURCE_DIR "/tests/golden/stories260k/stories260K-f32.gguf";
  const auto run = [&](const char* out, const char* more, int workers) {
    run_spec(fmt::format("jsonl(\"{}\") | tokens(\"{}\",\"{}\"{})", tmp / "in.jsonl", tmp / out, model, more),
             {.workers = workers});
  };
  run("stream", "", 1);
  run("concat", ",length=32", 1);
  run("bestfit", ",length=96,pack=bestfit", 1);
  run("bestfit3", ",length=96,pack=bestfit", 3);
  EXPECT_EQ(all_text(tmp / "bestfit"), all_text(tmp / "bestfit3"));
  auto stream = numbers_in(tmp / "stream/part-00000.bin", 2);
  auto concat = numbers_in(tmp / "concat/part-00000.bin", 2);
  ASSERT_GE(concat.size(), stream.size());
  EXPECT_LT(concat.size(), stream.size() + 32);
  EXPECT_TRUE(std::equal(stream.begin(), stream.end(), concat.begin()));
  const auto about = nlohmann::json::parse(file_text(tmp / "bestfit/tokens.json"));
  const uint32_t eos = about.at("eos");
  const auto ids = numbers_in(tmp / "bestfit/part-00000.bin", 2),
             borders = numbers_in(tmp / "bestfit/part-00000.docs", 4);
  size_t sequence = 0, at = 0, documents = 0, kept = 0;
  for (uint32_t n : borders) {
    if (n == 0) {
      at = ++sequence * 96;
      continue;
    }
    ++documents, kept += n;
    EXPECT_EQ(ids.at(at + n - 1), eos);  // none is longer than a sequence, so none is cut
    at += n;
  }
  EXPECT_EQ(documents, 60u);
  EXPECT_EQ(kept, stream.size());
  EXPECT_EQ(sequence * 96, ids.size());
  EXPECT_EQ(about.at("sequences"), sequence);
  EXPECT_EQ(about.at("padding"), ids.size() - kept);
}

}  // namespace
}  // namespace frugal::data
