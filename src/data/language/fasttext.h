// Supervised fastText models (.bin and quantised .ftz): reading and prediction, without the library.
//
// A. Joulin et al., "Bag of Tricks for Efficient Text Classification", 2016, and "FastText.zip", 2016. A text is the
// mean of the vectors of its words and of the n-grams of their characters; a linear layer, under softmax, hierarchical
// softmax or one-vs-all, gives the labels' probabilities. Words are cut at ASCII white space; the end of the text
// counts as the word
// </s>, as the reference's Python package has it; line breaks count as blanks.
// Cost: what a word adds is remembered (each thread has 2^14 words), so most words take one look-up.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace frugal::data {

struct Prediction {
  size_t label = 0;
  double probability = 0;
};

class FastText {
 public:
  // From a file's bytes; throws Error(kBadInput) when they are no supervised model.
  static FastText parse(std::span<const std::byte> bytes, const std::string& where);
  static FastText open(const std::string& path);

  const std::vector<std::string>& labels() const { return labels_; }  // without the prefix __label__
  // The most likely label; probability 0 for a text that holds nothing known. Safe from several threads.
  Prediction best(std::string_view text) const;
  double probability(std::string_view text, size_t label) const;

 private:
  friend class FastTextReader;
  struct Node {
    int32_t parent = -1, left = -1, right = -1;
    int64_t count = 0;
    bool binary = false;
  };
  struct WordSum;

  bool hidden(std::string_view text, std::vector<float>& out) const;
  void add_word(std::string_view word, std::vector<float>& sum, uint32_t& rows) const;
  const WordSum& remembered(std::string_view word) const;
  void add_row(int64_t row, float* sum) const;
  template <typename Add>
  void for_each_row(std::string_view word, Add add) const;
  int64_t pruned(uint32_t hash) const;
  int32_t find_word(std::string_view word, uint32_t hash) const;
  double output(size_t row, const std::vector<float>& hidden) const;
  void build_tree(const std::vector<int64_t>& counts);
  void descend(int32_t node, double score, const std::vector<float>& hidden, double& best_score, size_t& best) const;
  double leaf_score(size_t label, const std::vector<float>& hidden) const;
  void softmax(const std::vector<float>& hidden, std::vector<double>& out) const;

  int32_t dim_ = 0, word_ngrams_ = 1, loss_ = 0, bucket_ = 0, minn_ = 0, maxn_ = 0;
  int32_t nwords_ = 0;
  std::vector<std::string> labels_;
  std::vector<int32_t> table_;        // open addressing over words and labels: -1 or the entry
  std::vector<std::string> entries_;  // words, then labels with their prefix
  std::vector<int32_t> prune_;        // by bucket: the row it moved to, or -1; empty: none was pruned
  bool all_pruned_ = false;
  std::vector<float> input_, output_;  // rows of dim_
  std::vector<Node> tree_;
  uint64_t identity_ = 0;  // tells models apart in the threads' memories
};

}  // namespace frugal::data
