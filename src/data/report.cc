#include "data/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <map>

#include "base/error.h"
#include "data/hash.h"
#include "data/json_scan.h"
#include "data/rules/lines.h"
#include "io/output_file.h"

namespace frugal::data {
namespace {

constexpr size_t kSamples = 5, kShown = 1200, kBins = 30, kHeld = 20000;

std::string escaped(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  return out;
}

// The k documents with the least hash: a sample that does not depend on the order.
struct Sample {
  std::map<uint64_t, std::pair<std::string, std::string>> least;  // hash -> id, text
  uint64_t seen = 0;
  void add(std::string_view id, std::string_view text) {
    ++seen;
    const uint64_t h = mix(hash_bytes(text, 7) ^ hash_bytes(id));
    if (least.size() == kSamples && h >= least.rbegin()->first) return;
    std::string shown(text.substr(0, kShown));
    while (!shown.empty() && shown.size() < text.size() &&
           (static_cast<unsigned char>(text[shown.size()]) & 0xc0) == 0x80)
      shown.pop_back();
    least.try_emplace(h, std::string(id), shown + (shown.size() < text.size() ? " \xe2\x80\xa6" : ""));
    if (least.size() > kSamples) least.erase(std::prev(least.end()));
  }
};

// Values of one column; beyond kHeld every second is let go, again and again, so that the spread stays.
struct Spread {
  std::vector<double> kept, dropped;
  void add(double v, bool is_kept) {
    auto& list = is_kept ? kept : dropped;
    uint64_t& seen = is_kept ? seen_kept : seen_dropped;
    if (seen++ % (is_kept ? every_kept : every_dropped) != 0) return;
    list.push_back(v);
    if (list.size() < kHeld) return;
    for (size_t i = 0; i < kHeld / 2; ++i) list[i] = list[2 * i];
    list.resize(kHeld / 2);
    (is_kept ? every_kept : every_dropped) *= 2;
  }
  uint64_t seen_kept = 0, seen_dropped = 0, every_kept = 1, every_dropped = 1;
};

struct Findings {
  std::map<std::string, Sample> samples;  // "kept", or stage and reason
  std::map<std::string, uint64_t> languages;
  std::map<std::string, Spread> spreads;
};

// Values as jsonl(out) writes them.
void look_at_values(std::string_view values, bool kept, Findings& f) {
  if (values.size() < 2) return;
  scan_members(values.substr(1, values.size() - 2), [&](std::string_view key, std::string_view raw) {
    if (key == "language")
      f.languages[raw.starts_with('"') ? unescape_json(raw.substr(1, raw.size() - 2)) : std::string(raw)] +=
          kept ? 1 : 0;
    else if (!raw.starts_with('"') && raw != "null")
      f.spreads[std::string(key)].add(std::strtod(std::string(raw).c_str(), nullptr), kept);
    return true;
  });
}

// Values as parquet(out) writes them.
void look_at_columns(const Batch& b, size_t r, const std::vector<Column>& columns, bool kept, Findings& f) {
  for (size_t c = 0; c < columns.size(); ++c) {
    if (columns[c].is_text && columns[c].name == "language" && !b.labels[c][r].empty())
      f.languages[std::string(b.labels[c][r])] += kept ? 1 : 0;
    if (!columns[c].is_text && !std::isnan(b.numbers[c][r])) f.spreads[columns[c].name].add(b.numbers[c][r], kept);
  }
}

void look_at(const Batch& b, size_t r, const std::vector<Column>& columns, bool kept, Findings& f) {
  const std::string name = kept ? "kept" : meta_text(b.meta[r], "dropped_by") + ": " + meta_text(b.meta[r], "reason");
  f.samples[name].add(b.id[r], b.text[r]);
  f.spreads["characters"].add(static_cast<double>(characters(b.text[r])), kept);
  look_at_values(meta_value(b.meta[r], "values"), kept, f);
  look_at_columns(b, r, columns, kept, f);
}

// What reads a sink's files, or nothing.
const char* reader_of(const Sink& sink) {
  const std::string extension = sink.extension();
  return extension.starts_with(".jsonl") ? "jsonl" : extension == ".parquet" ? "parquet" : nullptr;
}

void read_output(const char* reader_name, const std::string& path, bool kept, Findings& f) {
  std::error_code ignored;
  if (path.empty() || !std::filesystem::exists(path) ||
      (std::filesystem::is_directory(path) && std::filesystem::is_empty(path, ignored)))
    return;
  Unit unit{reader_name, {{"path", Value::of(path)}}};
  const auto source = make_method<MakeEnd>("data", unit, false).source;
  Faults faults;
  for (const Part& part : source->parts()) {
    const auto reader = source->open(part);
    for (RawBlock block; reader->next(block, faults); block = {}) {
      Batch batch;
      source->parse(std::move(block), batch, faults);
      for (size_t r = 0; r < batch.rows(); ++r) look_at(batch, r, source->columns(), kept, f);
    }
  }
}

std::string bar(double share, const char* kind) {
  return fmt::format("<div class=\"bar {}\" style=\"width:{:.2f}%\"></div>", kind, 100 * std::clamp(share, 0.0, 1.0));
}

std::string funnel(const nlohmann::ordered_json& rows) {
  std::string out = "<table><tr><th>stage<th>in<th>out<th>MB in<th>MB/s<th class=wide>left";
  const double first = std::max(1.0, rows.at(0).at("docs_in").get<double>());
  for (const auto& r : rows)
    out += fmt::format("<tr><td><code>{}</code><td>{}<td>{}<td>{:.1f}<td>{:.0f}<td>{}",
                       escaped(r.at("stage").get<std::string>()), r.at("docs_in").get<uint64_t>(),
                       r.at("docs_out").get<uint64_t>(), r.at("bytes_in").get<double>() / 1e6,
                       r.at("mb_s").get<double>(), bar(r.at("docs_out").get<double>() / first, "kept"));
  return out + "</table>";
}

std::string counted(std::vector<std::pair<std::string, uint64_t>> list, const char* what) {
  if (list.empty()) return {};
  std::sort(list.begin(), list.end(), [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  const auto most = static_cast<double>(list.front().second);
  std::string out = fmt::format("<table><tr><th>{}<th>documents<th class=wide>", what);
  for (const auto& [name, n] : list)
    out += fmt::format("<tr><td>{}<td>{}<td>{}", escaped(name), n, bar(static_cast<double>(n) / most, "dropped"));
  return out + "</table>";
}

std::string reasons(const nlohmann::ordered_json& rows) {
  std::vector<std::pair<std::string, uint64_t>> list;
  for (const auto& r : rows)
    for (const auto& [name, n] : r.at("reasons").items())
      list.emplace_back(r.at("stage").get<std::string>() + ": " + name, n.get<uint64_t>());
  return counted(std::move(list), "reason");
}

// Kept and dropped over the same bins, from the 0.5th to the 99.5th percentile of all.
std::string histogram(const std::string& name, const Spread& s) {
  std::vector<double> all = s.kept;
  all.insert(all.end(), s.dropped.begin(), s.dropped.end());
  std::sort(all.begin(), all.end());
  if (all.empty()) return {};
  const double low = all[all.size() / 200], high = all[all.size() - 1 - all.size() / 200],
               width = (high - low) / static_cast<double>(kBins);
  if (!(width > 0))
    return fmt::format("<figure><figcaption>{}: always {:.4g}</figcaption></figure>", escaped(name), low);
  std::vector<std::array<double, 2>> bins(kBins);
  for (int k = 0; k < 2; ++k)
    for (double v : k == 0 ? s.kept : s.dropped)
      ++bins[std::min(kBins - 1, static_cast<size_t>(std::max(0.0, (v - low) / width)))][static_cast<size_t>(k)];
  double most = 1;
  for (const auto& b : bins) most = std::max(most, b[0] + b[1]);
  std::string out =
      fmt::format("<figure><figcaption>{}: {:.4g} to {:.4g}, middle {:.4g}</figcaption><svg viewBox=\"0 0 {} 60\">",
                  escaped(name), low, high, all[all.size() / 2], kBins * 10);
  for (size_t b = 0; b < kBins; ++b) {
    const double k = 60 * bins[b][0] / most, d = 60 * bins[b][1] / most;
    out += fmt::format(
        "<rect class=kept x={} y={:.1f} width=9 height={:.1f} /><rect class=dropped x={} y={:.1f} width=9 "
        "height={:.1f} />",
        b * 10, 60 - k, k, b * 10, 60 - k - d, d);
  }
  return out + "</svg></figure>";
}

std::string samples(const std::map<std::string, Sample>& all) {
  std::string out;
  for (const auto& [name, s] : all) {
    out += fmt::format("<details{}><summary>{} ({})</summary>", name == "kept" ? " open" : "", escaped(name), s.seen);
    for (const auto& [hash, document] : s.least)
      out +=
          fmt::format("<article><b>{}</b><pre>{}</pre></article>", escaped(document.first), escaped(document.second));
    out += "</details>";
  }
  return out;
}

constexpr const char* kStyle =
    "body{font:15px/1.45 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 "
    "1rem;color:#1c1c1c}table{border-collapse:collapse;width:100%}"
    "td,th{text-align:left;padding:.2rem .6rem;border-bottom:1px solid "
    "#ddd;vertical-align:middle}.wide{width:35%}.bar{height:.8rem;border-radius:2px}"
    ".kept{background:#3b7dd8;fill:#3b7dd8}.dropped{background:#d8743b;fill:#d8743b}figure{display:inline-block;width:"
    "31%;margin:.5rem 1%;vertical-align:top}"
    "figcaption{font-size:.85rem}svg{width:100%;height:60px;background:#f5f5f5}pre{white-space:pre-wrap;background:#"
    "f5f5f5;padding:.6rem;font-size:.85rem}summary{cursor:pointer;padding:.2rem 0}";

}  // namespace

void need_readable_output(const Plan& plan) {
  if (reader_of(*plan.sink) == nullptr)
    fail(ErrorCode::kUsage, "data", "a report reads what was written, and can read jsonl and parquet, found {}",
         plan.sink->extension());
}

void write_report(const Plan& plan, const Report& report, const std::string& rejects, const std::string& path) {
  need_readable_output(plan);
  Findings f;
  read_output(reader_of(*plan.sink), plan.sink->output(), true, f);
  read_output("jsonl", rejects, false, f);
  const nlohmann::ordered_json rows = report_rows(plan, report);
  std::vector<std::pair<std::string, uint64_t>> languages(f.languages.begin(), f.languages.end());
  std::erase_if(languages, [](const auto& l) { return l.second == 0; });
  std::string html = fmt::format(
      "<!DOCTYPE html><html lang=en><meta charset=utf-8><title>frugal data</title><style>{}</style><h1>What was kept, "
      "and why not</h1><p><code>{}</code></p>"
      "<p>{} of {} documents kept, {:.1f} s.</p><h2>Stage by stage</h2>{}<h2>Reasons</h2>{}",
      kStyle, escaped(plan.spec), report.counts.out_docs, report.counts.source_docs, report.seconds, funnel(rows),
      reasons(rows));
  if (!languages.empty()) html += "<h2>Languages kept</h2>" + counted(std::move(languages), "language");
  html +=
      "<h2>Values</h2><p><span class=kept>&emsp;</span> kept <span class=dropped>&emsp;</span> dropped; without the "
      "outer half per cent on both sides</p>";
  for (const auto& [name, spread] : f.spreads) html += histogram(name, spread);
  html += "<h2>Samples</h2>" + samples(f.samples) + "</html>\n";
  write_text_file(path, html);
}

}  // namespace frugal::data
