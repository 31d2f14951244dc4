// Pipelines from file to file: what goes in comes out whatever the packing and the number of workers; broken inputs are
// counted; runs that were killed go on and give the same bytes.
#include "data/pipeline.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "data/byte_stream.h"
#include "data/data_test_files.h"
#include "io/checkpoint.h"
#include "io/model_config.h"
#include "text/tokenizer.h"

namespace frugal::data {
namespace {

// n documents of some sentences each, all different, every seventh one too short for Gopher's rule.
std::string some_jsonl(int n, int from = 0) {
  std::string out;
  for (int i = from; i < from + n; ++i) {
    std::string text;
    for (int s = 0; s < (i % 7 == 0 ? 1 : 12); ++s)
      text += fmt::format("The people of house number {} and {} have to be here with all of us on that very day.{}",
                          i * 31 + s, s % 4 == 0 ? "\\\"others\\\"" : "others", s % 3 == 2 ? "\\n" : " ");
    out += fmt::format("{{\"id\": \"doc-{}\", \"url\": \"http://a.org/{}\", \"n\": {}, \"text\": \"{}\"}}\n", i, i % 50,
                       i, text);
  }
  return out;
}

std::string packed(const std::string& name, std::string bytes) {
  pack_bytes(name, bytes);
  return bytes;
}

std::vector<std::string> ids(const std::string& jsonl) {
  std::vector<std::string> out;
  for (const auto& row : json_rows(jsonl)) out.push_back(row.at("id"));
  return out;
}

TEST(Pipeline, CopiesDocuments) {
  TestFolder tmp;
  const std::string in = tmp.write("in.jsonl", some_jsonl(40));
  const Report r = run_spec(fmt::format("jsonl(\"{}\") | jsonl(\"{}\")", in, tmp / "out.jsonl"));
  EXPECT_EQ(r.counts.out_docs, 40u);
  const auto before = json_rows(file_text(in)), after = json_rows(file_text(tmp / "out.jsonl"));
  EXPECT_EQ(before, after);
}

TEST(Pipeline, PackedInputsGiveTheSame) {
  TestFolder tmp;
  const std::string text = some_jsonl(300);
  tmp.write("a/x.jsonl", text);
  tmp.write("b/x.jsonl.gz",
            packed(".gz", text.substr(0, 5000)) + packed(".gz", text.substr(5000)));  // members cut a line
  tmp.write("c/x.jsonl.zst", packed(".zst", text.substr(0, 7001)) + packed(".zst", text.substr(7001)));
  std::string outputs[3];
  for (int i = 0; i < 3; ++i) {
    const std::string name(1, static_cast<char>('a' + i));
    run_spec(fmt::format("jsonl(\"{}\") | gopher_quality | jsonl(\"{}\")", tmp / name, tmp / ("out-" + name)));
    outputs[i] = all_text(tmp / ("out-" + name));
  }
  EXPECT_GT(outputs[0].size(), 1000u);
  EXPECT_EQ(outputs[0], outputs[1]);
  EXPECT_EQ(outputs[0], outputs[2]);
}

TEST(Pipeline, WorkersAndPiecesDoNotMatter) {
  TestFolder tmp;
  tmp.write("in/1.jsonl", some_jsonl(4000));
  tmp.write("in/2.jsonl", some_jsonl(3000, 4000));
  std::string first;
  for (int workers : {1, 2, 5}) {
    for (const char* piece : {"256MiB", "100000B"}) {
      const std::string out = tmp / fmt::format("out-{}-{}", workers, piece), rejects = out + "-rejects";
      const Report r = run_spec(
          fmt::format("jsonl(\"{}\",piece={}) | gopher_quality(max_length=9) | jsonl(\"{}\")", tmp / "in", piece, out),
          {.workers = workers, .rejects = rejects});
      EXPECT_EQ(r.counts.source_docs, 7000u);
      EXPECT_EQ(r.counts.out_docs, 6000u);
      EXPECT_EQ(r.counts.stages[0].reasons.at("gopher_short_doc"), 1000u);
      EXPECT_EQ(ids(all_text(rejects)).size(), 1000u);
      if (first.empty()) first = all_text(out);
      EXPECT_EQ(all_text(out), first) << workers << " " << piece;
    }
  }
}

TEST(Pipeline, RejectsSayWhy) {
  TestFolder tmp;
  const std::string in = tmp.write("in.jsonl", "{\"id\":\"x\",\"text\":\"Too short.\",\"a\":{\"b\":[1,\"}\"]}}\n");
  run_spec(fmt::format("jsonl(\"{}\") | gopher_quality | jsonl(\"{}\")", in, tmp / "out"),
           {.rejects = tmp / "rejects"});
  EXPECT_EQ(all_text(tmp / "out"), "");
  const auto row = json_rows(all_text(tmp / "rejects")).at(0);
  EXPECT_EQ(row.at("reason"), "gopher_short_doc");
  EXPECT_EQ(row.at("dropped_by"), "gopher_quality");
  EXPECT_EQ(row.at("values").at("gopher_words"), 2);
  EXPECT_EQ(row.at("a"), nlohmann::json::parse("{\"b\":[1,\"}\"]}"));
}

TEST(Jsonl, BrokenLinesAreCounted) {
  TestFolder tmp;
  const std::string good = "{\"text\":\"one\"}\n";
  const std::string in = tmp.write(
      "in.jsonl", good +
                      "{\"text\":\n[1]\nnot json\n{\"text\":\"a\"} x\n{\"text\":5}\n{\"a\":1}\n{\"text\":\"bad "
                      "\\q\"}\n{\"text\":\"a\",\"b\":nope}\n\n  \n" +
                      "{\"text\":\"lone \\ud800 pair \\ud83d\\ude00\"}\r\n{\"text\":\"bytes "
                      "\xff\xc3\"}\n{\"text\":\"tab\there\"}\n" +
                      "{\"text\":\"last\"}");
  const Report r = run_spec(fmt::format("jsonl(\"{}\") | jsonl(\"{}\")", in, tmp / "out"));
  std::vector<std::string> texts;
  for (const auto& row : json_rows(all_text(tmp / "out"))) texts.push_back(row.at("text"));
  EXPECT_EQ(texts, (std::vector<std::string>{"one", "lone \xef\xbf\xbd pair \xf0\x9f\x98\x80",
                                             "bytes \xef\xbf\xbd\xef\xbf\xbd", "last"}));
  EXPECT_EQ(r.counts.faults.at("bad JSON"), 8u);
  EXPECT_EQ(r.counts.faults.at("no text"), 1u);
  EXPECT_EQ(r.counts.faults.at("invalid UTF-8 replaced"), 1u);
}

TEST(Jsonl, LongLinesAreLeftOut) {
  TestFolder tmp;
  const std::string in =
      tmp.write("in.jsonl", "{\"text\":\"a\"}\n{\"text\":\"" + std::string(3 << 20, 'x') + "\"}\n{\"text\":\"b\"}\n");
  const Report r = run_spec(fmt::format("jsonl(\"{}\",longest=1MiB) | jsonl(\"{}\")", in, tmp / "out"));
  EXPECT_EQ(r.counts.out_docs, 2u);
  EXPECT_EQ(r.counts.faults.at("line too long"), 1u);
  const Report whole = run_spec(fmt::format("jsonl(\"{}\") | jsonl(\"{}\")", in, tmp / "whole"));
  EXPECT_EQ(whole.counts.out_docs, 3u);
}

TEST(Jsonl, BrokenGzipKeepsWhatIsWhole) {
  TestFolder tmp;
  const std::string a = packed(".gz", some_jsonl(100)), b = packed(".gz", some_jsonl(100, 100)),
                    c = packed(".gz", some_jsonl(100, 200));
  std::string damaged = b;
  for (size_t i = damaged.size() / 2; i < damaged.size() / 2 + 40; ++i)
    damaged[i] = static_cast<char>(damaged[i] ^ 0x5a);
  const std::string in = tmp.write("in.jsonl.gz", a + damaged + c + c.substr(0, c.size() / 2));
  const Report r = run_spec(fmt::format("jsonl(\"{}\") | jsonl(\"{}\")", in, tmp / "out"));
  EXPECT_GE(r.counts.out_docs, 240u);
  EXPECT_EQ(r.counts.faults.at("compressed data broken"), 1u);
  EXPECT_EQ(r.counts.faults.at("compressed data ends early"), 1u);
  const auto kept = ids(all_text(tmp / "out"));
  EXPECT_NE(std::find(kept.begin(), kept.end(), "doc-299"), kept.end());
}

TEST(Pipeline, ResumesWhereItStopped) {
  TestFolder tmp;
  for (int f = 0; f < 6; ++f) tmp.write(fmt::format("in/{}.jsonl", f), some_jsonl(500, f * 500));
  const auto spec = [&](const std::string& out) {
    return fmt::format("jsonl(\"{}\") | gopher_quality | jsonl(\"{}\")", tmp / "in", out);
  };
  const Report whole = run_spec(spec(tmp / "whole"));
  // As a kill after the third part leaves it: parts without a line in the manifest, a line cut short, a file half
  // written.
  const std::string out = tmp / "out";
  run_spec(spec(out));
  const auto lines = file_text(out + ".work/manifest.jsonl");
  size_t end = 0;
  for (int i = 0; i < 4; ++i) end = lines.find('\n', end) + 1;
  std::ofstream(out + ".work/manifest.jsonl") << lines.substr(0, end + 25);
  std::filesystem::remove(out + "/part-00003.jsonl");
  std::ofstream(out + "/part-00004.jsonl") << "half";
  std::ofstream(out + "/part-00005.jsonl.partial-77") << "half";
  EXPECT_THROW(run_spec(spec(out)), Error);  // not asked to resume
  const Report resumed = run_spec(spec(out), {.resume = true});
  EXPECT_EQ(all_text(out), all_text(tmp / "whole"));
  EXPECT_EQ(resumed.counts.out_docs, whole.counts.out_docs);
  EXPECT_EQ(resumed.counts.stages[0].reasons, whole.counts.stages[0].reasons);
  const Report again = run_spec(spec(out), {.resume = true});  // nothing is left to do
  EXPECT_EQ(again.counts.out_docs, whole.counts.out_docs);
  EXPECT_THROW(run_spec(fmt::format("jsonl(\"{}\") | jsonl(\"{}\")", tmp / "in", out), {.resume = true}), Error);
}

TEST(Pipeline, StopsWhenToldAndResumes) {
  TestFolder tmp;
  tmp.write("in/1.jsonl", some_jsonl(100));
  std::atomic<bool> stop{true};
  const std::string spec = fmt::format("jsonl(\"{}\") | jsonl(\"{}\")", tmp / "in", tmp / "out");
  EXPECT_THROW(run_spec(spec, {.stop = &stop}), Error);
  EXPECT_EQ(run_spec(spec, {.resume = true}).counts.out_docs, 100u);
}

TEST(TextFiles, EachIsADocument) {
  TestFolder tmp;
  tmp.write("in/b.txt", "second \xe9t\xe9");
  tmp.write("in/a/one.txt", "first\n");
  tmp.write("in/c.txt.gz", packed(".gz", "third"));
  tmp.write("in/d.txt", std::string(2000, 'x'));
  tmp.write("in/e.txt", "");
  tmp.write("in/f.txt", "<meta charset=koi8-r> means \xc3\xa9t\xc3\xa9");
  const Report r = run_spec(fmt::format("text(\"{}\",longest=1KiB) | jsonl(\"{}\")", tmp / "in", tmp / "out"));
  std::vector<std::string> texts;
  for (const auto& row : json_rows(all_text(tmp / "out"))) texts.push_back(row.at("text"));
  EXPECT_EQ(texts, (std::vector<std::string>{"first\n", "second \xc3\xa9t\xc3\xa9", "third", "",
                                             "<meta charset=koi8-r> means \xc3\xa9t\xc3\xa9"}));
  EXPECT_TRUE(ids(all_text(tmp / "out")).at(0).ends_with("in/a/one.txt"));
  EXPECT_EQ(r.counts.faults.at("file too long"), 1u);
}

TEST(TextFiles, AChangedFileIsAnotherRun) {
  TestFolder tmp;
  tmp.write("in/a.txt", "one");
  tmp.write("in/b.txt", "two");
  const std::string spec = fmt::format("text(\"{}\") | jsonl(\"{}\")", tmp / "in", tmp / "out");
  run_spec(spec);
  EXPECT_EQ(run_spec(spec, {.resume = true}).counts.out_docs, 2u);
  tmp.write("in/b.txt", "longer");
  EXPECT_THROW(run_spec(spec, {.resume = true}), Error);
}

TEST(Pipeline, ProgressNamesThePass) {
  TestFolder tmp;
  const std::string in = tmp.write("in.jsonl", some_jsonl(20));
  std::string shown;
  const ProgressSink sink{.write = [&](std::string_view line) { shown += line; }, .interval_s = 0};
  run_spec(fmt::format("jsonl(\"{}\") | exact | jsonl(\"{}\")", in, tmp / "out"), {.workers = 1, .progress = sink});
  EXPECT_NE(shown.find("pass 1 of 2, documents"), std::string::npos) << shown;
  EXPECT_NE(shown.find("pass 2 of 2, documents"), std::string::npos) << shown;
}

TEST(Tokens, DecodeToTheDocuments) {
  TestFolder tmp;
  const std::string in =
      tmp.write("in.jsonl", "{\"text\":\"Once upon a time\"}\n{\"text\":\"\"}\n{\"text\":\"the end.\"}\n");
  const std::string model = FRUGAL_SOURCE_DIR "/tests/golden/stories260k/stories260K-f32.gguf";
  for (int workers : {1, 3})
    run_spec(fmt::format("jsonl(\"{}\") | tokens(\"{}\",\"{}\")", in, tmp / fmt::format("out{}", workers), model),
             {.workers = workers});
  const std::string ids = file_text(tmp / "out1/part-00000.bin");
  EXPECT_EQ(ids, file_text(tmp / "out3/part-00000.bin"));
  const auto about = nlohmann::json::parse(file_text(tmp / "out1/tokens.json"));
  EXPECT_EQ(about.at("dtype"), "uint16");
  EXPECT_EQ(about.at("tokens").get<size_t>() * 2, ids.size());
  const auto tokenizer = make_tokenizer(read_tokenizer(Checkpoint::open(model)));
  std::vector<std::string> texts(1);
  std::vector<int32_t> document;
  for (size_t i = 0; i < ids.size(); i += 2) {
    const int32_t id = static_cast<unsigned char>(ids[i]) | static_cast<unsigned char>(ids[i + 1]) << 8;
    if (id != about.at("eos").get<int32_t>()) {
      document.push_back(id);
      continue;
    }
    texts.back() = tokenizer->decode(document);
    texts.emplace_back();
    document.clear();
  }
  EXPECT_EQ(texts, (std::vector<std::string>{"Once upon a time", "", "the end.", ""}));
}

TEST(Pipeline, WrongSpecsSayWhatIsExpected) {
  TestFolder tmp;
  tmp.write("a.jsonl", "");
  const std::string in = fmt::format("jsonl(\"{}\")", tmp / "a.jsonl");
  const auto message = [&](const std::string& spec) -> std::string {
    try {
      make_plan(spec);
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  };
  EXPECT_NE(message(in).find("at least a source and a sink"), std::string::npos);
  EXPECT_NE(message(in + " | gopher_qualty | jsonl(x)").find("did you mean 'gopher_quality'"), std::string::npos);
  EXPECT_NE(message("gopher_quality | jsonl(x)").find("at the front"), std::string::npos);
  EXPECT_NE(message(in + " | c4").find("at the end"), std::string::npos);
  EXPECT_NE(message(in + " | jsonl(y) | jsonl(x)").find("inside the pipeline"), std::string::npos);
  EXPECT_NE(message("jsonl(\"" + (tmp / "none*") + "\") | jsonl(x)").find("found no file"), std::string::npos);
}

}  // namespace
}  // namespace frugal::data
