// Ragged sequences in files. Behind the header (kv/cache_file.h):
//
//   u64 prompt, u8 in prompt; for each head of the index its pages and columns; for each layer the queries that were
//   not counted yet, as this machine's kernels prepared them
//
//   head     u64 pages, normed, far pages, i32 far shift; for each page u8 key form, u8 value form, u32 alive, its
//            keys, its values; columns f32, history, all by slot
//   queries  u32 rows, u32 query heads, u64 bytes of a query, then the queries and their log-sum-exps
//
// Nothing in a file is trusted: forms, counts and set numbers are checked before they are used as such.
#include <algorithm>

#include "base/mapped_file.h"
#include "kv/cache_file.h"
#include "kv/layout/ragged.h"

namespace frugal {
namespace {

size_t key_bytes(const KvLayer& l, uint8_t form) {
  return form == 0 ? l.k->k_page_bytes(l.k_width) : l.k_closing.form.key_bytes(form);
}
size_t value_bytes(const KvLayer& l, uint8_t form) {
  return form == 0 ? l.v->v_page_bytes(l.v_width) : l.v_closing.form.value_bytes();
}

void put_head(CacheWriter& out, const KvLayer& l, const RaggedHead& h) {
  const int64_t pages = (h.slots + kPageRows - 1) / kPageRows;
  for (const int64_t n : {pages, h.normed, h.far_pages}) out.number(static_cast<uint64_t>(n));
  out.number(h.far_shift);
  for (size_t p = 0; p < static_cast<size_t>(pages); ++p) {
    out.number(h.k_forms[p]);
    out.number(h.v_forms[p]);
    out.number(h.alive[p]);
    out.put(h.k[p], key_bytes(l, h.k_forms[p]));
    out.put(h.v[p], value_bytes(l, h.v_forms[p]));
  }
  const size_t slots = static_cast<size_t>(h.slots);
  for (const auto& c : h.columns)
    if (!c.empty()) out.list(c, slots);
  out.list(h.history, slots * h.history_bytes);
}

class HeadReader {
 public:
  HeadReader(ByteReader& in, const std::string& path, RaggedPool& pool, int layer, int64_t length)
      : in_(in),
        path_(path),
        pool_(pool),
        l_(pool.layer(layer)),
        needs_(pool.needs(layer)),
        length_(length),
        moves_(pool.policy(layer).counts_in_cache()) {}

  void read(RaggedHead& h, const std::vector<int32_t>& tokens) {
    const uint64_t pages = number("pages", static_cast<uint64_t>(pool_.most_slots(length_)) / kPageRows + 1);
    const int64_t slots = static_cast<int64_t>(tokens.size());
    if ((slots + kPageRows - 1) / kPageRows != static_cast<int64_t>(pages)) wrong("slots");
    const int64_t normed = static_cast<int64_t>(number("normed", static_cast<uint64_t>(slots))),
                  far = static_cast<int64_t>(number("far pages", moves_ ? pages : 0));
    h.far_shift = in_.number<int32_t>("far shift");
    h.set_up(needs_);
    for (uint64_t p = 0; p < pages; ++p) read_page(h);
    h.slots = slots, h.normed = normed, h.far_pages = far;
    if (slots % kPageRows != 0 && !h.open(h.pages() - 1)) wrong("the last page");
    columns(h, tokens);
  }

 private:
  [[noreturn]] void wrong(const char* what) const {
    fail(ErrorCode::kBadInput, "kv", "{} is damaged: {} cannot be", path_, what);
  }
  uint64_t number(const char* what, uint64_t most) {
    const uint64_t n = in_.number<uint64_t>(what);
    if (n > most) wrong(what);
    return n;
  }
  uint8_t* page(size_t bytes, const char* what) {
    in_.need(bytes, 1, what);
    uint8_t* p = pool_.heap().allocate(bytes);
    if (p == nullptr) fail(ErrorCode::kIo, "kv", "{} holds more rows than the cache may", path_);
    const std::string raw = in_.text(bytes, what);
    std::copy(raw.begin(), raw.end(), p);
    return p;
  }
  // A page's forms before its bytes: what does not fit this spec is never read.
  void read_page(RaggedHead& h) {
    const uint8_t k_form = in_.number<uint8_t>("key form"), v_form = in_.number<uint8_t>("value form");
    const uint32_t alive = in_.number<uint32_t>("living rows");
    if (k_form != 0 && (!l_.k_closing.on() || kivi_sets(k_form) < 1 || kivi_sets(k_form) > kMostKiviSets ||
                        (k_form & ~(kKiviPacked | (kKiviPacked - 1))) != 0))
      wrong("a key form");
    if (v_form != 0 && (!l_.v_closing.on() || v_form != l_.v_closing.form.groups())) wrong("a value form");
    uint8_t* k = page(key_bytes(l_, k_form), "keys");
    bool fits = true;
    for (int r = 0; r < kPageRows && k_form != 0; ++r)
      fits = fits && l_.k_closing.form.key_set(k_form, k, r) < kivi_sets(k_form);
    uint8_t* v = nullptr;
    try {
      if (!fits) wrong("a set of scales");
      v = page(value_bytes(l_, v_form), "values");
    } catch (...) {
      pool_.heap().release(k);
      throw;
    }
    h.resize(h.pages() + 1);
    h.k.back() = k, h.v.back() = v, h.k_forms.back() = k_form, h.v_forms.back() = v_form, h.alive.back() = alive;
  }
  void columns(RaggedHead& h, const std::vector<int32_t>& tokens) {
    const size_t slots = tokens.size();
    for (size_t i = 0; i < slots; ++i) {
      h.token[i] = tokens[i] < 0 ? ~tokens[i] : tokens[i];
      if (h.token[i] >= length_) wrong("a token's number");
    }
    for (auto& c : h.columns) {
      if (c.empty()) continue;
      const auto values = read_list<float>(in_, slots, "columns");
      std::copy(values.begin(), values.end(), c.begin());
    }
    const auto history = read_list<uint8_t>(in_, slots * h.history_bytes, "history");
    std::copy(history.begin(), history.end(), h.history.begin());
  }

  ByteReader& in_;
  const std::string& path_;
  RaggedPool& pool_;
  const KvLayer& l_;
  const PolicyNeeds& needs_;
  int64_t length_;
  bool moves_;  // may positions be those in the cache?
};

void put_tape(CacheWriter& out, KvTape& t) {
  out.number(static_cast<uint32_t>(t.rows));
  out.number(static_cast<uint32_t>(t.heads));
  out.number(static_cast<uint64_t>(t.prep));
  if (t.rows == 0) return;
  const size_t n = static_cast<size_t>(t.rows) * static_cast<size_t>(t.heads);
  out.put(t.queries.data(), n * t.prep);
  out.list(t.lse, n);
}

}  // namespace

void RaggedSeq::save(const std::string& path, const std::vector<int32_t>& ids) const {
  CacheIndex index{pool_.spec(), "ragged", length_, ids, {}};
  for (int l = 0; l < pool_.layers(); ++l)
    for (int i = 0; i < pool_.layer(l).shape.heads; ++i) {
      const RaggedHead& h = rows_of(l, i);
      index.heads.push_back({l, {h.token.begin(), h.token.begin() + h.slots}});
      for (size_t slot = 0; slot < index.heads.back().tokens.size(); ++slot)
        if ((h.alive[slot / kPageRows] >> slot % kPageRows & 1) == 0) index.heads.back().tokens[slot] = ~h.token[slot];
    }
  CacheWriter out(path, index);
  out.number(static_cast<uint64_t>(prompt_));
  out.number(static_cast<uint8_t>(in_prompt_));
  for (int l = 0; l < pool_.layers(); ++l)
    for (int i = 0; i < pool_.layer(l).shape.heads; ++i) put_head(out, pool_.layer(l), rows_of(l, i));
  for (const KvTape& t : tapes_) put_tape(out, const_cast<KvTape&>(t));
  out.finish();
}

void RaggedSeq::read_tape(ByteReader& in, const std::string& path, int layer) {
  const auto damaged = [&] {
    fail(ErrorCode::kBadInput, "kv", "{} is damaged: the queries of layer {} cannot be", path, layer);
  };
  const KvLayer& l = pool_.layer(layer);
  KvTape& t = tapes_[static_cast<size_t>(layer)];
  const uint32_t rows = in.number<uint32_t>("queries"), heads = in.number<uint32_t>("query heads");
  const uint64_t prep = in.number<uint64_t>("query bytes");
  if (rows == 0) return;
  if (!pool_.needs(layer).queries() || heads == 0 || heads > 1u << 16 ||
      heads % static_cast<uint32_t>(l.shape.heads) != 0)
    damaged();
  if (prep != l.k->prep_bytes(l.k_width))
    fail(ErrorCode::kUnsupported, "kv",
         "{} was saved by the kernels of another kind of processor, with queries of {} bytes; expected {}", path, prep,
         l.k->prep_bytes(l.k_width));
  for (int i = 0; i < l.shape.heads; ++i)
    if (rows > static_cast<uint64_t>(at(layer, i).slots)) damaged();
  const uint64_t n = static_cast<uint64_t>(rows) * heads;
  in.need(n, prep, "queries");
  t.queries = read_list<uint8_t>(in, n * prep, "queries");
  t.lse = read_list<float>(in, n, "log-sum-exps");
  t.rows = static_cast<int>(rows), t.heads = static_cast<int>(heads), t.prep = prep;
}

std::vector<int32_t> RaggedSeq::load(const std::string& path) {
  const MappedFile file(path);
  ByteReader in(file.bytes(), "kv", path);
  const CacheIndex index = read_cache_index(in, path, pool_.spec());
  const uint64_t prompt = in.number<uint64_t>("prompt");
  const bool in_prompt = in.number<uint8_t>("phase") != 0;
  if (prompt > static_cast<uint64_t>(index.length))
    fail(ErrorCode::kBadInput, "kv", "{} is damaged: {} rows with a prompt of {}", path, index.length, prompt);
  if (index.heads.size() != heads_.size())
    fail(ErrorCode::kBadInput, "kv", "{} is of another model: {} heads, expected {}", path, index.heads.size(),
         heads_.size());
  clear();
  try {
    const CacheIndex::Head* saved = index.heads.data();
    each_head(
        [&](int l, int, RaggedHead& h) { HeadReader(in, path, pool_, l, index.length).read(h, saved++->tokens); });
    for (int l = 0; l < pool_.layers(); ++l) read_tape(in, path, l);
    if (in.left() != 0) fail(ErrorCode::kBadInput, "kv", "{} has {} bytes behind its end", path, in.left());
  } catch (...) {
    clear();
    throw;
  }
  length_ = index.length, prompt_ = static_cast<int64_t>(prompt), in_prompt_ = in_prompt;
  return index.ids;
}

}  // namespace frugal
