// tojson: values as JSON text, byte for byte as Python's json.dumps writes them (transformers' own tojson
// filter: no HTML escapes, non-ASCII as it is, ", " and ": " between, "," at line ends when indented).
#include <algorithm>
#include <cmath>

#include "text/jinja/interpreter.h"
#include "text/jinja/operators.h"
#include "text/jinja/unicode.h"

namespace frugal::jinja {
namespace {

class JsonWriter {
 public:
  JsonWriter(Interpreter& interpreter, const JsonOptions& options) : interpreter_(interpreter), options_(options) {}
  std::string run(const Value& value) {
    write(value, 0);
    interpreter_.charge_text(out_.size());
    return std::move(out_);
  }

 private:
  void write(const Value& value, size_t level);
  void list(const Seq& seq, size_t level);
  void dict(const Dict& dict, size_t level);
  void string(std::string_view text);
  void character(std::string_view character);
  void escape(uint32_t unit) { out_ += fmt::format("\\u{:04x}", unit); }
  void line(size_t level);
  static std::string key(const Value& value);
  static std::string number(double value);

  Interpreter& interpreter_;
  const JsonOptions& options_;
  std::string out_;
};

std::string JsonWriter::number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
  return float_repr(value);
}

void JsonWriter::line(size_t level) {
  if (!options_.indented) return;
  if (out_.size() + level * options_.indent.size() > kMaxStringBytes) interpreter_.charge_text(UINT64_MAX);
  out_ += '\n';
  for (size_t i = 0; i < level; ++i) out_ += options_.indent;
}

void JsonWriter::character(std::string_view character) {
  static constexpr std::string_view kShort = "\"\\\n\r\t\f\b", kLetters = "\"\\nrtfb";
  const uint32_t c = code_point(character);
  const size_t known = c < 0x80 ? kShort.find(static_cast<char>(c)) : std::string_view::npos;
  if (known != std::string_view::npos) {
    (out_ += '\\') += kLetters[known];
  } else if (c < 0x20) {
    escape(c);
  } else if (c < 0x7F || !options_.ensure_ascii) {
    out_ += character;
  } else if (c < 0x10000) {
    c == 0x7F ? void(out_ += character) : escape(c);
  } else {
    escape(0xD800 + ((c - 0x10000) >> 10));
    escape(0xDC00 + ((c - 0x10000) & 0x3FF));
  }
}

void JsonWriter::string(std::string_view text) {
  out_ += '"';
  for (std::string_view c : Characters(text)) character(c);
  out_ += '"';
}

std::string JsonWriter::key(const Value& value) {
  if (value.is_string()) return value.text();
  if (value.is_none()) return "null";
  if (value.is_bool()) return truthy(value) ? "true" : "false";
  if (value.is_int()) return std::to_string(value.integer());
  if (value.is_float()) return number(value.real());
  raise("keys must be str, int, float, bool or None, not {}", type_name(value));
}

void JsonWriter::list(const Seq& seq, size_t level) {
  out_ += '[';
  for (size_t i = 0; i < seq.items.size(); ++i) {
    if (i > 0) out_ += options_.item_separator;
    line(level + 1);
    write(seq.items[i], level + 1);
  }
  if (!seq.items.empty()) line(level);
  out_ += ']';
}

void JsonWriter::dict(const Dict& dict, size_t level) {
  auto entries = dict.entries;
  if (options_.sort_keys) {
    std::stable_sort(entries.begin(), entries.end(),
                     [](const auto& a, const auto& b) { return compare(a.first, b.first) < 0; });
  }
  out_ += '{';
  for (size_t i = 0; i < entries.size(); ++i) {
    if (i > 0) out_ += options_.item_separator;
    line(level + 1);
    string(key(entries[i].first));
    out_ += options_.key_separator;
    write(entries[i].second, level + 1);
  }
  if (!entries.empty()) line(level);
  out_ += '}';
}

void JsonWriter::write(const Value& value, size_t level) {
  const Seq* seq = value.seq();
  if (out_.size() > kMaxStringBytes) interpreter_.charge_text(out_.size());
  if (value.is_string()) return string(value.text());
  if (value.is_none() || value.is_bool() || value.is_number()) return void(out_ += key(value));
  if (value.dict()) return dict(*value.dict(), level);
  if (seq && (seq->kind == SeqKind::kList || seq->kind == SeqKind::kTuple)) return list(*seq, level);
  raise("Object of type {} is not JSON serializable", type_name(value));
}

}  // namespace

std::string to_json(Interpreter& interpreter, const Value& value, const JsonOptions& options) {
  return JsonWriter(interpreter, options).run(value);
}

}  // namespace frugal::jinja
