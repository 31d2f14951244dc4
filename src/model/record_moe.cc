// Recorder: a mixture of experts becomes the calls of moe.h, on working space that all layers of the model share.
#include "model/recorder.h"

#include <algorithm>

#include "base/error.h"

namespace frugal {
namespace {

// The projections of every expert in turn: what must agree among them.
void check_alike(const Linear& l, const Linear& first) {
  if (l.bias != nullptr || !l.adapters.empty())
    fail(ErrorCode::kUnsupported, "experts", "{} has a bias or an adapter", l.weight->source().name);
  if (l.weight->source().dtype != first.weight->source().dtype || l.weight->rows() != first.weight->rows() ||
      l.weight->cols() != first.weight->cols())
    fail(ErrorCode::kUnsupported, "experts", "{} and {} differ in type or shape", l.weight->source().name,
         first.weight->source().name);
}

}  // namespace

std::vector<LinearTarget> Recorder::expert_targets(const MoeArgs& moe, bool down, Rows out) {
  std::vector<LinearTarget> targets;
  for (const MoeArgs::Expert& e : moe.experts) {
    const Linear& w = down ? *e.down : *e.gate;
    check_alike(w, down ? *moe.experts[0].down : *moe.experts[0].gate);
    if (!down) check_alike(*e.up, w);
    targets.push_back(
        {.w = packed(*w.weight), .up = down ? nullptr : packed(*e.up->weight), .act = moe.act, .out = out});
  }
  return targets;
}

const Recorder::MoeSpace& Recorder::moe_space(const MoeArgs& moe, int64_t width) {
  const int experts = static_cast<int>(moe.experts.size());
  const int64_t ff_width = moe.experts[0].gate->weight->rows();
  MoeSpace& s = moe_space_;
  if (s.width == width && s.ff_width == ff_width && s.routing.experts == experts && s.routing.used == moe.used)
    return s;
  const size_t pairs = static_cast<size_t>(o_.max_rows) * static_cast<size_t>(moe.used),
               e = static_cast<size_t>(experts);
  auto ints = [&](size_t n) { return reinterpret_cast<int32_t*>(keep(n * sizeof(int32_t))); };
  auto rows = [&](int64_t cols) {
    return Rows{reinterpret_cast<float*>(keep(pairs * static_cast<size_t>(cols) * sizeof(float))), cols};
  };
  s.width = width;
  s.ff_width = ff_width;
  s.routing = {experts,     moe.used,    ints(pairs), reinterpret_cast<float*>(ints(pairs)),
               ints(pairs), ints(pairs), ints(e + 1), ints(e)};
  s.hidden = rows(ff_width);
  s.out = rows(width);
  size_t tile = 0;
  for (ActForm form : {ActForm::kF32, ActForm::kBF16, ActForm::kInt8})
    tile = std::max(tile, act_tile_bytes(form, std::max(width, ff_width), kTile));
  s.tiles = keep(tile * static_cast<size_t>(Routing::max_tiles(o_.max_rows, experts, moe.used)));
  return s;
}

void Recorder::emit_moe(Val v) {
  const Node& n = nodes_[static_cast<size_t>(v)];
  const MoeArgs& moe = n.moe;
  if (moe.used < 1 || moe.used > static_cast<int>(moe.experts.size()))
    fail(ErrorCode::kUsage, "experts", "{} experts a row of {}", moe.used, moe.experts.size());
  const MoeSpace& s = moe_space(moe, n.cols);
  const KernelTable& k = *o_.table;
  const Rows x = rows_of(n.in[0]), out = rows_of(v);
  const ActForm in_form = form_of(*moe.experts[0].gate->weight), hidden_form = form_of(*moe.experts[0].down->weight);
  call<RouteCall>(rows_of(n.in[1]), s.routing);
  call<GatherCall>(k, x, false, in_form, s.routing, s.tiles);
  call<ExpertCall>(k, in_form, s.routing, s.tiles, expert_targets(moe, false, s.hidden));
  call<GatherCall>(k, s.hidden, true, hidden_form, s.routing, s.tiles);
  call<ExpertCall>(k, hidden_form, s.routing, s.tiles, expert_targets(moe, true, s.out));
  call<CombineCall>(s.out, s.routing, out);
}

}  // namespace frugal
