// lines: lines that come again and again across documents go: menus, cookie notices, leftovers of pages' frames.
//
// A. Dubey et al., "The Llama 3 Herd of Models", 2024, section 3.1.1: lines that appear more than six times in a bucket
// of 30 million documents are removed, following ccNet (G. Wenzek et al., "CCNet", 2019), whose normalisation is used:
// strip, lower case, every digit 0, quotation marks and the like and controls taken out. With keep=none all copies go;
// with keep=first6 the first `max` stay. Buckets are runs of documents in the order of the input. Every occurrence
// counts, in one document too. Free where the paper is silent: a document with nothing left is dropped. Empty lines
// stay. Cost: 24 bytes a line on disk, one slice of them in memory, and 24 bytes for each line that is too frequent.
#include <algorithm>
#include <unordered_map>

#include "data/dedup/line_key.h"
#include "data/dedup/runs.h"
#include "data/dedup/within.h"
#include "data/op.h"
#include "data/rules/lines.h"
#include "data/scratch.h"

namespace frugal::data {
namespace {

class Lines : public GlobalOp {
 public:
  Lines(uint64_t bucket, uint64_t most, bool keep_first, Within within)
      : bucket_(bucket), most_(most), keep_first_(keep_first), within_(std::move(within)) {}
  std::vector<Column> columns() const override { return {{"lines_removed"}, {"lines_removed_chars"}}; }
  std::vector<std::string> reasons() const override { return {"lines_nothing_left"}; }
  void bind(const std::vector<Column>& before) override { within_.bind(before); }

  void sketch(const Batch& batch, size_t row, Scratch& scratch, std::vector<Record>& out) const override {
    const uint64_t seed = within_.seed(batch, row);
    split_at_newlines(batch.text[row], scratch.lines);
    for (std::string_view line : scratch.lines)
      if (const uint64_t key = line_key(line, scratch.text_b))
        out.push_back({hash_bytes({reinterpret_cast<const char*>(&key), 8}, seed), 0, 0, 0});
  }

  void group(const Sketches& sketches) override {
    for_each_run(sketches, [this](std::span<const SeenRecord> run) {
      for (size_t i = 0; i < run.size();) i = count_bucket(run, i);
    });
  }

  void apply(Document& doc, uint64_t number, Scratch& scratch) const override {
    const uint64_t seed = within_.seed(doc.batch(), doc.row());
    split_at_newlines(doc.text(), scratch.lines);
    std::string& kept = scratch.text_a;
    kept.clear();
    size_t removed = 0, gone = 0, left = 0;
    std::unordered_map<uint64_t, uint64_t> here;  // frequent lines seen so far in this document
    for (std::string_view line : scratch.lines) {
      if (removes(line, seed, number, here, scratch.text_b)) {
        ++removed;
        gone += characters(line);
        continue;
      }
      kept.append(left++ == 0 ? "" : "\n").append(line);
    }
    doc.number(0, static_cast<double>(removed));
    doc.number(1, static_cast<double>(gone));
    if (removed == 0) return;
    if (strip(kept).empty()) return doc.drop(0);
    doc.set_text(kept);
  }

 private:
  // Of a line that is too frequent: copies before document `doc` stay, and `left` of them inside it.
  struct Cut {
    uint64_t doc = 0, left = 0;
  };

  // Counts the records of a line from i on that are in one bucket, and returns where they end.
  size_t count_bucket(std::span<const SeenRecord> seen, size_t i) {
    const uint64_t bucket = seen[i].doc / bucket_;
    size_t end = i;
    while (end < seen.size() && seen[end].doc / bucket_ == bucket) ++end;
    if (end - i <= most_) return end;
    Cut cut;
    if (keep_first_ && most_ > 0) {
      cut.doc = seen[i + most_ - 1].doc;
      for (size_t j = i; j < i + most_; ++j) cut.left += seen[j].doc == cut.doc ? 1 : 0;
    }
    frequent_[mix(seen[i].key + bucket)] = cut;
    return end;
  }

  bool removes(std::string_view line, uint64_t seed, uint64_t number, std::unordered_map<uint64_t, uint64_t>& here,
               std::string& room) const {
    const uint64_t key = line_key(line, room);
    if (key == 0) return false;
    const uint64_t name = mix(hash_bytes({reinterpret_cast<const char*>(&key), 8}, seed) + number / bucket_);
    const auto found = frequent_.find(name);
    if (found == frequent_.end()) return false;
    if (!keep_first_) return true;
    if (number != found->second.doc) return number > found->second.doc;
    return ++here[name] > found->second.left;
  }

  uint64_t bucket_, most_;
  bool keep_first_;
  Within within_;
  std::unordered_map<uint64_t, Cut> frequent_;
};

const Register<MakeGlobalOp> kLines(
    {.kind = "data",
     .role = "dedup",
     .name = "lines",
     .title = "The Llama 3 Herd of Models",
     .authors = "Dubey et al.",
     .year = 2024,
     .arxiv = "2407.21783",
     .help = "takes out lines that occur too often in a bucket of documents",
     .params = {ParamInfo::integer("bucket", "documents in a bucket").preset("30000000").at_least(1),
                ParamInfo::integer("max", "a line that occurs more often goes").preset("6").at_least(0),
                ParamInfo::choice("keep", {"none", "first6"}, "none: all its copies go; first6: the first `max` stay")
                    .preset("none"),
                Within::param()}},
    [](const Args& a) {
      return std::make_unique<Lines>(static_cast<uint64_t>(a.integer("bucket")),
                                     static_cast<uint64_t>(a.integer("max")), a.text("keep") == "first6",
                                     Within(a.text("within")));
    });

}  // namespace
}  // namespace frugal::data
