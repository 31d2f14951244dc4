#include "model/recorder.h"

#include <algorithm>

#include "base/error.h"

namespace frugal {

// --- writing the graph down ---------------------------------------------------------------------------------------

Val Recorder::push(Node node) {
  for (Val v : node.in) node.wanted = node.wanted || nodes_[static_cast<size_t>(v)].wanted;
  nodes_.push_back(std::move(node));
  return static_cast<Val>(nodes_.size()) - 1;
}

Val Recorder::embed(Weight& table, float scale) {
  return push({.kind = Kind::kEmbed, .in = {}, .cols = table.cols(), .value = scale, .weight = &table});
}
Val Recorder::norm(Val x, Weight* gain, float eps, bool plus_one) {
  const int64_t cols = nodes_[static_cast<size_t>(x)].cols;
  return push({.kind = Kind::kNorm, .in = {x}, .cols = cols, .value = eps, .plus_one = plus_one, .weight = gain});
}
Val Recorder::head_norm(Val x, Weight* gain, float eps, bool plus_one) {
  const int64_t cols = nodes_[static_cast<size_t>(x)].cols;
  return push({.kind = Kind::kHeadNorm, .in = {x}, .cols = cols, .value = eps, .plus_one = plus_one, .weight = gain});
}
Val Recorder::linear(Val x, const Linear& w) {
  if (w.weight->cols() != nodes_[static_cast<size_t>(x)].cols)
    fail(ErrorCode::kBadInput, "model", "{} takes {} columns, its input has {}", w.weight->source().name,
         w.weight->cols(), nodes_[static_cast<size_t>(x)].cols);
  return push({.kind = Kind::kLinear, .in = {x}, .cols = w.weight->rows(), .weight = w.weight, .bias = w.bias});
}
Val Recorder::attend(const AttendArgs& args) {
  std::vector<Val> in = {args.q};
  if (args.k >= 0) in.insert(in.end(), {args.k, args.v});
  return push({.kind = Kind::kAttend, .in = in, .cols = args.out_cols, .attend = args.spec});
}
Val Recorder::gated(Activation act, Val gate, Val up) {
  return push({.kind = Kind::kGated, .in = {gate, up}, .cols = nodes_[static_cast<size_t>(gate)].cols, .act = act});
}
Val Recorder::moe(const MoeArgs& args) {
  const int64_t cols = nodes_[static_cast<size_t>(args.x)].cols;
  return push({.kind = Kind::kMoe, .in = {args.x, args.scores}, .cols = cols, .moe = args});
}
Val Recorder::add(Val a, Val b) {
  return push({.kind = Kind::kAdd, .in = {a, b}, .cols = nodes_[static_cast<size_t>(a)].cols});
}
Val Recorder::scale(Val x, float s) {
  return push({.kind = Kind::kScale, .in = {x}, .cols = nodes_[static_cast<size_t>(x)].cols, .value = s});
}
Val Recorder::softcap(Val x, float cap) {
  return push({.kind = Kind::kSoftcap, .in = {x}, .cols = nodes_[static_cast<size_t>(x)].cols, .value = cap});
}
Val Recorder::wanted_rows(Val x) {
  return push({.kind = Kind::kWanted, .in = {x}, .cols = nodes_[static_cast<size_t>(x)].cols, .wanted = true});
}

// --- lowering -----------------------------------------------------------------------------------------------------

std::unique_ptr<Program> Recorder::finish(Val logits) {
  program_ = std::make_unique<Program>();
  program_->max_rows_ = o_.max_rows;
  program_->max_wanted_ = o_.max_wanted;
  analyse(logits);
  for (Val v = 0; v < static_cast<Val>(nodes_.size()); ++v) {
    if (nodes_[static_cast<size_t>(v)].done) continue;
    release_before(v);
    emit(v);
  }
  program_->logits_ = rows_of(logits).data;
  return std::move(program_);
}

void Recorder::analyse(Val logits) {
  users_.assign(nodes_.size(), {});
  size_t tiles = 0, widest = 0;
  for (size_t v = 0; v < nodes_.size(); ++v) {
    const Node& n = nodes_[v];
    for (Val in : n.in) users_[static_cast<size_t>(in)].push_back(static_cast<Val>(v));
    if (n.kind != Kind::kLinear) continue;
    const TileOf t{form_of(*n.weight), n.weight->cols(), capacity(n)};
    tiles = std::max(tiles, t.offset(std::max(t.tiles(), o_.team->size())));
    widest = std::max(widest, static_cast<size_t>(n.weight->cols()));
  }
  tiles_ = keep(tiles);
  scratch_ = reinterpret_cast<float*>(keep(widest * sizeof(float) * static_cast<size_t>(o_.team->size())));
  for (size_t v = nodes_.size(); v-- > 0;) {
    Node& n = nodes_[v];
    n.last_use = static_cast<Val>(v) == logits ? static_cast<Val>(nodes_.size()) : static_cast<Val>(v);
    for (Val u : users_[v]) {
      const Node& user = nodes_[static_cast<size_t>(u)];
      n.last_use = std::max(n.last_use, norm_is_folded(user) ? user.last_use : u);
    }
  }
}

// A norm that only projections read happens while they prepare their input.
bool Recorder::norm_is_folded(const Node& n) const {
  if (n.kind != Kind::kNorm) return false;
  const auto& users = users_[static_cast<size_t>(&n - nodes_.data())];
  return !users.empty() && std::all_of(users.begin(), users.end(),
                                       [&](Val u) { return nodes_[static_cast<size_t>(u)].kind == Kind::kLinear; });
}

Val Recorder::sole_user(Val x, Kind kind) const {
  const auto& users = users_[static_cast<size_t>(x)];
  return users.size() == 1 && nodes_[static_cast<size_t>(users[0])].kind == kind ? users[0] : -1;
}

void Recorder::emit(Val v) {
  Node& n = nodes_[static_cast<size_t>(v)];
  n.done = true;
  switch (n.kind) {
    case Kind::kEmbed: call<EmbedCall>(*o_.table, *n.weight, n.value, rows_of(v)); return;
    case Kind::kLinear: n.done = false; return emit_linears(v);
    case Kind::kAttend: return emit_attend(v);
    case Kind::kNorm:
      if (norm_is_folded(n)) return;
      return emit_rows(v, {.kind = RowCall::kNorm, .gain = gain_of(n), .value = n.value});
    case Kind::kHeadNorm:
      return emit_rows(v,
                       {.kind = RowCall::kHeadNorm, .gain = gain_of(n), .group = n.weight->cols(), .value = n.value});
    case Kind::kGated: return emit_rows(v, {.kind = RowCall::kGated, .act = n.act});
    case Kind::kMoe: return emit_moe(v);
    case Kind::kAdd: return emit_rows(v, {.kind = RowCall::kAdd});
    case Kind::kScale: return emit_rows(v, {.kind = RowCall::kScale, .value = n.value});
    case Kind::kSoftcap: return emit_rows(v, {.kind = RowCall::kSoftcap, .value = n.value});
    case Kind::kWanted: return emit_rows(v, {.kind = RowCall::kGather});
  }
}

void Recorder::emit_rows(Val v, RowCall::Args args) {
  const Node& n = nodes_[static_cast<size_t>(v)];
  args.a = rows_of(n.in[0]);
  if (n.in.size() > 1) args.b = rows_of(n.in[1]);
  args.out = rows_of(v);
  call<RowCall>(*o_.table, args);
}

// Every projection of the same input that nothing has emitted yet goes into one call for each form.
void Recorder::emit_linears(Val first) {
  const Val x = nodes_[static_cast<size_t>(first)].in[0];
  const ActForm form = form_of(*nodes_[static_cast<size_t>(first)].weight);
  std::vector<LinearTarget> targets;
  for (Val v : users_[static_cast<size_t>(x)]) {
    Node& n = nodes_[static_cast<size_t>(v)];
    if (n.kind == Kind::kLinear && !n.done && form_of(*n.weight) == form) targets.push_back(target_of(v, first));
  }
  const Preparation p = preparation(x, form);
  const bool own = capacity(nodes_[static_cast<size_t>(x)]) <= 4;
  if (!own) call<PrepareCall>(*o_.table, p, tiles_, scratch_);
  call<LinearCall>(*o_.table, p, own, tiles_, scratch_, std::move(targets));
}

LinearTarget Recorder::target_of(Val v, Val at) {
  Node& n = nodes_[static_cast<size_t>(v)];
  n.done = true;
  LinearTarget t;
  t.w = packed(*n.weight);
  if (n.bias != nullptr) t.bias = n.bias->floats();
  const Val gated = sole_user(v, Kind::kGated);
  if (gated >= 0 && n.bias == nullptr) {
    Node& g = nodes_[static_cast<size_t>(gated)];
    Node& up = nodes_[static_cast<size_t>(g.in[1])];
    const bool same = up.kind == Kind::kLinear && !up.done && up.bias == nullptr && up.in == n.in && g.in[0] == v &&
                      up.weight->source().dtype == n.weight->source().dtype &&
                      users_[static_cast<size_t>(g.in[1])].size() == 1;
    if (same) {
      up.done = g.done = true;
      t.up = packed(*up.weight);
      t.act = g.act;
      t.out = rows_of(gated);
      return t;
    }
  }
  if (!fold_residual(v, at, n.in[0], t)) t.out = rows_of(v);
  return t;
}

// add(a, linear) writes into a's own buffer when nothing later reads a.
bool Recorder::fold_residual(Val linear, Val at, Val input, LinearTarget& target) {
  const Val sum = sole_user(linear, Kind::kAdd);
  if (sum < 0) return false;
  Node& s = nodes_[static_cast<size_t>(sum)];
  const Val other = s.in[0] == linear ? s.in[1] : s.in[0];
  const Node& input_node = nodes_[static_cast<size_t>(input)];
  const Val source = norm_is_folded(input_node) ? input_node.in[0] : input;
  if (other >= at || other == source || nodes_[static_cast<size_t>(other)].buffer < 0) return false;
  for (Val u : users_[static_cast<size_t>(other)])
    if (u != sum && (u >= at || nodes_[static_cast<size_t>(other)].last_use > sum)) return false;
  s.done = true;
  s.buffer = nodes_[static_cast<size_t>(other)].buffer;
  buffers_[static_cast<size_t>(s.buffer)].owner = sum;
  target.residual = true;
  target.out = rows_of(sum);
  return true;
}

void Recorder::emit_attend(Val v) {
  const Node& n = nodes_[static_cast<size_t>(v)];
  const float* angles = n.attend.rope != nullptr ? angles_of(n.attend.rope) : nullptr;
  const Rows q = rows_of(n.in[0]), out = rows_of(v);
  const bool writes = n.in.size() > 1;
  const Rows k = writes ? rows_of(n.in[1]) : Rows{}, value = writes ? rows_of(n.in[2]) : Rows{};
  for (auto phase : {AttendCall::kWrite, AttendCall::kRead, AttendCall::kMerge})
    call<AttendCall>(phase, n.attend, q, k, value, angles, out);
}

Preparation Recorder::preparation(Val x, ActForm form) {
  const Node& n = nodes_[static_cast<size_t>(x)];
  if (!norm_is_folded(n)) return {rows_of(x), false, nullptr, 0, form};
  return {rows_of(n.in[0]), true, gain_of(n), n.value, form};
}

ActForm Recorder::form_of(const Weight& w) const {
  if (o_.compute == Compute::kF32) return ActForm::kF32;
  const ActForm form = natural_form(w.source().dtype, *o_.table);
  const ActForm wanted = o_.compute == Compute::kBF16   ? ActForm::kBF16
                         : o_.compute == Compute::kInt8 ? ActForm::kInt8
                                                        : form;
  if (form != wanted)
    fail(ErrorCode::kUnsupported, "compute",
         "found weight {} of type {}, which has no {} kernel here, expected --compute auto or f32", w.source().name,
         info(w.source().dtype).name, wanted == ActForm::kInt8 ? "int8" : "bf16");
  return form;
}

const PackedMatrix* Recorder::packed(Weight& w) {
  w.pack(*o_.team);
  return &w.packed();
}

const float* Recorder::gain_of(const Node& node) {
  if (node.weight == nullptr) return nullptr;
  const float* gain = node.weight->floats();
  if (!node.plus_one) return gain;
  float* one = reinterpret_cast<float*>(keep(static_cast<size_t>(node.weight->cols()) * sizeof(float)));
  for (int64_t i = 0; i < node.weight->cols(); ++i) one[i] = 1.0f + gain[i];
  return one;
}

// --- buffers ------------------------------------------------------------------------------------------------------

Rows Recorder::rows_of(Val v) {
  Node& n = nodes_[static_cast<size_t>(v)];
  if (n.buffer < 0) {
    auto fits = [&](const Buffer& b) { return b.owner < 0 && b.cols == n.cols && b.wanted == n.wanted; };
    auto it = std::find_if(buffers_.begin(), buffers_.end(), fits);
    if (it == buffers_.end()) {
      const size_t bytes = static_cast<size_t>(n.cols) * static_cast<size_t>(capacity(n)) * sizeof(float);
      it = buffers_.insert(it, {reinterpret_cast<float*>(keep(bytes)), n.cols, n.wanted, -1});
    }
    it->owner = v;
    n.buffer = static_cast<int>(it - buffers_.begin());
  }
  return {buffers_[static_cast<size_t>(n.buffer)].data, n.cols, n.wanted};
}

void Recorder::release_before(Val v) {
  for (Buffer& b : buffers_)
    if (b.owner >= 0 && nodes_[static_cast<size_t>(b.owner)].last_use < v) b.owner = -1;
}

const float* Recorder::angles_of(const RopeTable* rope) {
  const float*& data = angles_[rope];
  if (data == nullptr) {
    float* made = reinterpret_cast<float*>(
        keep(static_cast<size_t>(rope->dims()) * static_cast<size_t>(o_.max_rows) * sizeof(float)));
    call<AnglesCall>(*rope, made);
    data = made;
  }
  return data;
}

uint8_t* Recorder::keep(size_t bytes) {
  program_->buffers_.emplace_back(bytes);
  return program_->buffers_.back().data();
}

}  // namespace frugal
