// decontaminate: documents that hold pieces of test sets go.
//
// T. Brown et al., "Language Models are Few-Shot Learners", 2020, appendix C, and A. Dubey et al., "The Llama 3 Herd of
// Models", 2024, section 5.1.4: overlap of n-grams of normalised words, 13 and 8 of them. A document is contaminated
// when one n-gram of a test example occurs in it; the example's file and the number of hits are kept. Examples of fewer
// than n words are looked for whole, when they have at least `least` words. Text and examples are simplified first
// (case, numbers, signs, accents), so a changed capital or comma does not hide a copy. Cost: one look-up a word; 16
// bytes for each n-gram of the test sets.
#include <algorithm>
#include <unordered_map>

#include "base/error.h"
#include "data/byte_stream.h"
#include "data/files.h"
#include "data/hash.h"
#include "data/op.h"
#include "data/rules/lines.h"
#include "data/scratch.h"
#include "data/words/simplify.h"
#include "io/json_file.h"

namespace frugal::data {
namespace {

constexpr uint64_t kBase = 0xD1B54A32D192ED03;

std::vector<uint64_t> word_hashes(std::string_view text, std::string& room, WordSplitter& splitter, Words& words) {
  simplify_text(text, room);
  splitter.split(room, words);
  std::vector<uint64_t> out;
  for (const Word& w : words) out.push_back(w.hash);
  return out;
}

// Calls visit(hash) for every n-gram.
template <typename Visit>
void for_each_gram(const std::vector<uint64_t>& words, size_t n, Visit visit) {
  if (words.size() < n) return;
  uint64_t power = 1, rolling = 0;
  for (size_t i = 0; i < n; ++i) power *= kBase;
  for (size_t i = 0; i < words.size(); ++i) {
    rolling = rolling * kBase + words[i] - (i >= n ? words[i - n] * power : 0);
    if (i + 1 >= n) visit(mix(rolling + n));
  }
}

class Decontaminate : public RowOp {
 public:
  Decontaminate(const std::string& tests, size_t n, size_t least, std::vector<std::string> members)
      : n_(n), least_(std::min(least, n)), members_(std::move(members)) {
    for (const std::string& file : matching_files(tests)) read(file);
    for (size_t size = least_; size < n_; ++size)
      if (!index_[size].empty()) lengths_.push_back(size);
    if (!index_[n_].empty()) lengths_.push_back(n_);
  }
  std::vector<Column> columns() const override { return {{"decontaminate_hits"}, {"decontaminate_test", true}}; }
  std::vector<std::string> reasons() const override { return {"contaminated"}; }

  void apply(Document& doc, Scratch& scratch) const override {
    const auto words = word_hashes(doc.text(), scratch.text_a, scratch.splitter(WordKind::kSpace), scratch.other_words);
    size_t hits = 0;
    uint32_t file = 0;
    for (size_t size : lengths_) {
      const auto& index = index_.at(size);
      for_each_gram(words, size, [&](uint64_t h) {
        if (const auto found = index.find(h); found != index.end() && hits++ == 0) file = found->second;
      });
    }
    doc.number(0, static_cast<double>(hits));
    if (hits == 0) return;
    doc.label(1, files_[file]);
    doc.drop(0);
  }

 private:
  void read(const std::string& file) {
    files_.push_back(file);
    const auto stream = open_stream({file, 0, ~uint64_t{0}});
    std::string all;
    Faults faults;
    std::vector<char> buffer(1 << 16);
    while (const size_t got = stream->read(buffer.data(), buffer.size(), faults)) all.append(buffer.data(), got);
    std::vector<std::string_view> lines;
    split_at_newlines(all, lines);
    for (std::string_view line : lines)
      if (!strip(line).empty()) example(line, file);
  }

  void example(std::string_view line, const std::string& file) {
    const auto row = parse_json(line.data(), line.size(), file);
    if (!row.is_object())
      fail(ErrorCode::kBadInput, "decontaminate", "{}: found {}, expected a JSON object a line", file, shown(row));
    for (const auto& [name, value] : row.items()) {
      if (!value.is_string() ||
          (!members_.empty() && std::find(members_.begin(), members_.end(), name) == members_.end()))
        continue;
      const auto words = word_hashes(value.get_ref<const std::string&>(), room_, *splitter_, scratch_);
      const size_t size = std::min(n_, words.size());
      if (size < least_) continue;
      for_each_gram(words, size,
                    [&](uint64_t h) { index_[size].try_emplace(h, static_cast<uint32_t>(files_.size() - 1)); });
    }
  }

  size_t n_, least_;
  std::vector<std::string> members_, files_;
  std::vector<size_t> lengths_;
  std::unordered_map<size_t, std::unordered_map<uint64_t, uint32_t>>
      index_;  // by n, and by the lengths of shorter examples
  std::string room_;
  Words scratch_;
  std::unique_ptr<WordSplitter> splitter_ = make_splitter(WordKind::kSpace);
};

const Register<MakeRowOp> kDecontaminate(
    {.kind = "data",
     .role = "filter",
     .name = "decontaminate",
     .title = "Language Models are Few-Shot Learners",
     .authors = "Brown et al.",
     .year = 2020,
     .arxiv = "2005.14165",
     .help = "drops documents that share an n-gram of words with test sets",
     .params = {ParamInfo::text("tests", "JSON lines of test examples: a file, folder or pattern"),
                ParamInfo::integer("n", "words in an n-gram").preset("13").within(2, 100),
                ParamInfo::integer("least", "shorter examples are not looked for").preset("8").within(2, 100),
                ParamInfo::list("members", "of an example: which texts count; all when empty").preset("[]")}},
    [](const Args& a) {
      std::vector<std::string> members;
      for (const Value& v : a.list("members")) members.push_back(v.text);
      return std::make_unique<Decontaminate>(a.text("tests"), static_cast<size_t>(a.integer("n")),
                                             static_cast<size_t>(a.integer("least")), std::move(members));
    });

}  // namespace
}  // namespace frugal::data
