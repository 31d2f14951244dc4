// token_kl: documents whose words are distributed unlike those of a reference go; unigrams: the reference, made by a
// run.
//
// A. Dubey et al., "The Llama 3 Herd of Models", 2024, section 3.1.1: the Kullback-Leibler divergence of a document's
// token distribution from the training data's finds documents with too many outlier tokens. Free where the paper is
// silent: tokens are words in lower case; a word that the reference lacks has probability 1 / (10 tokens of the
// reference). KL = sum over words of p ln(p / q). Short documents have a bias of about (distinct - 1) / (2 words):
// choose limits by length.
//   jsonl(good) | unigrams(good.counts)      then      jsonl(in) | token_kl(good.counts,max=4) | jsonl(out)
// Cost: one look-up for each different word.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <unordered_map>

#include "base/error.h"
#include "data/hash.h"
#include "data/op.h"
#include "data/rules/lines.h"
#include "data/scratch.h"
#include "data/web/word_list.h"
#include "io/output_file.h"
#include "text/jinja/unicode.h"

namespace frugal::data {
namespace {

template <typename Visit>
void for_each_lower(std::string_view text, const Words& words, Visit visit) {
  for (const Word& w : words) visit(jinja::lower(text.substr(w.begin, w.size)));
}

class TokenKl : public RowOp {
 public:
  TokenKl(const std::string& file, double most) : most_(most) {
    for (const std::string& line : read_list(file)) {
      const size_t tab = line.rfind('\t');
      const double count = tab == std::string::npos ? 0 : std::atof(line.c_str() + tab + 1);
      if (!(count > 0))
        fail(ErrorCode::kBadInput, "token_kl", "{}: found '{}', expected a word, a tab and a count", file,
             line.substr(0, 60));
      total_ += counts_[hash_bytes(std::string_view(line).substr(0, tab))] = count;
    }
    if (counts_.empty()) fail(ErrorCode::kBadInput, "token_kl", "{} holds no counts", file);
  }
  std::vector<Column> columns() const override { return {{"token_kl"}}; }
  std::vector<std::string> reasons() const override { return {"token_kl"}; }

  void apply(Document& doc, Scratch& scratch) const override {
    const double kl = divergence(doc.text(), scratch.words(doc.text(), WordKind::kPlain));
    doc.number(0, kl);
    if (kl > most_) doc.drop(0);
  }

 private:
  double divergence(std::string_view text, const Words& words) const {
    std::unordered_map<uint64_t, double> here;
    for_each_lower(text, words, [&](const std::string& w) { ++here[hash_bytes(w)]; });
    double kl = 0;
    for (const auto& [word, n] : here) {
      const auto found = counts_.find(word);
      const double q = found == counts_.end() ? 1 / (10 * total_) : found->second / total_,
                   p = n / static_cast<double>(words.size());
      kl += p * std::log(p / q);
    }
    return kl;
  }

  std::unordered_map<uint64_t, double> counts_;
  double total_ = 0, most_;
};

// Counts in each part, added up at the end: word, tab, count, the most frequent first.
class Unigrams : public Sink {
 public:
  explicit Unigrams(std::string path) : path_(std::move(path)) {}
  std::string output() const override { return path_; }
  std::string folder() const override { return path_ + ".parts"; }
  std::string extension() const override { return ".counts"; }

  void encode(const Batch& batch, const Schema&, std::string& out) const override {
    static thread_local Scratch scratch;
    std::unordered_map<std::string, uint64_t> counts;
    for (size_t r = 0; r < batch.rows(); ++r) {
      if (batch.verdict[r] != kKept) continue;
      scratch.forget();
      for_each_lower(batch.text[r], scratch.words(batch.text[r], WordKind::kPlain),
                     [&](std::string w) { ++counts[std::move(w)]; });
    }
    for (const auto& [word, n] : counts) out += fmt::format("{}\t{}\n", word, n);
  }

  void finish(const std::vector<std::string>& parts) override {
    std::unordered_map<std::string, uint64_t> sums;
    for (const std::string& part : parts) {
      std::ifstream in(part);
      for (std::string line; std::getline(in, line);)
        if (const size_t tab = line.rfind('\t'); tab != std::string::npos)
          sums[line.substr(0, tab)] += std::strtoull(line.c_str() + tab + 1, nullptr, 10);
    }
    std::vector<std::pair<uint64_t, std::string>> order;
    order.reserve(sums.size());
    for (const auto& [word, n] : sums) order.emplace_back(n, word);
    std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
      return a.first != b.first ? a.first > b.first : a.second < b.second;
    });
    OutputFile out(path_);
    for (const auto& [n, word] : order) {
      const std::string line = fmt::format("{}\t{}\n", word, n);
      out.write(line.data(), line.size());
    }
    out.commit();
  }

 private:
  std::string path_;
};

const Register<MakeRowOp> kTokenKl(
    {.kind = "data",
     .role = "filter",
     .name = "token_kl",
     .title = "The Llama 3 Herd of Models",
     .authors = "Dubey et al.",
     .year = 2024,
     .arxiv = "2407.21783",
     .help = "drops documents whose word distribution is far from a reference's",
     .params = {ParamInfo::text("ref", "a file of words and counts, as unigrams(FILE) writes it"),
                ParamInfo::real("max", "greatest divergence, nats").preset("1000").at_least(0)}},
    [](const Args& a) { return std::make_unique<TokenKl>(a.text("ref"), a.real("max")); });

const Register<MakeEnd> kUnigrams({.kind = "data",
                                   .role = "sink",
                                   .name = "unigrams",
                                   .help = "writes how often each word occurs: a reference for token_kl",
                                   .params = {ParamInfo::text("path", "a file: word, tab, count, a line each")}},
                                  [](const Args& a, bool) {
                                    End end;
                                    end.sink = std::make_unique<Unigrams>(a.text("path"));
                                    return end;
                                  });

}  // namespace
}  // namespace frugal::data
