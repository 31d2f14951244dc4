// frugal store build: a datastore for --draft "rest(store=FILE)" from any text.
#include <filesystem>
#include <iostream>
#include <sstream>

#include "base/clock.h"
#include "base/error.h"
#include "base/progress.h"
#include "cli/verb.h"
#include "decode/draft/vocabulary.h"
#include "decode/rest/store.h"
#include "io/model_config.h"

namespace frugal {
namespace {

using Json = nlohmann::ordered_json;

struct StoreFlags {
  std::string model, out;
  std::vector<std::string> files;
  bool json = false;
};

// One document, or, of a .jsonl file, one a line: its "text".
std::vector<std::string> documents_of(const std::string& path) {
  const std::string all = read_file(path);
  if (std::filesystem::path(path).extension() != ".jsonl") return {all};
  std::vector<std::string> texts;
  std::istringstream in(all);
  size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.empty()) continue;
    const Json j = Json::parse(line, nullptr, false);
    if (!j.is_object() || !j.contains("text") || !j["text"].is_string())
      fail(ErrorCode::kBadInput, "store", "{}: line {} is no JSON object with text", path, number);
    texts.push_back(j["text"]);
  }
  return texts;
}

int build(const StoreFlags& f) {
  const Stopwatch watch;
  const auto tokenizer = make_tokenizer(read_tokenizer(Checkpoint::open(model_path(f.model))));
  RestBuilder builder(tokenizer->size(), fingerprint(*tokenizer));
  int64_t documents = 0;
  Progress progress(stderr_progress(), "store", static_cast<int64_t>(f.files.size()));
  for (const std::string& path : f.files) {
    for (const std::string& text : documents_of(path)) {
      builder.add(tokenizer->encode(text, {.add_special = false, .parse_special = false}));
      ++documents;
    }
    progress.add(1);
  }
  if (builder.tokens() == 0) fail(ErrorCode::kBadInput, "store", "the files hold no text");
  builder.write(f.out);
  const Json j = {{"documents", documents},
                  {"tokens", builder.tokens()},
                  {"bytes", std::filesystem::file_size(f.out)},
                  {"seconds", watch.seconds()}};
  if (f.json)
    std::cout << j.dump() << "\n";
  else
    std::cout << fmt::format("{}: {} tokens of {} documents, {} bytes, in {:.1f} s\n", f.out, builder.tokens(),
                             documents, j["bytes"].get<uint64_t>(), j["seconds"].get<double>());
  return 0;
}

std::function<int()> set_up(CLI::App& app) {
  auto f = std::make_shared<StoreFlags>();
  CLI::App* sub = app.add_subcommand("build", "tokens of the files and their suffix array, in one file");
  app.require_subcommand(1);
  sub->add_option("MODEL,-m,--model", f->model, "whose tokenizer: a file, a directory, or a short name")->required();
  sub->add_option("FILES", f->files, "text, each a document; .jsonl: an object with \"text\" a line")->required();
  sub->add_option("--out", f->out, "the datastore")->required();
  sub->add_flag("--json", f->json, "one JSON object");
  return [f] { return build(*f); };
}

const RegisterVerb kStore({"store", "datastores of text that REST drafts from",
                           "  frugal store build smollm2-135m notes.txt handbook.md --out notes.store\n"
                           "  frugal run smollm2-135m -p \"...\" --draft \"rest(store=notes.store)\"",
                           set_up});

}  // namespace
}  // namespace frugal
