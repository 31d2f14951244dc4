#include "data/web/url.h"

#include <libpsl.h>

#include <algorithm>
#include <array>
#include <optional>

#include "data/web/percent.h"

namespace frugal::data {
namespace {

bool unreserved(char c) {
  return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '-' || c == '.' || c == '_' || c == '~';
}

// Percent signs before unreserved characters are decoded, the digits of others upper case.
void append_recoded(std::string_view text, std::string& out) {
  for (;;) {
    const size_t sign = text.find('%');
    out.append(text.substr(0, sign));
    if (sign == std::string_view::npos) return;
    text.remove_prefix(sign);
    const bool coded = text.size() > 2 && hex_digit(text[1]) >= 0 && hex_digit(text[2]) >= 0;
    const char c = coded ? static_cast<char>(hex_digit(text[1]) * 16 + hex_digit(text[2])) : '%';
    if (coded && !unreserved(c))
      percent_encode({&c, 1}, EncodeSet::kAll, out);
    else
      out += c;
    text.remove_prefix(coded ? 3 : 1);
  }
}

bool tracks(std::string_view name) {
  static constexpr std::array<std::string_view, 9> kNames = {"gclid",  "fbclid", "msclkid", "dclid", "yclid",
                                                             "mc_cid", "mc_eid", "igshid",  "_ga"};
  return name.starts_with("utm_") || std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

void append_without_tracking(std::string_view query, std::string& out) {
  char before = '?';
  for (size_t at = 0; at <= query.size();) {
    const size_t end = std::min(query.find('&', at), query.size());
    const std::string_view pair = query.substr(at, end - at);
    at = end + 1;
    if (pair.empty() || tracks(pair.substr(0, pair.find('=')))) continue;
    out += before;
    append_recoded(pair, out);
    before = '&';
  }
}

}  // namespace

std::string_view plain_host(const Url& url) {
  std::string_view host = url.host ? std::string_view(*url.host) : std::string_view();
  while (host.ends_with('.')) host.remove_suffix(1);
  return host;
}

std::string canonical_url(const Url& url, const UrlForm& form) {
  std::string_view host = plain_host(url), path = url.path;
  if (host.empty()) return url.href();
  if (!form.www && host.starts_with("www.")) host.remove_prefix(4);
  while (path.ends_with('/')) path.remove_suffix(1);
  std::string out;
  out.reserve(url.scheme.size() + host.size() + path.size() + (url.query ? url.query->size() : 0) + 12);
  if (form.scheme) out.append(url.scheme).append("://");
  out.append(host);
  if (url.port) out.append(":").append(std::to_string(*url.port));
  append_recoded(path, out);
  if (!url.query || url.query->empty()) return out;
  if (!form.tracking) {
    append_without_tracking(*url.query, out);
  } else {
    out += '?';
    append_recoded(*url.query, out);
  }
  return out;
}

std::string canonical_url(std::string_view text, const UrlForm& form) {
  if (const std::optional<Url> url = parse_url(text)) return canonical_url(*url, form);
  while (!text.empty() && static_cast<unsigned char>(text.front()) <= ' ') text.remove_prefix(1);
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
  return std::string(text);
}

std::string_view registered_domain(std::string_view host) {
  if (host.empty() || (host.back() >= '0' && host.back() <= '9') || host.starts_with('[')) return host;
  const std::string name(host);
  const char* domain = psl_registrable_domain(psl_builtin(), name.c_str());
  return domain == nullptr ? host : host.substr(static_cast<size_t>(domain - name.c_str()));
}

}  // namespace frugal::data
