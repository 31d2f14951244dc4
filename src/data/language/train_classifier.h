// Training of text classifiers in fastText's form, which `classifier(...)`, `lang(...)` and the fastText library read.
//
// A. Joulin et al., "Bag of Tricks for Efficient Text Classification", 2016 (arXiv 1607.01759), sections 2.1 and 2.2: a
// text is the mean of the vectors of its words and of its runs of words, these hashed into buckets; a linear layer and
// a softmax over the labels; stochastic gradient descent with a rate that falls linearly to 0. As in the reference: of
// a text's labels one is drawn at each visit, vectors begin uniform in [-1/dim, 1/dim], weights at 0, the end of a text
// is a word. Otherwise than there: each epoch takes the texts in another order, so that input sorted by label trains
// too; one thread, so that a seed gives one model, bit for bit. Cost: dim * (rows of the text + labels) multiplications
// an update, twice; memory 4 * dim * (words + buckets + labels) bytes and 4 a word of the texts.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/progress.h"
#include "data/language/fasttext.h"

namespace frugal::data {

struct ClassifierOptions {
  double lr = 0.1;
  int32_t epoch = 5, dim = 100, word_ngrams = 1, min_count = 1;
  int32_t bucket = 2000000;  // for runs of words; not used where word_ngrams is 1
  uint64_t seed = 0;
  bool shuffle = true;  // false: always in the order of add(), as the reference does
};

class ClassifierTrainer {
 public:
  explicit ClassifierTrainer(const ClassifierOptions& options) : options_(options) {}

  // A text with at least one label (without __label__). Words that begin with __label__ are left out.
  void add(std::string_view text, const std::vector<std::string>& labels);

  // Throws Error(kBadInput) where there are less than two labels.
  void train(const ProgressSink& progress);

  void write(const std::string& path) const;  // after train()

  size_t texts() const { return texts_.size(); }
  size_t labels() const { return labels_.size(); }
  size_t words() const { return kept_; }  // after train(): those that min_count keeps

 private:
  struct Entry {
    std::string name;
    int64_t count = 0;
    uint32_t hash = 0;
  };
  struct Text {
    uint64_t words = 0, labels = 0;  // where they end in the lists below
  };
  using Names = std::unordered_map<std::string, uint32_t>;

  static uint32_t number(std::string_view name, Names& names, std::vector<Entry>& entries);
  void order_by_count(std::vector<Entry>& entries, std::vector<uint32_t>& numbers);
  void start();
  void rows_of(size_t text, std::vector<uint32_t>& rows) const;
  void update(const std::vector<uint32_t>& rows, uint32_t label, float rate);
  std::span<float> row(std::vector<float>& matrix, size_t r) const;

  ClassifierOptions options_;
  Names word_names_, label_names_;
  std::vector<Entry> words_, labels_;
  std::vector<uint32_t> text_words_, text_labels_;
  std::vector<Text> texts_;
  size_t kept_ = 0;
  std::vector<float> input_, output_;
  std::vector<float> hidden_, scores_, gradient_;
};

struct LabelScore {
  std::string label;
  uint64_t gold = 0, predicted = 0, right = 0;
};
// The most likely label of each text against the labels it has: precision right / texts, recall right / gold.
class ClassifierScore {
 public:
  explicit ClassifierScore(const FastText& model);
  void add(std::string_view text, const std::vector<std::string>& labels);
  double precision() const { return texts == 0 ? 0 : static_cast<double>(right) / static_cast<double>(texts); }
  double recall() const { return gold == 0 ? 0 : static_cast<double>(right) / static_cast<double>(gold); }

  uint64_t texts = 0, gold = 0, right = 0;
  std::vector<LabelScore> labels;  // as in the model; then those that it does not have

 private:
  const FastText& model_;
};

}  // namespace frugal::data
