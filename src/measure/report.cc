#include "measure/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "measure/plot.h"

namespace frugal {
namespace {

constexpr const char* kStyle =
    "body{font:15px/1.5 system-ui,sans-serif;max-width:1100px;margin:2em auto;padding:0 1em;color:#1f2937}"
    "h1{font-size:1.5em}h2{font-size:1.15em;margin-top:2em}table{border-collapse:collapse;width:100%;font-size:14px}"
    "th,td{padding:5px 9px;border-bottom:1px solid #e5e7eb;text-align:right;white-space:nowrap}"
    "th{border-bottom:2px solid #9ca3af}th:first-child,td:first-child,th:nth-child(2),td:nth-child(2){text-align:left}"
    "td.why{text-align:left;white-space:normal;color:#b45309}tr.best "
    "td{background:#f0fdf4}code{background:#f3f4f6;padding:1px 4px;border-radius:3px}"
    ".wrap{overflow-x:auto}svg{width:100%;height:auto;font:12px system-ui,sans-serif;fill:#374151}svg "
    ".t{font-size:15px;font-weight:600}"
    "svg .l{font-size:11px}svg .g{stroke:#e5e7eb}.legend span{margin-right:1.4em;font-size:13px}"
    ".legend "
    "i{display:inline-block;width:11px;height:11px;border-radius:2px;margin-right:5px}footer{color:#6b7280;font-size:"
    "13px;margin-top:3em}";

std::string name_of(const CompareRow& r) { return r.draft.empty() ? r.kv : r.kv + " + " + r.draft; }
double mb(size_t bytes) { return static_cast<double>(bytes) * 1e-6; }

std::vector<std::string> task_names(const std::vector<CompareRow>& rows) {
  std::set<std::string> names;
  for (const CompareRow& r : rows)
    for (const auto& [name, s] : r.tasks) names.insert(name);
  return {names.begin(), names.end()};
}

bool any_score(const std::vector<CompareRow>& rows) {
  return std::any_of(rows.begin(), rows.end(), [](const CompareRow& r) { return r.score.has_value(); });
}
bool any_answers(const std::vector<CompareRow>& rows) {
  return std::any_of(rows.begin(), rows.end(), [](const CompareRow& r) { return r.answers.has_value(); });
}

std::string cell(const std::string& text) { return "<td>" + html_escape(text) + "</td>"; }
std::string number(double v, const char* form) { return "<td>" + fmt::format(fmt::runtime(form), v) + "</td>"; }

std::string table(const std::vector<CompareRow>& rows) {
  const auto tasks = task_names(rows);
  const bool score = any_score(rows), answers = any_answers(rows);
  std::string out = "<div class=\"wrap\"><table><tr><th>cache</th><th>drafter</th>";
  int columns = 0;
  const auto head = [&](const std::string& text) { out += "<th>" + html_escape(text) + "</th>", ++columns; };
  if (score)
    for (const char* h : {"perplexity", "KL mean", "KL p99", "same top-1"}) head(h);
  for (const std::string& t : tasks) head(t), head(t + " nll");
  head("cache MB"), head("peak MB");
  if (answers)
    for (const char* h : {"prompt tok/s", "decode tok/s", "tokens a step"}) head(h);
  out += "</tr>";
  for (const CompareRow& r : rows) {
    out += "<tr>" + cell(r.kv) + cell(r.draft.empty() ? "none" : r.draft);
    if (!r.reason.empty()) {
      out += fmt::format("<td class=\"why\" colspan=\"{}\">refused: {}</td></tr>", columns, html_escape(r.reason));
      continue;
    }
    if (score && r.score)
      out += number(std::exp(r.score->nll()), "{:.3f}") + number(mean(r.score->kl), "{:.4f}") +
             number(quantile(r.score->kl, 0.99), "{:.3f}") + number(100 * r.score->top1_agreement(), "{:.1f} %");
    for (const std::string& t : tasks) {
      const auto at = r.tasks.find(t);
      out += at == r.tasks.end() ? cell("") + cell("")
                                 : number(100 * at->second.score(), "{:.0f} %") + number(at->second.nll(), "{:.2f}");
    }
    out += number(mb(r.cache_bytes()), "{:.2f}") + number(mb(r.cache_bytes_peak()), "{:.2f}");
    if (answers && r.answers)
      out += number(r.answers->all.prompt_tok_s(), "{:.0f}") + number(r.answers->all.decode_tok_s(), "{:.0f}") +
             number(r.answers->all.accepted_per_step(), "{:.2f}");
    out += "</tr>";
  }
  return out + "</table></div>";
}

// y over the cache's bytes, a point a row; drafters are the series. of(row) is NaN where there is nothing.
template <typename Of>
std::string over_bytes(const std::vector<CompareRow>& rows, const PlotAxes& axes, bool each_drafter, Of of) {
  std::vector<PlotPoint> points;
  std::vector<std::string> series;
  std::set<std::string> seen;
  for (const CompareRow& r : rows) {
    if (!r.reason.empty() || (!each_drafter && !seen.insert(r.kv).second)) continue;
    const std::string s = each_drafter && !r.draft.empty() ? r.draft : "no drafter";
    auto at = std::find(series.begin(), series.end(), s);
    if (at == series.end()) at = series.insert(series.end(), s);
    points.push_back({mb(r.cache_bytes()), of(r), r.kv, static_cast<int>(at - series.begin())});
  }
  return scatter_svg(axes, points, series);
}

std::string acceptance(const std::vector<CompareRow>& rows) {
  std::set<std::string> categories;
  std::vector<std::string> series;
  for (const CompareRow& r : rows)
    if (r.answers && !r.draft.empty()) {
      series.push_back(name_of(r));
      for (const auto& [name, s] : r.answers->by_category) categories.insert(name);
    }
  std::vector<BarGroup> groups;
  for (const std::string& c : categories) {
    BarGroup g{c.empty() ? "all" : c, {}};
    for (const CompareRow& r : rows)
      if (r.answers && !r.draft.empty())
        g.values.push_back(r.answers->by_category.contains(c) ? r.answers->by_category.at(c).all.accepted_per_step()
                                                              : 0);
    groups.push_back(std::move(g));
  }
  return bars_svg({"Tokens a target pass, by category", "", "tokens a step"}, groups, series);
}

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

std::string plots(const std::vector<CompareRow>& rows) {
  std::string out;
  out +=
      over_bytes(rows, {"Quality against bytes", "cache, MB", "mean KL to the plain run", false, true}, false,
                 [](const CompareRow& r) { return r.score && mean(r.score->kl) > 0 ? mean(r.score->kl) : kNothing; });
  out += over_bytes(rows, {"Perplexity against bytes", "cache, MB", "perplexity"}, false,
                    [](const CompareRow& r) { return r.score ? std::exp(r.score->nll()) : kNothing; });
  for (const std::string& t : task_names(rows))
    out += over_bytes(rows, {t + " against bytes", "cache, MB", "right answers, %"}, false, [&](const CompareRow& r) {
      return r.tasks.contains(t) ? 100 * r.tasks.at(t).score() : kNothing;
    });
  out += over_bytes(rows, {"Decoding speed against bytes", "cache, MB", "tokens a second"}, true,
                    [](const CompareRow& r) { return r.answers ? r.answers->all.decode_tok_s() : kNothing; });
  return out + acceptance(rows);
}

}  // namespace

std::string comparison_html(const ReportHead& head, const std::vector<CompareRow>& rows) {
  return fmt::format(
      "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width\"><title>{0}</title><style>{1}</style>"
      "<h1>{0}</h1>{2}<h2>Plots</h2>{3}<footer><p><code>{4}</code></p><p>{5}<br>{6}</p></footer></html>\n",
      html_escape(head.title), kStyle, table(rows), plots(rows), html_escape(head.command), html_escape(head.machine),
      html_escape(head.date));
}

}  // namespace frugal
