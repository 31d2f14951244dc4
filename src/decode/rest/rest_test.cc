// The datastore against a search written as its definition reads, its trie against counting, and files that are wrong.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "base/error.h"
#include "decode/draft/vocabulary.h"
#include "decode/rest/store.h"
#include "io/model_config.h"

namespace frugal {
namespace {

using Document = std::vector<int32_t>;

class StoreFile {
 public:
  explicit StoreFile(const std::vector<Document>& documents, int64_t vocab = 512, uint64_t mark = 7)
      : path((std::filesystem::temp_directory_path() / fmt::format("frugal_rest_{}_{}", getpid(), next_++)).string()) {
    RestBuilder builder(vocab, mark);
    for (const Document& d : documents) builder.add(d);
    builder.write(path);
  }
  ~StoreFile() { std::filesystem::remove(path); }
  std::string path;

 private:
  static inline int next_ = 0;
};

std::vector<Document> random_documents(uint64_t seed, int n, uint32_t alphabet) {
  Stream random = stream(seed, 3, Purpose::kTest);
  std::vector<Document> documents;
  for (int i = 0; i < n; ++i) {
    documents.emplace_back();
    for (uint32_t length = random.bits() % 400; length > 0; --length)
      documents.back().push_back(static_cast<int32_t>(random.bits() % alphabet));
  }
  return documents;
}

// Where pattern occurs: document and place.
std::multiset<Document> plain_continuations(const std::vector<Document>& documents, const Document& pattern,
                                            size_t most) {
  std::multiset<Document> found;
  for (const Document& d : documents)
    for (size_t at = 0; at + pattern.size() <= d.size(); ++at)
      if (std::equal(pattern.begin(), pattern.end(), d.begin() + static_cast<int64_t>(at))) {
        const size_t behind = at + pattern.size(), last = std::min(d.size(), behind + most);
        found.emplace(d.begin() + static_cast<int64_t>(behind), d.begin() + static_cast<int64_t>(last));
      }
  return found;
}

TEST(RestStore, FindsWhatASearchFinds) {
  for (const int64_t vocab : {512, 70000}) {  // tokens of two and of four bytes
    const auto documents = random_documents(5, 30, 3);
    const StoreFile file(documents, vocab);
    const RestStore store(file.path);
    Stream random = stream(6, 3, Purpose::kTest);
    for (int run = 0; run < 400; ++run) {
      Document pattern;
      for (uint32_t n = 1 + random.bits() % 9; n > 0; --n) pattern.push_back(static_cast<int32_t>(random.bits() % 3));
      const auto hits = store.find(pattern);
      std::multiset<Document> found;
      Document one, before;
      for (uint64_t place = hits.first; place < hits.last; ++place) {
        store.continuation(place, pattern.size(), 10, one);
        found.insert(one);
        ASSERT_LE(before, one);  // sorted
        before = one;
      }
      ASSERT_EQ(found, plain_continuations(documents, pattern, 10));
    }
  }
}

TEST(RestStore, SortsRepetitions) {
  const StoreFile file({Document(5000, 4), {4, 4, 5}});
  const RestStore store(file.path);
  const Document pattern(20, 4);
  EXPECT_EQ(store.find(pattern).count(), 5000u - 19);
  EXPECT_EQ(store.find(Document{4, 4, 5}).count(), 1u);
  EXPECT_EQ(store.find(Document{5, 4}).count(), 0u);  // not across documents
  EXPECT_EQ(RestStore(StoreFile({}).path).find(Document{1}).count(), 0u);
}

struct RestDrafter : testing::Test {
  std::unique_ptr<Model> model =
      Model::open(std::string(FRUGAL_SOURCE_DIR) + "/tests/golden/stories260k/stories260K-f32.gguf");
  std::unique_ptr<Tokenizer> tokenizer = make_tokenizer(read_tokenizer(model->file()));
  Runner runner{*model, {.threads = 1}};

  DraftTree draft(const std::string& spec, const Document& tokens, int depth = 64, int nodes = 64) {
    const auto drafter = make_drafter(spec, {runner, nullptr});
    DraftSequence s;
    s.tokens = tokens;
    s.most_depth = depth;
    s.most_nodes = nodes;
    s.tree.reset(tokens.back());
    DraftSequence* one[] = {&s};
    drafter->propose(one);
    return std::move(s.tree);
  }
};

Document path_of(const DraftTree& tree, int node) {
  Document path;
  for (; node > 0; node = tree.node(node).parent) path.insert(path.begin(), tree.node(node).token);
  return path;
}

TEST_F(RestDrafter, TheLongestMatchAndTheMostCounted) {
  const auto documents = random_documents(8, 40, 3);
  const StoreFile file(documents);
  Stream random = stream(9, 3, Purpose::kTest);
  for (int run = 0; run < 60; ++run) {
    Document context;
    for (int i = 0; i < 24; ++i) context.push_back(static_cast<int32_t>(random.bits() % 3));
    size_t n = 16;
    while (n >= 2 &&
           plain_continuations(documents, Document(context.end() - static_cast<int64_t>(n), context.end()), 0).empty())
      --n;
    ASSERT_GE(n, 2u);
    std::map<Document, int> counts;
    for (const Document& c :
         plain_continuations(documents, Document(context.end() - static_cast<int64_t>(n), context.end()), 6))
      for (size_t i = 1; i <= c.size(); ++i) ++counts[Document(c.begin(), c.begin() + static_cast<int64_t>(i))];
    const DraftTree tree = draft(fmt::format("rest(store=\"{}\",length=6,nodes=20,hits=100000)", file.path), context);
    ASSERT_EQ(tree.size() - 1, std::min<int>(20, static_cast<int>(counts.size())));
    int least = 1 << 30;
    std::set<Document> kept;
    for (int i = 1; i < tree.size(); ++i) {
      const Document path = path_of(tree, i);
      ASSERT_TRUE(kept.insert(path).second);
      least = std::min(least, counts.at(path));
    }
    for (const auto& [path, count] : counts) ASSERT_TRUE(kept.contains(path) || count <= least);
  }
}

TEST_F(RestDrafter, KeepsToItsLimits) {
  const StoreFile file({{1, 2, 3, 4, 5, 6, 7}, {1, 2, 9, 8}, {1, 2, 3, 4}});
  const std::string spec = fmt::format("rest(store=\"{}\")", file.path);
  EXPECT_EQ(draft(spec, {30, 1, 2}).size(), 1 + 7);
  EXPECT_EQ(path_of(draft(spec, {30, 1, 2}, 64, 2), 2), (Document{3, 4}));  // counted twice
  EXPECT_EQ(draft(spec, {30, 1, 2}, 1).size(), 1 + 2);
  EXPECT_EQ(draft(spec, {30, 1, 2}, 0).size(), 1);
  EXPECT_EQ(draft(spec, {1, 2, 30}).size(), 1);  // a single token is no match
  EXPECT_EQ(draft(fmt::format("rest(store=\"{}\",least=1)", file.path), {30, 9}).size(), 1 + 1);
  EXPECT_EQ(draft(spec, {6, 7}).size(), 1);  // the document ends
}

std::string refusal(const std::string& spec, const DraftTarget& target) {
  try {
    make_drafter(spec, target);
  } catch (const Error& e) {
    return e.what();
  }
  return "taken";
}

TEST_F(RestDrafter, WrongFilesAreRefused) {
  const StoreFile file(random_documents(3, 5, 50));
  const DraftTarget target{runner, tokenizer.get()}, ids{runner, nullptr};
  auto spec = [](const std::string& path) { return fmt::format("rest(store=\"{}\")", path); };
  EXPECT_EQ(refusal(spec(file.path), ids), "taken");
  EXPECT_NE(refusal(spec(file.path), target).find("another tokenizer"), std::string::npos);
  EXPECT_EQ(refusal(spec(StoreFile({{1, 2, 3}}, 512, fingerprint(*tokenizer)).path), target), "taken");
  EXPECT_NE(refusal(spec(StoreFile({{1, 2, 3}}, 1000).path), ids).find("of 1000 tokens"), std::string::npos);
  EXPECT_NE(refusal(spec("/no/such/store"), ids).find("/no/such/store"), std::string::npos);
  EXPECT_NE(refusal(fmt::format("rest(store=\"{}\",n=31,length=10)", file.path), ids).find("at most 32 together"),
            std::string::npos);
  const auto size = std::filesystem::file_size(file.path);
  for (const uint64_t cut : {uint64_t{0}, uint64_t{7}, uint64_t{63}, uint64_t{100}, size - 1}) {
    std::filesystem::resize_file(file.path, cut);
    const std::string why = refusal(spec(file.path), ids);
    EXPECT_TRUE(why.find("cut short") != std::string::npos || why.find("no datastore") != std::string::npos) << why;
  }
}

// Bytes turned at random: refused, or searched without reading outside.
TEST_F(RestDrafter, DamagedFilesDoNoHarm) {
  const StoreFile file(random_documents(4, 5, 20));
  std::ifstream in(file.path, std::ios::binary);
  const std::string good{std::istreambuf_iterator<char>(in), {}};
  Stream random = stream(4, 3, Purpose::kTest);
  for (int run = 0; run < 300; ++run) {
    std::string bad = good;
    for (int i = 0; i < 4; ++i)
      bad[random.bits() % (run % 2 == 0 ? 64 : bad.size())] = static_cast<char>(random.bits());
    std::ofstream(file.path, std::ios::binary) << bad;
    try {
      draft(fmt::format("rest(store=\"{}\")", file.path), {3, 4, 5, 6});
    } catch (const Error&) {
    }
  }
}

}  // namespace
}  // namespace frugal
