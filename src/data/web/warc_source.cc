// warc(...): pages from web archives, plain or packed: responses and resources as they were sent (for `extract`), and
// the texts of WET files. Text comes as UTF-8; url, date and content type go to the metadata.
//
// Records of other kinds, answers other than 200 and other than text are counted and left out. A record that the
// crawler cut short (WARC-Truncated) is counted, and kept or dropped.
#include <fmt/format.h>

#include <cstring>

#include "data/files.h"
#include "data/json_scan.h"
#include "data/op.h"
#include "data/web/warc.h"

namespace frugal::data {
namespace {

// Records lie in a block as two lengths and their bytes.
struct Frame {
  uint64_t header = 0, body = 0;
};

class WarcReader : public BlockReader {
 public:
  WarcReader(const Part& part, size_t longest) : cutter_(open_stream(part), longest) {}
  bool next(RawBlock& block, Faults& faults) override {
    block.bytes.clear();
    WarcRecord record;
    while (block.bytes.size() < kBlockBytes && cutter_.next(record, faults)) {
      const Frame frame{record.header.size(), record.body.size()};
      const auto* raw = reinterpret_cast<const char*>(&frame);
      block.bytes.insert(block.bytes.end(), raw, raw + sizeof frame);
      block.bytes.insert(block.bytes.end(), record.header.begin(), record.header.end());
      block.bytes.insert(block.bytes.end(), record.body.begin(), record.body.end());
    }
    block.size = block.bytes.size();
    return block.size > 0;
  }

 private:
  WarcCutter cutter_;
};

class WarcSource : public Source {
 public:
  WarcSource(const std::string& pattern, size_t longest, bool keep_truncated)
      : files_(matching_files(pattern)), longest_(longest), keep_truncated_(keep_truncated) {}
  std::vector<Part> parts() const override { return cut_into_parts(files_, ~uint64_t{0}); }
  std::unique_ptr<BlockReader> open(const Part& part) const override {
    return std::make_unique<WarcReader>(part, longest_);
  }

  void parse(RawBlock block, Batch& batch, Faults& faults) const override {
    for (size_t at = 0; at < block.size;) {
      Frame frame;
      std::memcpy(&frame, block.bytes.data() + at, sizeof frame);
      at += sizeof frame;
      const std::string_view header(block.bytes.data() + at, frame.header),
          body(header.data() + frame.header, frame.body);
      at += frame.header + frame.body;
      one(header, body, batch, faults);
    }
    batch.source_bytes += block.size;
  }

 private:
  void one(std::string_view header, std::string_view body, Batch& batch, Faults& faults) const {
    const std::string_view type = header_field(header, "WARC-Type");
    if (type != "response" && type != "resource" && type != "conversion")
      return void(++faults["record of another kind"]);
    if (!header_field(header, "WARC-Truncated").empty()) {
      ++faults[keep_truncated_ ? "truncated, kept" : "truncated, dropped"];
      if (!keep_truncated_) return;
    }
    std::string room, charset, content(header_field(header, "Content-Type"));
    if (type == "response") {
      HttpMessage http;
      if (!read_http(body, longest_, http, room, faults)) return void(++faults["no HTTP response"]);
      if (http.status != 200) return void(++faults[fmt::format("status {}", http.status)]);
      body = http.body;
      content = header_field(http.header, "Content-Type");
    }
    if (!content.empty() && content.find("html") == std::string::npos && !content.starts_with("text/"))
      return void(++faults["no text"]);
    add(header, type == "conversion" ? "charset=utf-8" : content, content, body, batch);
  }

  static void add(std::string_view header, std::string_view charset, std::string_view content, std::string_view body,
                  Batch& batch) {
    std::string meta;
    std::string_view url = header_field(header, "WARC-Target-URI");
    if (url.starts_with('<') && url.ends_with('>')) url = url.substr(1, url.size() - 2);
    append_member(meta, "url", valid(url));
    append_member(meta, "date", valid(header_field(header, "WARC-Date")));
    append_member(meta, "content_type", valid(content));
    batch.add(batch.arena.keep(to_utf8(body, charset)), batch.arena.keep(valid(header_field(header, "WARC-Record-ID"))),
              batch.arena.keep(meta));
  }
  static std::string valid(std::string_view text) { return to_utf8(text, "charset=utf-8"); }

  std::vector<std::string> files_;
  size_t longest_;
  bool keep_truncated_;
};

const Register<MakeEnd> kWarc(
    {.kind = "data",
     .role = "source",
     .name = "warc",
     .help = "web archives: WARC and WET files, .gz or plain",
     .params = {ParamInfo::text("path", "a file, a folder, or a pattern with * and ?"),
                ParamInfo::bytes("longest", "longer records are left out and counted").preset("64MiB"),
                ParamInfo::choice("truncated", {"keep", "drop"}, "records that the crawler cut short").preset("keep")}},
    [](const Args& a, bool) {
      End end;
      end.source = std::make_unique<WarcSource>(a.text("path"), static_cast<size_t>(a.bytes("longest")),
                                                a.text("truncated") == "keep");
      return end;
    });

}  // namespace
}  // namespace frugal::data
