// JSON lines from anywhere, as documents through every rule, splitter and signature: what is written of them is valid
// JSON in UTF-8.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/error.h"
#include "data/dedup/minhash_signature.h"
#include "data/op.h"
#include "data/scratch.h"
#include "data/words/simplify.h"

namespace {

using namespace frugal::data;

struct Target {
  std::unique_ptr<Source> source;
  std::vector<std::unique_ptr<RowOp>> rules;
  Scratch scratch;
  MinHasher fast{16, 5, 1, WordKind::kPlain, ShingleHash::kFast},
      exact{16, 5, 1, WordKind::kSpacy, ShingleHash::kXxh64};

  Target() {
    const std::string path = std::filesystem::temp_directory_path() / "frugal-fuzz.jsonl";
    std::ofstream(path) << "";
    const auto unit = frugal::parse_unit("jsonl(\"" + path + "\")");
    source = frugal::make_method<MakeEnd>("data", unit, false).source;
    for (const char* spec :
         {"gopher_quality", "gopher_repetition", "c4", "fineweb", "gopher_quality(words=spacy)", "c4(words=spacy)",
          "fineweb(words=space)", "ngram_coverage", "tone", "pii([email,ip,phone,card,iban])", "threshold(a.b.c,<,1)"})
      rules.push_back(frugal::make_method<MakeRowOp>("data", frugal::parse_unit(spec)));
  }

  void documents(RawBlock block) {
    Batch batch;
    Faults faults;
    source->parse(std::move(block), batch, faults);
    std::string out;
    encode_jsonl(batch, {}, false, true, out);
    check_json(out);
    for (const auto& rule : rules) one(batch, *rule);
    std::vector<uint64_t> values;
    for (std::string_view text : batch.text) {
      scratch.forget();
      fast.signature(text, scratch, values);
      exact.signature(text, scratch, values);
    }
  }

  // What is written is JSON again; half a surrogate pair, which the oracle refuses and the grammar allows, stays.
  static void check_json(const std::string& out) {
    std::istringstream lines(out);
    for (std::string line; std::getline(lines, line);)
      if (line.find("\\ud") == line.npos && line.find("\\uD") == line.npos && !nlohmann::json::accept(line))
        __builtin_trap();
  }

  void one(Batch& batch, const RowOp& rule) {
    batch.numbers.clear(), batch.labels.clear();
    batch.set_columns(rule.columns());
    for (size_t row = 0; row < batch.rows(); ++row) {
      batch.verdict[row] = kKept;
      Document doc(batch, row);
      scratch.forget();
      rule.apply(doc, scratch);
    }
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Target target;
  RawBlock block;
  block.bytes.assign(data, data + size);
  block.bytes.resize(size + kPadding);
  block.size = size;
  target.documents(std::move(block));
  return 0;
}
