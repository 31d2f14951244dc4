// jsonl(...) as a source: one JSON object a line, plain or packed; as a sink: the same.
//
// A line is indexed by simdjson, which also checks its UTF-8; the text is then unescaped straight into the batch, and
// all other members stay as they are written. Lines that are no JSON objects or have no text are counted and left out.
// Bytes that are no UTF-8 become U+FFFD, once, here. Cost: two passes over the bytes and one copy.
#include <simdjson.h>

#include <filesystem>

#include "base/error.h"
#include "data/byte_stream.h"
#include "data/files.h"
#include "data/json_scan.h"
#include "data/line_reader.h"
#include "data/op.h"
#include "text/utf8.h"

namespace frugal::data {
namespace {

namespace sj = simdjson::ondemand;

struct Names {
  std::string text, id;
};

// One line's fields; the parser is the thread's own.
class LineParser {
 public:
  LineParser(const Names& names, Batch& batch, Faults& faults) : names_(names), batch_(batch), faults_(faults) {}

  // `line` has kPadding readable bytes behind it.
  void parse(std::string_view line) {
    const simdjson::error_code error = fields(line);
    if (error == simdjson::UTF8_ERROR) return repaired(line);
    if (error != simdjson::SUCCESS) return void(++faults_["bad JSON"]);
    if (text_.data() == nullptr) return void(++faults_["no text"]);
    batch_.add(text_, id_, batch_.arena.keep(meta_));
  }

 private:
  simdjson::error_code fields(std::string_view line) {
    static thread_local sj::parser parser;
    text_ = id_ = {};
    meta_.clear();
    sj::document document;
    simdjson::error_code error = parser.iterate(line.data(), line.size(), line.size() + kPadding).get(document);
    if (error) return error;
    sj::object object;
    if ((error = document.get_object().get(object))) return error;
    for (auto member : object) {
      sj::field field;
      if ((error = std::move(member).get(field))) return error;
      if ((error = one(field, line))) return error;
    }
    // At the end there is no location.
    if (document.current_location().error() != simdjson::OUT_OF_BOUNDS) return simdjson::TAPE_ERROR;
    return valid_members(meta_) ? simdjson::SUCCESS : simdjson::TAPE_ERROR;
  }

  simdjson::error_code one(sj::field& field, std::string_view line) {
    const char* key = field.key().raw();
    if (is(key, names_.text)) return string(field, line, text_);
    if (is(key, names_.id)) {
      sj::json_type type;
      if (const auto error = field.value().type().get(type)) return error;
      if (type == sj::json_type::string) return string(field, line, id_);
    }
    std::string_view raw;
    if (const auto error = raw_value(field.value(), raw)) return error;
    const char* end = key;
    while (*end != '"') end += *end == '\\' ? 2 : 1;  // the parser has seen that it is closed
    if (!meta_.empty()) meta_ += ',';
    meta_.append("\"").append(key, static_cast<size_t>(end - key)).append("\":").append(raw);
    return simdjson::SUCCESS;
  }

  static bool is(const char* key, const std::string& name) {
    return std::equal(name.begin(), name.end(), key) && key[name.size()] == '"';  // ends at the first that differs
  }

  simdjson::error_code string(sj::field& field, std::string_view line, std::string_view& out) {
    sj::raw_json_string raw;
    if (const auto error = field.value().get_raw_json_string().get(raw)) return error;
    const size_t most = static_cast<size_t>(line.data() + line.size() - raw.raw()) + 8;
    char* to = batch_.arena.room(most);
    const size_t n = unescape_to(raw.raw(), to);
    if (n == std::string_view::npos) return simdjson::STRING_ERROR;
    batch_.arena.give_back(most - n);
    out = {to, n};
    return simdjson::SUCCESS;
  }

  static simdjson::error_code raw_value(sj::value value, std::string_view& raw) {
    sj::json_type type;
    if (const auto error = value.type().get(type)) return error;
    if (type == sj::json_type::object) {
      sj::object object;
      if (const auto error = value.get_object().get(object)) return error;
      return object.raw_json().get(raw);
    }
    if (type == sj::json_type::array) {
      sj::array array;
      if (const auto error = value.get_array().get(array)) return error;
      return array.raw_json().get(raw);
    }
    raw = value.raw_json_token();
    while (raw.ends_with(' ') || raw.ends_with('\t') || raw.ends_with('\r')) raw.remove_suffix(1);
    return simdjson::SUCCESS;
  }

  void repaired(std::string_view line) {
    if (repairing_) return void(++faults_["bad JSON"]);
    std::string whole;
    for (size_t at = 0; at < line.size();) {
      const size_t n = utf8_length(line.substr(at));
      if (n == 1 && static_cast<unsigned char>(line[at]) >= 0x80)
        whole += "\xef\xbf\xbd";
      else
        whole += line.substr(at, n);
      at += n;
    }
    ++faults_["invalid UTF-8 replaced"];
    const size_t size = whole.size();
    whole.resize(size + kPadding);
    repairing_ = true;
    parse({whole.data(), size});
    repairing_ = false;
  }

  const Names& names_;
  Batch& batch_;
  Faults& faults_;
  std::string_view text_, id_;
  std::string meta_;
  bool repairing_ = false;
};

class JsonlSource : public Source {
 public:
  JsonlSource(const std::string& pattern, Names names, size_t longest, uint64_t piece)
      : files_(matching_files(pattern)), names_(std::move(names)), longest_(longest), piece_(piece) {}
  std::vector<Part> parts() const override { return cut_into_parts(files_, piece_); }
  std::unique_ptr<BlockReader> open(const Part& part) const override { return read_lines(part, longest_); }

  void parse(RawBlock block, Batch& batch, Faults& faults) const override {
    LineParser parser(names_, batch, faults);
    const std::string_view all(block.bytes.data(), block.size);
    for (size_t at = 0; at < all.size();) {
      const size_t end = std::min(all.find('\n', at), all.size());
      std::string_view line = all.substr(at, end - at);
      while (!line.empty() && static_cast<unsigned char>(line.back()) <= ' ') line.remove_suffix(1);
      if (!line.empty()) parser.parse(line);
      at = end + 1;
    }
    batch.source_bytes += block.size;
  }

 private:
  std::vector<std::string> files_;
  Names names_;
  size_t longest_;
  uint64_t piece_;
};

void append_number(double value, std::string& out) {
  if (std::isfinite(value))
    fmt::format_to(std::back_inserter(out), "{}", value);
  else
    out += "null";
}

void member(std::string& out, std::string_view name, std::string_view text, const char*& comma) {
  out.append(comma).append("\"").append(name).append("\":\"");
  append_escaped(text, out);
  out += '"';
  comma = ",";
}

void without_values(std::string_view meta, std::string& out) {
  scan_members(meta, [&](std::string_view key, std::string_view value) {
    if (key != "values") out.append(",\"").append(key).append("\":").append(value);
    return true;
  });
}

// What an earlier run found stands before what this one did.
void write_values(const Batch& b, size_t r, const Schema& schema, std::string_view earlier, std::string& out) {
  const char* comma = ",\"values\":{";
  if (earlier.size() > 2) {
    out.append(comma).append(earlier.substr(1, earlier.size() - 2));
    comma = ",";
  }
  for (size_t c = 0; c < schema.columns.size(); ++c) {
    const Column& column = schema.columns[c];
    if (column.is_text ? b.labels[c][r].empty() : std::isnan(b.numbers[c][r])) continue;
    out.append(comma).append("\"");
    append_escaped(column.name, out);  // which may come from a file
    out.append("\":");
    comma = ",";
    if (column.is_text)
      out += '"', append_escaped(b.labels[c][r], out), out += '"';
    else
      append_number(b.numbers[c][r], out);
  }
  if (*comma == ',' && comma[1] == 0) out += '}';
}

class JsonlSink : public Sink {
 public:
  JsonlSink(std::string path, bool values) : path_(std::move(path)), values_(values) {}
  std::string output() const override { return path_; }
  std::string folder() const override { return single_file() ? path_ + ".parts" : path_; }
  std::string extension() const override {
    const std::string form = path_.ends_with(".gz") ? ".gz" : path_.ends_with(".zst") ? ".zst" : "";
    return ".jsonl" + form;
  }

  void encode(const Batch& batch, const Schema& schema, std::string& out) const override {
    encode_jsonl(batch, schema, false, values_, out);
  }

  void finish(const std::vector<std::string>& parts) override {
    if (single_file()) join_files(parts, path_);
  }

 private:
  bool single_file() const {
    const std::string stem = path_.ends_with(".gz")    ? path_.substr(0, path_.size() - 3)
                             : path_.ends_with(".zst") ? path_.substr(0, path_.size() - 4)
                                                       : path_;
    return stem.ends_with(".jsonl") || stem.ends_with(".json");
  }

  std::string path_;
  bool values_;
};

const Register<MakeEnd> kJsonl(
    {.kind = "data",
     .role = "store",
     .name = "jsonl",
     .help = "JSON lines: reads FILE, a folder or a pattern at the front of a pipeline, writes at its end",
     .params =
         {ParamInfo::text("path", "a file, a folder, or a pattern with * and ?; .gz and .zst too"),
          ParamInfo::text("text", "reading: the member that holds the text").preset("text"),
          ParamInfo::text("id", "reading: the member that names a document").preset("id"),
          ParamInfo::bytes("longest", "reading: longer lines are left out and counted").preset("64MiB"),
          ParamInfo::bytes("piece", "reading: large plain files are cut into parts of this size").preset("256MiB"),
          ParamInfo::flag("values", "writing: with the values that rules found").preset("true")}},
    [](const Args& a, bool writing) {
      End end;
      if (writing)
        end.sink = std::make_unique<JsonlSink>(a.text("path"), a.flag("values"));
      else
        end.source = std::make_unique<JsonlSource>(a.text("path"), Names{a.text("text"), a.text("id")},
                                                   static_cast<size_t>(a.bytes("longest")),
                                                   static_cast<uint64_t>(a.bytes("piece")));
      return end;
    });

}  // namespace

void encode_jsonl(const Batch& b, const Schema& schema, bool rejects, bool values, std::string& out) {
  for (size_t r = 0; r < b.rows(); ++r) {
    if ((b.verdict[r] != kKept) != rejects) continue;
    const char* comma = "{";
    if (!b.id[r].empty()) member(out, "id", b.id[r], comma);
    member(out, "text", b.text[r], comma);
    const std::string_view earlier =
        values && b.meta[r].find("\"values\"") != std::string_view::npos ? meta_value(b.meta[r], "values") : "";
    if (earlier.size() < 2 || earlier[0] != '{')
      out.append(b.meta[r].empty() ? "" : ",").append(b.meta[r]);
    else
      without_values(b.meta[r], out);
    if (rejects) {
      member(out, "dropped_by", schema.stages[b.stage[r]], comma);
      member(out, "reason", schema.reasons[b.verdict[r] - 1u], comma);
    }
    if (values) write_values(b, r, schema, earlier, out);
    out += "}\n";
  }
}

}  // namespace frugal::data
