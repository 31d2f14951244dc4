// substring: passages that stand in the collection more than once are cut out of documents, wherever they begin.
//
// K. Lee et al., "Deduplicating Training Data Makes Language Models Better", 2021 (arXiv 2107.06499), section 4.1:
// every sequence of at least 50 tokens that occurs twice, in two documents or in one, is removed; their tool strikes
// all copies (keep=none), keep=first leaves the first of each. They find them in a suffix array of all texts. Here: a
// sequence of at least k tokens occurs twice if and only if each of its windows of k tokens does, so the union of the
// windows whose hash comes more than once is the same set of tokens (but for chance, 2^-64 a pair), and it needs
// neither the array nor the texts at hand. Tokens are words (`words=`), white space between them does not matter; no
// window crosses a document's border, and cuts fall between words. With keep=first a token of a passage's first copy
// stays, also where another passage covers it. Documents with fewer words than min_left after a cut go. Cost: 24 bytes
// a word on disk (mind the size: about five times the text), one slice of them in memory; 16 bytes for each window that
// is repeated, and 2 to 4 for a filter before them.
#include <algorithm>
#include <bit>
#include <unordered_set>

#include "data/dedup/runs.h"
#include "data/dedup/within.h"
#include "data/hash.h"
#include "data/op.h"
#include "data/scratch.h"

namespace frugal::data {
namespace {

constexpr uint64_t kBase = 0xD1342543DE82EF95;  // odd
constexpr uint32_t kLanes = 16;                 // so that a lane's slice fits memory: there are many records

// Calls visit(i, key) for the window of `length` words that begins at each word i: a polynomial of the words' hashes.
template <typename Visit>
void for_each_window(const Words& words, size_t length, uint64_t seed, Visit visit) {
  uint64_t sum = 0, top = 1;
  for (size_t i = 1; i < length; ++i) top *= kBase;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i >= length) sum -= top * words[i - length].hash;
    sum = sum * kBase + words[i].hash;
    if (i + 1 >= length) visit(i + 1 - length, mix(sum + seed));
  }
}

// Windows that occur more than once, by key, with the first document of each.
class Repeated {
 public:
  struct Entry {
    uint64_t key, doc;
  };
  void add(uint64_t key, uint64_t doc) { entries_.push_back({key, doc}); }
  void settle() {
    std::sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) { return a.key < b.key; });
    bits_.assign(std::bit_ceil(entries_.size() * 16 + 64) / 64, 0);
    for (const Entry& e : entries_) bits_[word(e.key)] |= uint64_t{1} << (e.key & 63);
  }
  const Entry* find(uint64_t key) const {
    if ((bits_[word(key)] >> (key & 63) & 1) == 0) return nullptr;  // most windows
    const auto found =
        std::lower_bound(entries_.begin(), entries_.end(), key, [](const Entry& e, uint64_t k) { return e.key < k; });
    return found != entries_.end() && found->key == key ? &*found : nullptr;
  }

 private:
  size_t word(uint64_t key) const { return static_cast<size_t>(key >> 6) & (bits_.size() - 1); }
  std::vector<Entry> entries_;
  std::vector<uint64_t> bits_ = {0};
};

class Substring : public GlobalOp {
 public:
  Substring(size_t length, bool keep_first, size_t least, WordKind kind, Within within)
      : length_(length), keep_first_(keep_first), least_(least), kind_(kind), within_(std::move(within)) {}
  std::vector<Column> columns() const override { return {{"substring_removed"}, {"substring_share"}}; }
  std::vector<std::string> reasons() const override { return {"substring_little_left"}; }
  void bind(const std::vector<Column>& before) override { within_.bind(before); }

  void sketch(const Batch& batch, size_t row, Scratch& scratch, std::vector<Record>& out) const override {
    for_each_window(scratch.words(batch.text[row], kind_), length_, within_.seed(batch, row),
                    [&](size_t, uint64_t key) {
                      out.push_back({key, 0, 0, static_cast<uint32_t>(key % kLanes)});
                    });
  }

  void group(const Sketches& sketches) override {
    for_each_run(sketches, [this](std::span<const SeenRecord> run) {
      if (run.size() > 1) repeated_.add(run[0].key, run[0].doc);
    });
    repeated_.settle();
  }

  void apply(Document& doc, uint64_t number, Scratch& scratch) const override {
    const Words& words = scratch.words(doc.text(), kind_);
    static thread_local std::vector<bool> struck;
    const size_t removed = strike(words, within_.seed(doc.batch(), doc.row()), number, struck);
    doc.number(0, static_cast<double>(removed));
    doc.number(1, words.empty() ? 0 : static_cast<double>(removed) / static_cast<double>(words.size()));
    if (removed == 0) return;
    if (words.size() - removed < least_) return doc.drop(0);
    cut(doc.text(), words, struck, scratch.text_a);
    doc.set_text(scratch.text_a);
  }

 private:
  // Which words go, and how many.
  size_t strike(const Words& words, uint64_t seed, uint64_t number, std::vector<bool>& struck) const {
    struck.assign(words.size(), false);
    std::unordered_set<uint64_t> first_here;  // windows whose first copy is in this document and was met
    size_t strike_end = 0, keep_end = 0, done = 0, removed = 0;
    const auto settle_to = [&](size_t end) {  // words before the next window: no later one covers them
      for (; done < end; ++done)
        if (done < strike_end && done >= keep_end) struck[done] = true, ++removed;
    };
    for_each_window(words, length_, seed, [&](size_t at, uint64_t key) {
      settle_to(at);
      const Repeated::Entry* found = repeated_.find(key);
      if (found == nullptr) return;
      const bool first = keep_first_ && found->doc == number && first_here.insert(key).second;
      (first ? keep_end : strike_end) = at + length_;
    });
    settle_to(words.size());
    return removed;
  }

  // The text without the words that go; of the white space around them the one with more line ends stays.
  static void cut(std::string_view text, const Words& words, const std::vector<bool>& struck, std::string& out) {
    out.clear();
    size_t from = 0;  // of the text that is still to be copied
    for (size_t i = 0; i < words.size();) {
      if (!struck[i]) {
        ++i;
        continue;
      }
      const size_t first = i;
      while (i < words.size() && struck[i]) ++i;
      const size_t begin = first == 0 ? 0 : end_of(words[first - 1]),
                   next = i == words.size() ? text.size() : words[i].begin;
      const std::string_view before = text.substr(begin, words[first].begin - begin),
                             after = text.substr(end_of(words[i - 1]), next - end_of(words[i - 1]));
      out.append(text.substr(from, begin - from));
      if (first != 0 && i != words.size()) out.append(line_ends(after) > line_ends(before) ? after : before);
      from = next;
    }
    out.append(text.substr(from));
  }
  static size_t end_of(const Word& w) { return size_t{w.begin} + w.size; }
  static std::ptrdiff_t line_ends(std::string_view gap) { return std::count(gap.begin(), gap.end(), '\n'); }

  size_t length_;
  bool keep_first_;
  size_t least_;
  WordKind kind_;
  Within within_;
  Repeated repeated_;
};

const Register<MakeGlobalOp> kSubstring(
    {.kind = "data",
     .role = "dedup",
     .name = "substring",
     .title = "Deduplicating Training Data Makes Language Models Better",
     .authors = "Lee et al.",
     .year = 2021,
     .arxiv = "2107.06499",
     .help = "cuts out passages that stand in the collection more than once",
     .params =
         {ParamInfo::integer("length", "words of the shortest passage").preset("50").at_least(2),
          ParamInfo::choice("keep", {"none", "first"}, "none: all copies go; first: the first stays").preset("none"),
          ParamInfo::integer("min_left", "documents with fewer words after a cut go").preset("1").at_least(0),
          words_param(), Within::param()}},
    [](const Args& a) {
      return std::make_unique<Substring>(static_cast<size_t>(a.integer("length")), a.text("keep") == "first",
                                         static_cast<size_t>(a.integer("min_left")), words_kind(a),
                                         Within(a.text("within")));
    });

}  // namespace
}  // namespace frugal::data
