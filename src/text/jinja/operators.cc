// See operators.h.
#include "text/jinja/operators.h"

#include <algorithm>
#include <cmath>

#include "text/jinja/interpreter.h"
#include "text/jinja/unicode.h"

namespace frugal::jinja {
namespace {

constexpr const char* kSymbols[] = {"+", "-", "*", "/", "//", "%", "**", "==", "!=", "<", "<=", ">", ">="};

const char* symbol(Op op) { return kSymbols[static_cast<size_t>(op)]; }

void no_overflow(bool overflow) {
  if (overflow) raise("integer result needs more than 64 bits");
}

int64_t integer_power(int64_t base, int64_t exponent) {
  int64_t result = 1;
  for (; exponent > 0; exponent >>= 1) {
    if (exponent & 1) no_overflow(__builtin_mul_overflow(result, base, &result));
    if (exponent > 1) no_overflow(__builtin_mul_overflow(base, base, &base));
  }
  return result;
}

double real_power(double a, double b) {
  if (a == 0 && b < 0) raise("0.0 cannot be raised to a negative power");
  if (a < 0 && std::isfinite(b) && b != std::floor(b)) raise("complex numbers are not supported");
  const double result = std::pow(a, b);
  if (std::isinf(result) && std::isfinite(a) && std::isfinite(b)) raise("numerical result out of range");
  return result;
}

int64_t floor_div(int64_t a, int64_t b) {
  no_overflow(a == INT64_MIN && b == -1);
  return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

int64_t floor_mod(int64_t a, int64_t b) {
  if (b == -1) return 0;
  const int64_t r = a % b;
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

double floor_mod(double a, double b) {
  const double r = std::fmod(a, b);
  return r != 0 && (r < 0) != (b < 0) ? r + b : r == 0 ? std::copysign(0.0, b) : r;
}

Value integers(Op op, int64_t a, int64_t b) {
  int64_t r = 0;
  switch (op) {
    case Op::kAdd: return no_overflow(__builtin_add_overflow(a, b, &r)), r;
    case Op::kSub: return no_overflow(__builtin_sub_overflow(a, b, &r)), r;
    case Op::kMul: return no_overflow(__builtin_mul_overflow(a, b, &r)), r;
    default: break;
  }
  if (op == Op::kPow) {
    if (b >= 0) return integer_power(a, b);
    return real_power(static_cast<double>(a), static_cast<double>(b));
  }
  if (b == 0) raise("{}", op == Op::kDiv ? "division by zero" : "integer division or modulo by zero");
  if (op == Op::kDiv) return static_cast<double>(a) / static_cast<double>(b);
  return op == Op::kFloorDiv ? floor_div(a, b) : floor_mod(a, b);
}

Value reals(Op op, double a, double b) {
  switch (op) {
    case Op::kAdd: return a + b;
    case Op::kSub: return a - b;
    case Op::kMul: return a * b;
    case Op::kPow: return real_power(a, b);
    default: break;
  }
  if (b == 0) raise("float division by zero");
  if (op == Op::kDiv) return a / b;
  const double mod = floor_mod(a, b);
  return op == Op::kMod ? mod : std::round((a - mod) / b);
}

Value repeat_text(Interpreter& interpreter, const std::string& text, int64_t times) {
  const auto count = static_cast<uint64_t>(std::max<int64_t>(times, 0));
  if (count == 0 || text.empty()) return "";
  interpreter.charge_text(count > kMaxStringBytes ? count : count * text.size());
  std::string out;
  out.reserve(count * text.size());
  for (uint64_t i = 0; i < count; ++i) out += text;
  return out;
}

Value repeat_seq(Interpreter& interpreter, const Seq& seq, int64_t times) {
  const auto count = static_cast<uint64_t>(std::max<int64_t>(times, 0));
  interpreter.charge(count > kMaxSteps ? count : count * seq.weight);
  std::vector<Value> items;
  for (uint64_t i = 0; i < count && !seq.items.empty(); ++i)
    items.insert(items.end(), seq.items.begin(), seq.items.end());
  return make_seq(std::move(items), seq.kind);
}

Value concatenate(Interpreter& interpreter, const Value& a, const Value& b) {
  interpreter.charge_text(a.text().size() + b.text().size());
  if (!a.is_markup() && !b.is_markup()) return a.text() + b.text();
  const auto safe = [](const Value& value) { return value.is_markup() ? value.text() : escape_html(value.text()); };
  return Value::markup(safe(a) + safe(b));
}

bool is_list_or_tuple(const Seq* seq) { return seq && (seq->kind == SeqKind::kList || seq->kind == SeqKind::kTuple); }

// Adding and repeating strings and lists; false when the operands are something else.
bool sequences(Interpreter& interpreter, Op op, const Value& a, const Value& b, Value& out) {
  if (op == Op::kMul && a.is_int() && !b.is_int()) return sequences(interpreter, op, b, a, out);
  if (op == Op::kMul && b.is_int()) {
    if (a.is_string()) return out = repeat_text(interpreter, a.text(), b.integer()), true;
    if (is_list_or_tuple(a.seq())) return out = repeat_seq(interpreter, *a.seq(), b.integer()), true;
    return false;
  }
  if (op != Op::kAdd) return false;
  if (a.is_string() && b.is_string()) return out = concatenate(interpreter, a, b), true;
  if (!is_list_or_tuple(a.seq()) || !is_list_or_tuple(b.seq()) || a.seq()->kind != b.seq()->kind) return false;
  interpreter.charge(a.seq()->items.size() + b.seq()->items.size());
  std::vector<Value> items = a.seq()->items;
  items.insert(items.end(), b.seq()->items.begin(), b.seq()->items.end());
  return out = make_seq(std::move(items), a.seq()->kind), true;
}

struct Range {
  int64_t start, step, count;
};

int64_t bound(const Value& value, int64_t absent, int64_t low, int64_t high, int64_t size) {
  if (value.is_none()) return absent;
  int64_t i = value.integer();
  if (i < 0) i = i < -size ? low : i + size;
  return std::clamp(i, low, high);
}

// Python's slice.indices for a sequence of this size.
Range slice_range(int64_t size, const Value& start, const Value& stop, const Value& step) {
  const int64_t by = step.is_none() ? 1 : step.integer();
  if (by == 0) raise("slice step cannot be zero");
  const int64_t low = by > 0 ? 0 : -1, high = by > 0 ? size : size - 1;
  const int64_t first = bound(start, by > 0 ? low : high, low, high, size);
  const int64_t last = bound(stop, by > 0 ? high : low, low, high, size);
  const uint64_t stride = by > 0 ? static_cast<uint64_t>(by) : 0 - static_cast<uint64_t>(by);
  const int64_t span = by > 0 ? last - first : first - last;
  const int64_t count = span <= 0 ? 0 : static_cast<int64_t>((static_cast<uint64_t>(span) - 1) / stride) + 1;
  return {first, by, count};
}

std::string slice_text(const std::string& text, const Value& start, const Value& stop, const Value& step) {
  std::vector<std::string_view> all;
  for (std::string_view character : Characters(text)) all.push_back(character);
  const Range range = slice_range(static_cast<int64_t>(all.size()), start, stop, step);
  std::string out;
  for (int64_t i = 0; i < range.count; ++i) out += all[static_cast<size_t>(range.start + i * range.step)];
  return out;
}

bool is_index(const Value& value) { return value.is_none() || value.is_int(); }

}  // namespace

Value arithmetic(Interpreter& interpreter, Op op, const Value& a, const Value& b) {
  defined(a), defined(b);
  if (a.is_int() && b.is_int()) return integers(op, a.integer(), b.integer());
  if (a.is_number() && b.is_number()) return reals(op, a.real(), b.real());
  if (op == Op::kMod && a.is_string()) return percent_format(interpreter, a.text(), b);
  Value out;
  if (sequences(interpreter, op, a, b, out)) return out;
  if (op == Op::kAdd && a.is_string()) raise("can only concatenate str (not \"{}\") to str", type_name(b));
  raise("unsupported operand type(s) for {}: '{}' and '{}'", symbol(op), type_name(a), type_name(b));
}

Value negate(const Value& value, bool negative) {
  defined(value);
  if (!value.is_number()) raise("bad operand type for unary {}: '{}'", negative ? '-' : '+', type_name(value));
  if (value.is_float()) return negative ? -value.real() : value.real();
  return negative ? integers(Op::kSub, 0, value.integer()) : Value(value.integer());
}

bool compare_op(Op op, const Value& a, const Value& b) {
  switch (op) {
    case Op::kEq: return equal(a, b);
    case Op::kNe: return !equal(a, b);
    case Op::kIn: return contains(b, a);
    case Op::kNotIn: return !contains(b, a);
    default: break;
  }
  const int order = compare(a, b, symbol(op));
  if (order == 2) return false;
  switch (op) {
    case Op::kLt: return order < 0;
    case Op::kLe: return order <= 0;
    case Op::kGt: return order > 0;
    default: return order >= 0;
  }
}

bool contains(const Value& container, const Value& value) {
  if (container.is_string()) {
    if (!value.is_string()) {
      defined(value);
      raise("'in <string>' requires string as left operand, not {}", type_name(value));
    }
    return container.text().find(value.text()) != std::string::npos;
  }
  if (const Dict* dict = container.dict()) return dict->find(value) != nullptr;
  if (container.is_undefined()) return false;
  const Seq* seq = container.seq();
  if (!seq) raise("argument of type '{}' is not iterable", type_name(container));
  for (size_t i = seq->taken; i < seq->items.size(); ++i) {
    if (seq->kind == SeqKind::kGenerator) seq->taken = i + 1;
    if (equal(seq->items[i], value)) return true;
  }
  return false;
}

Value slice_of(const Value& value, const Value& start, const Value& stop, const Value& step) {
  defined(value);
  const Seq* seq = value.seq();
  const bool sliceable = value.is_string() || (seq && seq->kind != SeqKind::kGenerator && seq->kind != SeqKind::kView);
  if (!sliceable) raise("'{}' object has no slices", type_name(value));
  if (!is_index(start) || !is_index(stop) || !is_index(step)) raise("slice indices must be integers or None");
  if (value.is_markup()) return Value::markup(slice_text(value.text(), start, stop, step));
  if (value.is_string()) return slice_text(value.text(), start, stop, step);
  const Range range = slice_range(static_cast<int64_t>(seq->items.size()), start, stop, step);
  std::vector<Value> items;
  for (int64_t i = 0; i < range.count; ++i)
    items.push_back(seq->items[static_cast<size_t>(range.start + i * range.step)]);
  return make_seq(std::move(items), seq->kind == SeqKind::kTuple ? SeqKind::kTuple : SeqKind::kList);
}

const Value* element(const Value& object, const Value& index, Value& storage) {
  if (const Dict* dict = object.dict()) {
    const Seq* seq = index.seq();
    const bool hashable = !index.dict() && !(seq && seq->kind != SeqKind::kTuple);
    return hashable ? dict->find(index) : nullptr;
  }
  if (const Namespace* ns = object.name_space()) {
    const auto found = index.is_string() ? ns->attributes.find(index.text()) : ns->attributes.end();
    return found == ns->attributes.end() ? nullptr : &found->second;
  }
  const Seq* seq = object.seq();
  const bool indexed = object.is_string() || (seq && seq->kind != SeqKind::kGenerator && seq->kind != SeqKind::kView);
  if (!indexed || !index.is_int()) return nullptr;
  const auto size = static_cast<int64_t>(seq ? seq->items.size() : character_count(object.text()));
  const int64_t i = index.integer() < 0 ? index.integer() + size : index.integer();
  if (i < 0 || i >= size) return nullptr;
  if (seq) return &seq->items[static_cast<size_t>(i)];
  auto character = Characters(object.text()).begin();
  for (int64_t k = 0; k < i; ++k) ++character;
  storage = *character;
  return &storage;
}

}  // namespace frugal::jinja
