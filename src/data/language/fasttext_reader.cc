// Reads fastText's model files (little-endian, no padding; version 12, and 11 with its rule for character n-grams):
// numbers are checked against each other and the file's size before anything is allocated; a quantised matrix is
// unpacked to floats.
#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>

#include "base/byte_reader.h"
#include "base/error.h"
#include "base/mapped_file.h"
#include "data/language/fasttext.h"
#include "data/language/fasttext_words.h"

namespace frugal::data {
namespace {

constexpr char kPart[] = "fasttext";
// A product quantiser: 256 centroids for each piece of a row.
struct Quantiser {
  int32_t dim = 0, pieces = 0, width = 0, last = 0;
  std::vector<float> centroids;

  const float* centroid(int32_t piece, uint8_t code) const {
    const size_t base = static_cast<size_t>(piece) * 256 * static_cast<size_t>(width);
    return centroids.data() + base +
           static_cast<size_t>(code) * static_cast<size_t>(piece == pieces - 1 ? last : width);
  }
};

}  // namespace

class FastTextReader {
 public:
  FastTextReader(std::span<const std::byte> bytes, const std::string& where)
      : in_(bytes, kPart, where), where_(where) {}

  FastText read() {
    static std::atomic<uint64_t> models{0};
    model_.identity_ = ++models;
    arguments();
    dictionary();
    const bool quantised = in_.number<uint8_t>("the form of the input matrix") != 0;
    quantised ? packed_matrix(model_.input_) : dense_matrix(model_.input_);
    const size_t rows = model_.input_.size() / static_cast<size_t>(model_.dim_);
    const size_t want = static_cast<size_t>(model_.nwords_) + most_pruned_;
    if (rows < want) wrong("{} rows of input, expected at least {}", rows, want);
    const bool packed_output = in_.number<uint8_t>("the form of the output matrix") != 0;
    quantised&& packed_output ? packed_matrix(model_.output_) : dense_matrix(model_.output_);
    if (model_.output_.size() / static_cast<size_t>(model_.dim_) < model_.labels_.size())
      wrong("{} rows of output, expected one for each of {} labels",
            model_.output_.size() / static_cast<size_t>(model_.dim_), model_.labels_.size());
    if (model_.loss_ == 1) model_.build_tree(label_counts_);
    return std::move(model_);
  }

 private:
  template <typename... Args>
  [[noreturn]] void wrong(fmt::format_string<Args...> format, Args&&... args) const {
    fail(ErrorCode::kBadInput, kPart, "{}: found {}", where_, fmt::format(format, std::forward<Args>(args)...));
  }

  void arguments() {
    if (in_.number<int32_t>("the magic number") != kFastTextMagic)
      wrong("another magic number, expected a fastText model");
    const auto version = in_.number<int32_t>("the version");
    if (version < 11 || version > 12) wrong("version {}, expected 11 or 12", version);
    model_.dim_ = in_.number<int32_t>("dim");
    in_.skip(16, "ws, epoch, minCount, neg");
    model_.word_ngrams_ = in_.number<int32_t>("wordNgrams");
    model_.loss_ = in_.number<int32_t>("loss");
    const auto kind = in_.number<int32_t>("model");
    model_.bucket_ = in_.number<int32_t>("bucket");
    model_.minn_ = in_.number<int32_t>("minn");
    model_.maxn_ = in_.number<int32_t>("maxn");
    in_.skip(4 + 8, "lrUpdateRate, t");
    if (kind != 3) wrong("model kind {}, expected 3 (supervised)", kind);
    if (version == 11) model_.maxn_ = 0;
    if (model_.dim_ < 1 || model_.dim_ > 4096) wrong("dim {}, expected 1 to 4096", model_.dim_);
    if (model_.loss_ < 1 || model_.loss_ > 4 || model_.loss_ == 2)
      wrong("loss {}, expected 1 (hs), 3 (softmax) or 4 (ova)", model_.loss_);
    if (model_.bucket_ < 0 || model_.bucket_ > (1 << 28) || model_.minn_ < 0 || model_.maxn_ < 0 || model_.maxn_ > 64 ||
        model_.word_ngrams_ < 1 || model_.word_ngrams_ > 64)
      wrong("bucket {}, minn {}, maxn {}, wordNgrams {}", model_.bucket_, model_.minn_, model_.maxn_,
            model_.word_ngrams_);
    if (model_.bucket_ == 0) model_.word_ngrams_ = 1, model_.maxn_ = 0;
  }

  std::string word() {
    std::string w;
    for (char c; (c = in_.number<char>("a word")) != 0;) w += c;
    return w;
  }

  void dictionary() {
    const auto size = in_.number<int32_t>("the dictionary's size");
    const auto nwords = in_.number<int32_t>("the number of words"),
               nlabels = in_.number<int32_t>("the number of labels");
    in_.skip(8, "the number of tokens");
    const auto pruned = in_.number<int64_t>("the number of pruned n-grams");
    if (size < 0 || nwords < 0 || nlabels < 1 || int64_t{nwords} + nlabels != size)
      wrong("{} words and {} labels of {} entries", nwords, nlabels, size);
    in_.need(static_cast<uint64_t>(size), 10, "the dictionary");
    model_.nwords_ = nwords;
    for (int32_t i = 0; i < size; ++i) entry(i, nwords);
    fill_table();
    prune(pruned);
  }

  void entry(int32_t i, int32_t nwords) {
    std::string w = word();
    const auto count = in_.number<int64_t>("a count");
    const auto kind = in_.number<int8_t>("an entry's kind");
    if ((kind == 1) != (i >= nwords)) wrong("entry {} of kind {}, expected words before labels", i, kind);
    if (kind == 1) {
      model_.labels_.push_back(w.starts_with(kFastTextPrefix) ? w.substr(kFastTextPrefix.size()) : w);
      if (count < 0 || count > int64_t{1} << 48 || (!label_counts_.empty() && count > label_counts_.back()))
        wrong("labels that are not in the order of their counts");
      label_counts_.push_back(count);
    }
    model_.entries_.push_back(std::move(w));
  }

  void fill_table() {
    model_.table_.assign(std::bit_ceil(model_.entries_.size() * 2 + 2), -1);
    const size_t mask = model_.table_.size() - 1;
    for (size_t i = 0; i < model_.entries_.size(); ++i) {
      size_t at = fasttext_hash(model_.entries_[i]) & mask;
      while (model_.table_[at] >= 0) at = (at + 1) & mask;
      model_.table_[at] = static_cast<int32_t>(i);
    }
  }

  void prune(int64_t pruned) {
    model_.all_pruned_ = pruned == 0;
    most_pruned_ =
        pruned < 0 && (model_.maxn_ > 0 || model_.word_ngrams_ > 1) ? static_cast<size_t>(model_.bucket_) : 0;
    if (pruned <= 0) return;
    in_.need(static_cast<uint64_t>(pruned), 8, "the pruned n-grams");
    model_.prune_.assign(static_cast<size_t>(model_.bucket_), -1);
    for (int64_t i = 0; i < pruned; ++i) {
      const auto from = in_.number<int32_t>("an n-gram"), to = in_.number<int32_t>("its row");
      if (from < 0 || from >= model_.bucket_ || to < 0) wrong("n-gram {} in row {}", from, to);
      model_.prune_[static_cast<size_t>(from)] = to;
      most_pruned_ = std::max(most_pruned_, static_cast<size_t>(to) + 1);
    }
  }

  void check_shape(int64_t rows, int64_t columns) const {
    if (columns != model_.dim_ || rows < 0 || rows > (int64_t{1} << 33) / columns)
      wrong("a matrix of {} x {}, expected {} columns", rows, columns, model_.dim_);
  }

  void dense_matrix(std::vector<float>& out) {
    const auto rows = in_.number<int64_t>("rows"), columns = in_.number<int64_t>("columns");
    check_shape(rows, columns);
    in_.need(static_cast<uint64_t>(rows * columns), sizeof(float), "a matrix");
    const std::string bytes = in_.text(static_cast<uint64_t>(rows * columns) * sizeof(float), "a matrix");
    out.resize(static_cast<size_t>(rows * columns));
    if (!out.empty()) std::memcpy(out.data(), bytes.data(), bytes.size());
  }

  Quantiser quantiser() {
    Quantiser q;
    q.dim = in_.number<int32_t>("a quantiser's dim"), q.pieces = in_.number<int32_t>("pieces");
    q.width = in_.number<int32_t>("width"), q.last = in_.number<int32_t>("last width");
    const bool fits = q.dim >= 1 && q.dim <= 4096 && q.width >= 1 && q.width <= q.dim && q.last >= 1 &&
                      q.last <= q.width && q.pieces >= 1 && int64_t{q.pieces - 1} * q.width + q.last == q.dim;
    if (!fits) wrong("a quantiser of {} x {} ({}) for {}", q.pieces, q.width, q.last, q.dim);
    const std::string bytes = in_.text(static_cast<uint64_t>(q.dim) * 256 * sizeof(float), "centroids");
    q.centroids.resize(static_cast<size_t>(q.dim) * 256);
    std::memcpy(q.centroids.data(), bytes.data(), bytes.size());
    return q;
  }

  void packed_matrix(std::vector<float>& out) {
    const bool norms = in_.number<uint8_t>("norms") != 0;
    const auto rows = in_.number<int64_t>("rows"), columns = in_.number<int64_t>("columns");
    const auto size = in_.number<int32_t>("the number of codes");
    check_shape(rows, columns);
    if (size < 0) wrong("{} codes", size);
    const std::string codes = in_.text(static_cast<uint64_t>(size), "codes");
    const Quantiser q = quantiser();
    if (q.dim != model_.dim_ || rows * q.pieces > size)
      wrong("{} codes for {} rows of {} pieces", size, rows, q.pieces);
    std::string norm_codes;
    Quantiser norm;
    if (norms) {
      norm_codes = in_.text(static_cast<uint64_t>(rows), "norms");
      norm = quantiser();
    }
    out.resize(static_cast<size_t>(rows * columns));
    for (int64_t r = 0; r < rows; ++r) {
      const float scale = norms ? norm.centroid(0, static_cast<uint8_t>(norm_codes[static_cast<size_t>(r)]))[0] : 1.0f;
      unpack(q, codes.data() + r * q.pieces, scale, out.data() + r * columns);
    }
  }

  static void unpack(const Quantiser& q, const char* codes, float scale, float* row) {
    for (int32_t p = 0; p < q.pieces; ++p) {
      const float* c = q.centroid(p, static_cast<uint8_t>(codes[p]));
      for (int32_t d = 0; d < (p == q.pieces - 1 ? q.last : q.width); ++d) *row++ = scale * c[d];
    }
  }

  ByteReader in_;
  std::string where_;
  FastText model_;
  std::vector<int64_t> label_counts_;
  size_t most_pruned_ = 0;
};

FastText FastText::parse(std::span<const std::byte> bytes, const std::string& where) {
  return FastTextReader(bytes, where).read();
}

FastText FastText::open(const std::string& path) {
  const MappedFile file(path);
  return parse(file.bytes(), path);
}

}  // namespace frugal::data
