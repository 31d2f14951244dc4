// join: what another program found about documents, in files beside them, becomes part of their metadata.
//
// Dolma's attribute files (L. Soldaini et al., "Dolma: an Open Corpus of Three Trillion Tokens", 2024, section 3) are
// lines of JSON with an id and an object `attributes`; several of them, of different taggers, come together in one
// object. `threshold(attributes.toxicity,<=,0.8)` then decides by a value of them. Here the rows are matched by id, not
// by their place in the file, so any order and any part of them will do; documents without a row stay as they are and
// have 0 in the column join_found. Cost: the files' objects in memory.
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "base/error.h"
#include "data/hash.h"
#include "data/op.h"
#include "data/scratch.h"
#include "data/web/word_list.h"

namespace frugal::data {
namespace {

using Json = nlohmann::ordered_json;
constexpr int kDeepest = 64;

class Join : public RowOp {
 public:
  Join(const std::vector<std::string>& files, std::string member) : member_(std::move(member)) {
    for (const std::string& file : files)
      for (const std::string& line : read_list(file)) take(file, line);
  }
  std::vector<Column> columns() const override { return {{"join_found"}}; }

  void apply(Document& doc, Scratch&) const override {
    const auto found = rows_.find(hash_bytes(doc.id()));
    doc.number(0, found == rows_.end() ? 0 : 1);
    if (found == rows_.end()) return;
    Json meta = Json::parse("{" + std::string(doc.meta()) + "}", nullptr, false);
    if (!meta.is_object()) return;
    Json& object = meta[member_];
    if (!object.is_object()) object = Json::object();
    object.update(Json::parse(found->second));
    const std::string all = meta.dump();
    doc.set_meta(std::string_view(all).substr(1, all.size() - 2));
  }

 private:
  void take(const std::string& file, const std::string& line) {
    const auto bounded = [&](int depth, Json::parse_event_t, Json&) {
      if (depth > kDeepest) fail(ErrorCode::kBadInput, "join", "{}: found JSON deeper than {} levels", file, kDeepest);
      return true;
    };
    const Json row = Json::parse(line, bounded, false);
    if (!row.is_object() || !row.contains("id") || !row["id"].is_string() || !row.contains(member_) ||
        !row[member_].is_object())
      fail(ErrorCode::kBadInput, "join", R"({}: found '{}', expected a JSON object with "id" and an object "{}")", file,
           line.substr(0, 60), member_);
    std::string& kept = rows_[hash_bytes(row["id"].get<std::string>())];
    if (kept.empty()) {
      kept = row[member_].dump();
      return;
    }
    Json both = Json::parse(kept);
    both.update(row[member_]);
    kept = both.dump();
  }

  std::unordered_map<uint64_t, std::string> rows_;  // by the hash of the id
  std::string member_;
};

const Register<MakeRowOp> kJoin(
    {.kind = "data",
     .role = "filter",
     .name = "join",
     .title = "Dolma: an Open Corpus of Three Trillion Tokens for Language Model Pretraining Research",
     .authors = "Soldaini et al.",
     .year = 2024,
     .arxiv = "2402.00159",
     .help = "adds what files of JSON lines say of a document (by id) to its metadata",
     .params = {ParamInfo::list("files", "files, folders or patterns of lines {\"id\":...,\"attributes\":{...}}"),
                ParamInfo::text("member", "the object in the files, and in the document").preset("attributes")}},
    [](const Args& a) {
      std::vector<std::string> files;
      for (const Value& v : a.list("files")) files.push_back(v.text);
      return std::make_unique<Join>(files, a.text("member"));
    });

}  // namespace
}  // namespace frugal::data
