#include "data/language/fasttext.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "data/hash.h"
#include "data/language/fasttext_words.h"

namespace frugal::data {
namespace {

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }
// One against all: the logistic function from a table of 512 steps on [-8, 8], as the original predicts with it.
double table_sigmoid(double x) {
  if (x < -8 || x > 8) return x < 0 ? 0 : 1;
  return 1 / (1 + std::exp(8 - std::floor((x + 8) * 32) / 32));
}
double log_of(double x) { return std::log(x + 1e-5); }

}  // namespace

// What one word adds to the sum, and how many rows that were.
struct FastText::WordSum {
  std::string word;
  uint64_t model = 0;
  uint32_t rows = 0;
  std::vector<float> sum;
};

int64_t FastText::pruned(uint32_t hash) const {
  const auto id = static_cast<int32_t>(hash % static_cast<uint32_t>(bucket_));
  if (all_pruned_) return -1;
  return prune_.empty() ? id : prune_[static_cast<size_t>(id)];
}

int32_t FastText::find_word(std::string_view word, uint32_t hash) const {
  for (size_t at = hash & (table_.size() - 1);; at = (at + 1) & (table_.size() - 1))
    if (table_[at] < 0 || entries_[static_cast<size_t>(table_[at])] == word) return table_[at];
}

// Rows of the input matrix that stand for a word: its own, and those of its n-grams of characters, borders marked.
template <typename Add>
void FastText::for_each_row(std::string_view word, Add add) const {
  const int32_t id = find_word(word, fasttext_hash(word));
  if (id >= nwords_ || (id < 0 && word.starts_with(kFastTextPrefix))) return;  // a label
  if (id >= 0) add(id);
  if (word == kFastTextEnd || maxn_ <= 0 || bucket_ <= 0) return;
  std::string marked;
  marked.append("<").append(word).append(">");
  for (size_t i = 0; i < marked.size(); ++i) {
    if (continues(marked[i])) continue;
    uint32_t h = kFastTextHashStart;
    size_t j = i;
    for (int32_t n = 1; j < marked.size() && n <= maxn_; ++n) {
      do h = fasttext_step(h, marked[j++]);
      while (j < marked.size() && continues(marked[j]));
      if (n < minn_ || (n == 1 && (i == 0 || j == marked.size()))) continue;
      if (const int64_t row = pruned(h); row >= 0) add(nwords_ + row);
    }
  }
}

void FastText::add_row(int64_t row, float* sum) const {
  const float* from = input_.data() + row * dim_;
  for (int32_t d = 0; d < dim_; ++d) sum[d] += from[d];
}

const FastText::WordSum& FastText::remembered(std::string_view word) const {
  static thread_local std::vector<WordSum> memory(1 << 14);
  WordSum& slot = memory[hash_bytes(word, identity_) & (memory.size() - 1)];
  if (slot.model == identity_ && slot.word == word) return slot;
  slot.word = word;
  slot.model = identity_;
  slot.rows = 0;
  slot.sum.assign(static_cast<size_t>(dim_), 0);
  for_each_row(word, [&](int64_t row) {
    add_row(row, slot.sum.data());
    ++slot.rows;
  });
  return slot;
}

void FastText::add_word(std::string_view word, std::vector<float>& sum, uint32_t& rows) const {
  if (word.size() > 64) {  // hardly a word that comes again
    for_each_row(word, [&](int64_t row) {
      add_row(row, sum.data());
      ++rows;
    });
    return;
  }
  const WordSum& w = remembered(word);
  for (size_t d = 0; d < sum.size(); ++d) sum[d] += w.sum[d];
  rows += w.rows;
}

bool FastText::hidden(std::string_view text, std::vector<float>& out) const {
  out.assign(static_cast<size_t>(dim_), 0);
  uint32_t rows = 0;
  std::vector<int32_t> hashes;
  for_each_fasttext_word(text, [&](std::string_view word) {
    add_word(word, out, rows);
    if (word_ngrams_ > 1 && !word.starts_with(kFastTextPrefix))
      hashes.push_back(static_cast<int32_t>(fasttext_hash(word)));
  });
  for_each_word_ngram(hashes, word_ngrams_, static_cast<uint64_t>(std::max(bucket_, 1)), [&](uint32_t id) {
    const int64_t row = pruned(id);
    if (row < 0) return;
    add_row(nwords_ + row, out.data());
    ++rows;
  });
  if (rows == 0) return false;
  for (float& v : out) v *= 1.0f / static_cast<float>(rows);
  return true;
}

double FastText::output(size_t row, const std::vector<float>& hidden) const {
  const float* w = output_.data() + row * static_cast<size_t>(dim_);
  float sum = 0;
  for (size_t d = 0; d < hidden.size(); ++d) sum += w[d] * hidden[d];
  return static_cast<double>(sum);
}

// Huffman's tree over the labels' counts, which come in descending order.
void FastText::build_tree(const std::vector<int64_t>& counts) {
  const auto labels = static_cast<int32_t>(counts.size());
  tree_.assign(static_cast<size_t>(2 * labels - 1), Node{-1, -1, -1, int64_t{1000000000000000}, false});
  for (size_t i = 0; i < counts.size(); ++i) tree_[i].count = counts[i];
  int32_t leaf = labels - 1, node = labels;
  for (int32_t i = labels; i < 2 * labels - 1; ++i) {
    int32_t least[2];
    for (int32_t& l : least)
      l = leaf >= 0 && tree_[static_cast<size_t>(leaf)].count < tree_[static_cast<size_t>(node)].count ? leaf--
                                                                                                       : node++;
    Node& inner = tree_[static_cast<size_t>(i)];
    inner.left = least[0];
    inner.right = least[1];
    inner.count = tree_[static_cast<size_t>(least[0])].count + tree_[static_cast<size_t>(least[1])].count;
    for (int32_t l : least) tree_[static_cast<size_t>(l)].parent = i;
    tree_[static_cast<size_t>(least[1])].binary = true;
  }
}

void FastText::descend(int32_t node, double score, const std::vector<float>& hidden, double& best_score,
                       size_t& best) const {
  if (score < best_score) return;  // of equal labels the last, as in the original
  const Node& n = tree_[static_cast<size_t>(node)];
  if (n.left < 0) {
    best_score = score;
    best = static_cast<size_t>(node);
    return;
  }
  const double f = 1 / (1 + std::exp(-output(static_cast<size_t>(node) - labels_.size(), hidden)));
  descend(n.left, score + log_of(1 - f), hidden, best_score, best);
  descend(n.right, score + log_of(f), hidden, best_score, best);
}

double FastText::leaf_score(size_t label, const std::vector<float>& hidden) const {
  double score = 0;
  for (auto node = static_cast<int32_t>(label); tree_[static_cast<size_t>(node)].parent >= 0;
       node = tree_[static_cast<size_t>(node)].parent) {
    const auto parent = static_cast<size_t>(tree_[static_cast<size_t>(node)].parent);
    const double f = 1 / (1 + std::exp(-output(parent - labels_.size(), hidden)));
    score += log_of(tree_[static_cast<size_t>(node)].binary ? f : 1 - f);
  }
  return score;
}

void FastText::softmax(const std::vector<float>& hidden, std::vector<double>& out) const {
  out.resize(labels_.size());
  for (size_t l = 0; l < out.size(); ++l) out[l] = output(l, hidden);
  if (loss_ == 4) {  // one against all
    for (double& v : out) v = table_sigmoid(v);
    return;
  }
  const double most = *std::max_element(out.begin(), out.end());
  double sum = 0;
  for (double& v : out) sum += v = std::exp(v - most);
  for (double& v : out) v /= sum;
}

Prediction FastText::best(std::string_view text) const {
  std::vector<float> h;
  if (labels_.empty() || !hidden(text, h)) return {};
  if (loss_ == 1) {
    double score = -1e300;
    size_t label = 0;
    descend(static_cast<int32_t>(tree_.size()) - 1, 0, h, score, label);
    return {label, std::min(1.0, std::exp(score))};
  }
  std::vector<double> all;
  softmax(h, all);
  const auto most =
      static_cast<size_t>(all.rend() - std::max_element(all.rbegin(), all.rend()) - 1);  // the last of equals
  return {most, std::min(1.0, all[most] + 1e-5)};  // as exp(log_of(p)): what the original prints
}

double FastText::probability(std::string_view text, size_t label) const {
  std::vector<float> h;
  if (!hidden(text, h)) return 0;
  if (loss_ == 1) return std::min(1.0, std::exp(leaf_score(label, h)));
  std::vector<double> all;
  softmax(h, all);
  return std::min(1.0, all[label] + 1e-5);
}

}  // namespace frugal::data
