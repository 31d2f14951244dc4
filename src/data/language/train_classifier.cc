#include "data/language/train_classifier.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/rng.h"
#include "data/language/fasttext_words.h"
#include "io/output_file.h"

namespace frugal::data {
namespace {

constexpr uint64_t kMostFloats = uint64_t{1} << 33;

// A number below n.
size_t below(Stream& random, size_t n) { return static_cast<size_t>(random.uniform53() * static_cast<double>(n)); }

float dot(std::span<const float> a, std::span<const float> b) {
  float lanes[8] = {};
  size_t d = 0;
  for (; d + 8 <= a.size(); d += 8)
    for (size_t i = 0; i < 8; ++i) lanes[i] += a[d + i] * b[d + i];
  for (; d < a.size(); ++d) lanes[d % 8] += a[d] * b[d];
  return std::accumulate(lanes, lanes + 8, 0.0f);
}
void add_scaled(std::span<float> to, std::span<const float> from, float scale) {
  for (size_t d = 0; d < to.size(); ++d) to[d] += scale * from[d];
}

template <typename T>
void put(OutputFile& out, T value) {
  out.write(&value, sizeof value);
}

}  // namespace

uint32_t ClassifierTrainer::number(std::string_view name, Names& names, std::vector<Entry>& entries) {
  const auto [it, fresh] = names.try_emplace(std::string(name), static_cast<uint32_t>(entries.size()));
  if (fresh) entries.push_back({std::string(name), 0, fasttext_hash(name)});
  ++entries[it->second].count;
  return it->second;
}

void ClassifierTrainer::add(std::string_view text, const std::vector<std::string>& labels) {
  for_each_fasttext_word(text, [&](std::string_view word) {
    if (!word.starts_with(kFastTextPrefix)) text_words_.push_back(number(word, word_names_, words_));
  });
  for (const std::string& l : labels) text_labels_.push_back(number(l, label_names_, labels_));
  texts_.push_back({text_words_.size(), text_labels_.size()});
}

// Numbers by falling count, equal ones in the order of their first appearance.
void ClassifierTrainer::order_by_count(std::vector<Entry>& entries, std::vector<uint32_t>& numbers) {
  std::vector<uint32_t> order(entries.size()), place(entries.size());
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(),
                   [&](uint32_t a, uint32_t b) { return entries[a].count > entries[b].count; });
  std::vector<Entry> sorted;
  for (uint32_t i : order) {
    place[i] = static_cast<uint32_t>(sorted.size());
    sorted.push_back(std::move(entries[i]));
  }
  entries = std::move(sorted);
  for (uint32_t& n : numbers) n = place[n];
}

std::span<float> ClassifierTrainer::row(std::vector<float>& matrix, size_t r) const {
  const auto dim = static_cast<size_t>(options_.dim);
  return {matrix.data() + r * dim, dim};
}

void ClassifierTrainer::start() {
  if (labels_.size() < 2)
    fail(ErrorCode::kBadInput, "classifier", "found {} labels in {} texts, expected at least two", labels_.size(),
         texts_.size());
  if (options_.word_ngrams <= 1) options_.bucket = 0;
  word_names_.clear(), label_names_.clear();
  order_by_count(words_, text_words_);
  order_by_count(labels_, text_labels_);
  kept_ = static_cast<size_t>(
      std::count_if(words_.begin(), words_.end(), [&](const Entry& e) { return e.count >= options_.min_count; }));
  const auto dim = static_cast<uint64_t>(options_.dim), rows = kept_ + static_cast<uint64_t>(options_.bucket);
  if (rows > kMostFloats / dim)
    fail(ErrorCode::kUsage, "classifier", "found {} words and {} buckets of {} numbers, expected a smaller model",
         kept_, options_.bucket, dim);
  input_.resize(rows * dim);
  Stream random = stream(options_.seed, 0, Purpose::kInit);
  for (float& v : input_) v = (2 * random.uniform() - 1) / static_cast<float>(dim);
  output_.assign(labels_.size() * dim, 0);
  hidden_.resize(dim), gradient_.resize(dim), scores_.resize(labels_.size());
}

void ClassifierTrainer::rows_of(size_t text, std::vector<uint32_t>& rows) const {
  static thread_local std::vector<int32_t> hashes;
  rows.clear(), hashes.clear();
  for (uint64_t w = text == 0 ? 0 : texts_[text - 1].words; w < texts_[text].words; ++w) {
    if (text_words_[w] < kept_) rows.push_back(text_words_[w]);
    if (options_.word_ngrams > 1) hashes.push_back(static_cast<int32_t>(words_[text_words_[w]].hash));
  }
  for_each_word_ngram(hashes, options_.word_ngrams, static_cast<uint64_t>(std::max(options_.bucket, 1)),
                      [&](uint32_t id) { rows.push_back(static_cast<uint32_t>(kept_) + id); });
}

void ClassifierTrainer::update(const std::vector<uint32_t>& rows, uint32_t label, float rate) {
  const float share = 1.0f / static_cast<float>(rows.size());
  std::fill(hidden_.begin(), hidden_.end(), 0.0f);
  for (uint32_t r : rows) add_scaled(hidden_, row(input_, r), share);
  for (size_t l = 0; l < scores_.size(); ++l) scores_[l] = dot(hidden_, row(output_, l));
  const float most = *std::max_element(scores_.begin(), scores_.end());
  float sum = 0;
  for (float& s : scores_) sum += s = std::exp(s - most);
  std::fill(gradient_.begin(), gradient_.end(), 0.0f);
  for (size_t l = 0; l < scores_.size(); ++l) {
    const float step = rate * ((l == label ? 1.0f : 0.0f) - scores_[l] / sum);
    add_scaled(gradient_, row(output_, l), step);
    add_scaled(row(output_, l), hidden_, step);
  }
  for (uint32_t r : rows) add_scaled(row(input_, r), gradient_, share);
}

void ClassifierTrainer::train(const ProgressSink& sink) {
  start();
  Progress progress(sink, "training, words", static_cast<int64_t>(text_words_.size()) * options_.epoch);
  const double all = static_cast<double>(text_words_.size()) * options_.epoch;
  std::vector<uint32_t> order(texts_.size()), rows;
  std::iota(order.begin(), order.end(), 0u);
  uint64_t seen = 0;
  for (int32_t e = 0; e < options_.epoch; ++e) {
    Stream random = stream(options_.seed, static_cast<uint64_t>(e), Purpose::kData);
    for (size_t i = options_.shuffle ? order.size() : 0; i > 1; --i) std::swap(order[i - 1], order[below(random, i)]);
    for (uint32_t t : order) {
      const uint64_t first = t == 0 ? 0 : texts_[t - 1].labels, count = texts_[t].labels - first;
      const uint64_t length = texts_[t].words - (t == 0 ? 0 : texts_[t - 1].words);
      rows_of(t, rows);
      const double rate = options_.lr * (1 - static_cast<double>(seen) / all);
      if (!rows.empty())
        update(rows, text_labels_[first + (count > 1 ? below(random, count) : 0)], static_cast<float>(rate));
      seen += length;
      progress.add(static_cast<int64_t>(length));
    }
  }
}

void ClassifierTrainer::write(const std::string& path) const {
  constexpr int32_t kVersion = 12, kWindow = 5, kNegatives = 5, kSoftmax = 3, kSupervised = 3, kRateEvery = 100;
  OutputFile out(path);
  for (int32_t v : {kFastTextMagic, kVersion, options_.dim, kWindow, options_.epoch, options_.min_count, kNegatives,
                    options_.word_ngrams, kSoftmax, kSupervised, options_.bucket, 0, 0, kRateEvery})
    put(out, v);
  put(out, 1e-4);  // the share above which unsupervised training leaves words out
  const auto nlabels = static_cast<int32_t>(labels_.size()), nwords = static_cast<int32_t>(kept_);
  for (int32_t v : {nwords + nlabels, nwords, nlabels}) put(out, v);
  put(out, static_cast<int64_t>(text_words_.size() + text_labels_.size()));
  put(out, int64_t{-1});  // nothing pruned
  const auto entry = [&out](const std::string& name, int64_t count, int8_t kind) {
    out.write(name.c_str(), name.size() + 1);
    put(out, count), put(out, kind);
  };
  for (size_t w = 0; w < kept_; ++w) entry(words_[w].name, words_[w].count, 0);
  for (const Entry& l : labels_) entry(std::string(kFastTextPrefix) + l.name, l.count, 1);
  for (const std::vector<float>* matrix : {&input_, &output_}) {
    put(out, uint8_t{0});  // not quantised
    put(out, static_cast<int64_t>(matrix->size() / static_cast<size_t>(options_.dim)));
    put(out, int64_t{options_.dim});
    out.write(matrix->data(), matrix->size() * sizeof(float));
  }
  out.commit();
}

ClassifierScore::ClassifierScore(const FastText& model) : model_(model) {
  for (const std::string& l : model.labels()) labels.push_back({l});
}

void ClassifierScore::add(std::string_view text, const std::vector<std::string>& wanted) {
  const Prediction p = model_.best(text);
  ++texts, gold += wanted.size();
  if (p.probability > 0) ++labels[p.label].predicted;
  for (const std::string& w : wanted) {
    auto found = std::find_if(labels.begin(), labels.end(), [&](const LabelScore& l) { return l.label == w; });
    if (found == labels.end()) found = labels.insert(found, {w});
    ++found->gold;
    if (p.probability <= 0 || model_.labels()[p.label] != w) continue;
    ++found->right, ++right;
  }
}

}  // namespace frugal::data
