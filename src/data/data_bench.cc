// Speed of the pipeline's parts on one core: data_bench FILE.jsonl [MODEL.ftz]. Each part works on all texts of the
// file; MB are of the file for reading and of texts for the rest, per second of this process's CPU time (and of the
// clock).
#include <fmt/format.h>

#include <cstdio>
#include <ctime>
#include <functional>

#include "base/clock.h"
#include "data/dedup/minhash_signature.h"
#include "data/language/fasttext.h"
#include "data/op.h"
#include "data/scratch.h"
#include "data/words/simplify.h"

namespace {

using namespace frugal;
using namespace frugal::data;

double cpu_s() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

void measure(const std::string& name, const std::function<size_t()>& work) {
  double cpu = 1e9, clock = 1e9, bytes = 0;
  for (int repeat = 0; repeat < 3; ++repeat) {
    const double c = cpu_s(), w = now_s();
    bytes = static_cast<double>(work());
    cpu = std::min(cpu, cpu_s() - c);
    clock = std::min(clock, now_s() - w);
  }
  std::printf("%-28s %8.1f MB a CPU second  %8.1f MB/s\n", name.c_str(), bytes / 1e6 / cpu, bytes / 1e6 / clock);
  std::fflush(stdout);
}

size_t read_all(const Source& source, const std::function<void(Batch&)>& use) {
  Faults faults;
  size_t bytes = 0;
  for (const data::Part& part : source.parts()) {
    const auto reader = source.open(part);
    RawBlock block;
    while (reader->next(block, faults)) {
      bytes += block.size;
      Batch batch;
      source.parse(std::move(block), batch, faults);
      use(batch);
      block = {};
    }
  }
  return bytes;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const auto source = make_method<MakeEnd>("data", parse_unit(fmt::format("jsonl(\"{}\")", argv[1])), false).source;
  measure("read", [&] { return read_all(*source, [](Batch&) {}); });
  std::vector<std::string> texts;
  size_t held = 0;
  read_all(*source, [&](Batch& b) {
    for (std::string_view t : b.text)
      if ((held += t.size()) < 64u << 20) texts.emplace_back(t);
  });
  const auto over_texts = [&](const std::string& name, const std::function<void(const std::string&)>& use) {
    measure(name, [&] {
      size_t bytes = 0;
      for (const std::string& t : texts) use(t), bytes += t.size();
      return bytes;
    });
  };
  Scratch scratch;
  for (const auto& [name, kind] :
       {std::pair("words plain", WordKind::kPlain), std::pair("words spacy", WordKind::kSpacy)})
    over_texts(name, [&, kind = kind](const std::string& t) { scratch.forget(), scratch.words(t, kind); });
  std::string room;
  over_texts("simplify_text", [&](const std::string& t) { simplify_text(t, room); });
  const MinHasher fast(112, 5, 1, WordKind::kPlain, ShingleHash::kFast),
      exact(112, 5, 1, WordKind::kSpacy, ShingleHash::kXxh64);
  std::vector<uint64_t> values;
  over_texts("shingles", [&](const std::string& t) { scratch.forget(), fast.shingles(t, scratch, values); });
  over_texts("minhash 14 x 8", [&](const std::string& t) { scratch.forget(), fast.signature(t, scratch, values); });
  over_texts("minhash xxh64, words spacy",
             [&](const std::string& t) { scratch.forget(), exact.signature(t, scratch, values); });
  if (argc < 3) return 0;
  const FastText model = FastText::open(argv[2]);
  over_texts("language", [&](const std::string& t) { model.best(t); });
  return 0;
}
