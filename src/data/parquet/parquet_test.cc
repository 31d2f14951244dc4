// Parquet in and out: what other programs wrote, round trips, other limits on stored values, damage, resumed runs.
#include "data/parquet/parquet.h"

#include <gtest/gtest.h>

#include <atomic>

#include "base/error.h"
#include "data/data_test_files.h"
#include "data/report.h"

namespace frugal::data {
namespace {

std::string parquet_path(const std::string& name) { return golden_path("parquet/" + name + ".parquet"); }

std::string numbered_jsonl(int n) {
  std::string out;
  for (int i = 0; i < n; ++i) {
    std::string text;
    for (int w = 0; w < 2 + i % 90; ++w) text += fmt::format("word{} ", (i * 7919 + w * 104729) % 5000);
    out += fmt::format("{{\"id\":\"{}\",\"text\":\"{}\",\"url\":\"http://a.org/{}\",\"n\":{}}}\n", i, text, i, i);
  }
  return out;
}

std::vector<nlohmann::json> rows_of(const std::string& parquet, const TestFolder& tmp, const std::string& args = "") {
  static int count = 0;
  const std::string out = tmp / fmt::format("rows-{}.jsonl", count++);
  run_spec(fmt::format("parquet(\"{}\"{}) | jsonl(\"{}\")", parquet, args, out));
  return json_rows(file_text(out));
}

std::string refusal(const std::string& spec) {
  try {
    make_plan(spec);
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

TEST(Parquet, ReadsWhatOthersWrote) {
  TestFolder tmp;
  const auto expected = nlohmann::json::parse(file_text(golden_path("parquet/rows.json")));
  for (const auto& [name, rows] : expected.items()) {
    const auto ours = rows_of(parquet_path(name), tmp, name == "pandas" ? ",text=content" : "");
    EXPECT_EQ(nlohmann::json(ours), rows) << name;
  }
}

TEST(Parquet, GoesRound) {
  TestFolder tmp;
  const std::string in = tmp.write("in.jsonl", numbered_jsonl(3000));
  std::string first;
  for (int workers : {1, 3}) {
    const std::string out = tmp / fmt::format("out{}", workers);
    run_spec(fmt::format("jsonl(\"{}\",piece=100000B) | parquet(\"{}\",group=20000B,columns=url)", in, out),
             {.workers = workers});
    if (first.empty()) first = all_text(out);
    EXPECT_EQ(all_text(out), first);
  }
  const auto before = json_rows(file_text(in)), after = rows_of(tmp / "out1", tmp);
  EXPECT_EQ(before, after);
  EXPECT_EQ(before, rows_of(tmp / "out1", tmp, ",piece=1B"));
}

TEST(Parquet, StoredValuesTakeAnotherLimit) {
  TestFolder tmp;
  const std::string in = tmp.write("in.jsonl", numbered_jsonl(500));
  run_spec(fmt::format(
      "jsonl(\"{}\") | gopher_quality(min_words=0,min_length=0,max_length=99,stop_words=0,alpha=0) | parquet(\"{}\")",
      in, tmp / "scored"));
  const auto scored = rows_of(tmp / "scored", tmp);
  ASSERT_EQ(scored.size(), 500u);
  run_spec(
      fmt::format("parquet(\"{}\") | threshold(gopher_words,>=,40) | parquet(\"{}\")", tmp / "scored", tmp / "again"));
  const auto kept = rows_of(tmp / "again", tmp);
  size_t many = 0;
  for (const auto& row : scored) many += row.at("values").at("gopher_words") >= 40 ? 1 : 0;
  EXPECT_EQ(kept.size(), many);
  EXPECT_GT(many, 100u);
  EXPECT_LT(many, 400u);
  EXPECT_EQ(kept.at(0).at("values"), scored.at(kept.at(0).at("n").get<size_t>()).at("values"));
}

TEST(Parquet, AMissingPluginSaysWhatToInstall) {
  ::setenv("FRUGAL_PARQUET_PLUGIN", "/none/libfrugal_parquet.so", 1);
  const std::string missing = refusal("parquet(in) | jsonl(x)");
  ::setenv("FRUGAL_PARQUET_PLUGIN", golden_path("parquet/rows.json").c_str(), 1);
  const std::string none = refusal("parquet(in) | jsonl(x)");
  ::unsetenv("FRUGAL_PARQUET_PLUGIN");
  EXPECT_NE(missing.find("found no /none/libfrugal_parquet.so"), std::string::npos) << missing;
  EXPECT_NE(missing.find("tools/setup.sh arrow"), std::string::npos) << missing;
  EXPECT_NE(none.find("tools/setup.sh arrow"), std::string::npos) << none;
}

TEST(Parquet, WrongFilesAreErrors) {
  TestFolder tmp;
  const std::string whole = file_text(parquet_path("types"));
  const std::string cut = tmp.write("cut.parquet", whole.substr(0, whole.size() - 9)), out = " | jsonl(x)";
  EXPECT_NE(refusal("parquet(\"" + cut + "\")" + out).find("cut.parquet"), std::string::npos);
  EXPECT_NE(refusal("parquet(\"" + tmp.write("empty.parquet", "") + "\")" + out).find("empty.parquet"),
            std::string::npos);
  const std::string column = refusal("parquet(\"" + parquet_path("pandas") + "\")" + out);
  EXPECT_NE(column.find("expected texts in a column 'text'"), std::string::npos) << column;
  EXPECT_NE(column.find("content, id, score"), std::string::npos) << column;
  const std::string number = refusal("parquet(\"" + parquet_path("pandas") + "\",text=score)" + out);
  EXPECT_NE(number.find("found double"), std::string::npos) << number;
}

TEST(Parquet, DamagedGroupsAreCountedAndLeftOut) {
  TestFolder tmp;
  const std::string in = tmp.write("in.jsonl", numbered_jsonl(2000));
  run_spec(fmt::format("jsonl(\"{}\",piece=50000B) | parquet(\"{}\",group=1B)", in, tmp / "good"), {.workers = 1});
  std::string bytes = file_text(tmp / "good/part-00001.parquet");
  for (size_t i = 40; i < 60; ++i) bytes[i] = static_cast<char>(bytes[i] ^ 0x5a);
  tmp.write("good/part-00001.parquet", bytes);
  const auto before = json_rows(file_text(in));
  const Report r = run_spec(fmt::format("parquet(\"{}\") | jsonl(\"{}\")", tmp / "good", tmp / "out.jsonl"));
  EXPECT_EQ(r.counts.faults.at("row group damaged"), 1u);
  EXPECT_GT(r.counts.out_docs, 1000u);
  EXPECT_LT(r.counts.out_docs, 2000u);
  EXPECT_EQ(json_rows(file_text(tmp / "out.jsonl")).back(), before.back());
}

// Megabytes of this process, by the kernel's name for them: VmRSS now, VmHWM the most since that was last set back.
double resident_mb(const std::string& name) {
  const std::string status = file_text("/proc/self/status");
  return std::stod(status.substr(status.find(name) + name.size() + 1)) / 1024;
}

TEST(Parquet, TheSizeThatAPageClaimsIsNotTaken) {
  TestFolder tmp;
  const std::string in = std::string(FRUGAL_SOURCE_DIR) + "/tests/fuzz/parquet/page_of_800_MB";
  const double before = resident_mb("VmRSS");
  std::ofstream("/proc/self/clear_refs") << "5";
  const Report r = run_spec(fmt::format("parquet(\"{}\") | jsonl(\"{}\")", in, tmp / "out.jsonl"));
  EXPECT_EQ(r.counts.faults.at("row group damaged"), 1u);
  EXPECT_LT(resident_mb("VmHWM") - before, 500);
}

TEST(Parquet, NamesOfValuesAreEscapedOrLeftOut) {
  for (const std::string name : {"l\"ng", "l\xe1ng"}) {
    TestFolder tmp;
    std::string bytes = file_text(parquet_path("types"));
    const auto changed = [&] {
      const size_t at = bytes.find("lang");
      if (at != std::string::npos) bytes.replace(at, 4, name);
      return at != std::string::npos;
    };
    ASSERT_TRUE(changed());
    while (changed()) continue;
    run_spec(fmt::format("parquet(\"{}\") | jsonl(\"{}\")", tmp.write("in.parquet", bytes), tmp / "out.jsonl"));
    const auto rows = json_rows(file_text(tmp / "out.jsonl"));
    ASSERT_FALSE(rows.empty());
    EXPECT_EQ(rows[0]["values"].contains(name), name == "l\"ng") << rows[0]["values"].dump();
  }
}

TEST(Parquet, AReportReadsWhatWasWritten) {
  TestFolder tmp;
  Plan plan = make_plan(fmt::format("jsonl(\"{}\") | gopher_quality | lang(any,0,model=\"{}\") | parquet(\"{}\")",
                                    golden_path("rules.jsonl.gz"), golden_path("fasttext/hs.ftz"), tmp / "out"));
  const Report run = run_pipeline(plan, {.rejects = tmp / "rejects"});
  write_report(plan, run, tmp / "rejects", tmp / "a.html");
  const std::string html = file_text(tmp / "a.html");
  for (const char* part :
       {"gopher_quality: gopher_short_doc", "Languages kept", "gopher_word_length", "<summary>kept ("})
    EXPECT_NE(html.find(part), std::string::npos) << part;
}

TEST(Parquet, ResumesToTheSameBytes) {
  TestFolder tmp;
  const std::string in = tmp.write("in.jsonl", numbered_jsonl(1500));
  const auto spec = [&](const char* out) {
    return fmt::format("jsonl(\"{}\",piece=30000B) | exact | parquet(\"{}\")", in, tmp / out);
  };
  run_spec(spec("whole"), {.workers = 1});
  std::atomic<bool> stop{false};
  uint64_t shown = 0;
  const ProgressSink after_some{.write = [&](std::string_view) { stop = ++shown > 12; }, .interval_s = 0};
  EXPECT_THROW(run_spec(spec("halves"), {.workers = 1, .stop = &stop, .progress = after_some}), Error);
  run_spec(spec("halves"), {.workers = 2, .resume = true});
  EXPECT_EQ(all_text(tmp / "halves"), all_text(tmp / "whole"));
}

}  // namespace
}  // namespace frugal::data
