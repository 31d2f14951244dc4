#include "kv/rows.h"

#include <cstring>

#include "base/error.h"
#include "kv/layout/ragged.h"
#include "kv/pool.h"
#include "kv/spec.h"

namespace frugal {
namespace {

int padded(int width) { return (width + 15) / 16 * 16; }

void check_shape(const KvShape& s) {
  auto holds = [](int width) { return width > 0 && width <= kWidestKvHead; };
  if (s.heads < 1 || !holds(s.k_width) || !holds(s.v_width))
    fail(ErrorCode::kUnsupported, "kv", "{} heads with keys of {} and values of {}; expected heads of 1 to {}", s.heads,
         s.k_width, s.v_width, kWidestKvHead);
}

const KvCodecKernels* kernels_of(const KernelTable& table, const Unit& unit, bool exact) {
  const KvCodecKernels* c = table.find_codec(make_method<MakeCodec>("kv", unit).rows, exact);
  if (c == nullptr) fail(ErrorCode::kUnsupported, "kv", "codec {} has no kernels on this machine", unit.name);
  return c;
}

}  // namespace

RowPool::RowPool(const KvPoolOptions& options)
    : spec_(canonical_kv_spec(options.spec)), table_(options.table != nullptr ? options.table : &kernels()) {
  const auto specs = resolve_kv_spec(options.spec, static_cast<int>(options.layers.size()));
  for (size_t l = 0; l < specs.size(); ++l) {
    KvLayer layer;
    layer.shape = options.layers[l];
    check_shape(layer.shape);
    layer.k_width = padded(layer.shape.k_width);
    layer.v_width = padded(layer.shape.v_width);
    layer.k = kernels_of(*table_, specs[l].k_codec, options.exact);
    layer.v = kernels_of(*table_, specs[l].v_codec, options.exact);
    layers_.push_back(layer);
  }
}

void KvTape::make_room(int step_rows, int query_heads, size_t prep_bytes, const AttendSpec& spec) {
  heads = query_heads;
  prep = prep_bytes;
  softcap = spec.softcap;
  slopes = spec.alibi_slopes;
  const size_t n = static_cast<size_t>(rows + step_rows) * static_cast<size_t>(heads);
  if (lse.size() >= n) return;
  lse.resize(n);
  queries.resize(n * prep);
}

void KvTape::keep(int to, int from) {
  std::memcpy(query(to, 0), query(from, 0), static_cast<size_t>(heads) * prep);
  std::copy_n(&lse_of(from, 0), heads, &lse_of(to, 0));
}

void erase_row(const KvLayer& l, uint8_t* k_page, uint8_t* v_page, int index) {
  static constexpr float kZeros[kWidestKvHead] = {};
  if (holds_infinities(*l.k)) l.k->k_write(kZeros, l.k_width, k_page, index);
  if (holds_infinities(*l.v)) l.v->v_write(kZeros, l.v_width, v_page, index);
}

// Where every layer keeps all rows in forms of single rows, pages of all heads serve; else each head has its own.
std::unique_ptr<KvPool> make_kv_pool(const KvPoolOptions& options) {
  const auto specs = resolve_kv_spec(options.spec, static_cast<int>(options.layers.size()));
  for (const LayerSpec& l : specs)
    if (l.layout.name == "ragged") return std::make_unique<RaggedPool>(options, specs);
  return std::make_unique<PagedPool>(options);
}

}  // namespace frugal
