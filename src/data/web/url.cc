#include "data/web/url.h"

#include <algorithm>
#include <array>
#include <vector>

namespace frugal::data {
namespace {

bool unreserved(unsigned char c) {
  return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '-' || c == '.' || c == '_' || c == '~';
}
int hex(char c) {
  return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

std::string lowered(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

// Percent signs before unreserved characters are decoded; bytes that no address holds are encoded.
std::string recoded(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    auto c = static_cast<unsigned char>(text[i]);
    const bool coded = c == '%' && i + 2 < text.size() && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0;
    if (coded) c = static_cast<unsigned char>(hex(text[i + 1]) * 16 + hex(text[i + 2])), i += 2;
    const bool plain = coded ? unreserved(c) : c > ' ' && c < 0x7f && c != '"' && c != '<' && c != '>';
    if (plain)
      out += static_cast<char>(c);
    else
      out += '%', out += kHex[c >> 4], out += kHex[c & 15];
  }
  return out;
}

// Without . and .. segments; begins with a slash.
std::string resolved(std::string_view path) {
  std::vector<std::string_view> kept;
  size_t at = path.starts_with('/') ? 1 : 0;
  for (;;) {
    const size_t end = std::min(path.find('/', at), path.size());
    const std::string_view segment = path.substr(at, end - at);
    const bool last = end == path.size(), dot = segment == ".", dots = segment == "..";
    if (dots && !kept.empty()) kept.pop_back();
    if (!dot && !dots)
      kept.push_back(segment);
    else if (last)
      kept.emplace_back();
    if (last) break;
    at = end + 1;
  }
  std::string out;
  for (std::string_view s : kept) out.append("/").append(s);
  return out.empty() ? "/" : out;
}

bool tracks(std::string_view name) {
  static constexpr std::array<std::string_view, 9> kNames = {"gclid",  "fbclid", "msclkid", "dclid", "yclid",
                                                             "mc_cid", "mc_eid", "igshid",  "_ga"};
  return name.starts_with("utm_") || std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

std::string without_tracking(std::string_view query) {
  std::string out;
  for (size_t at = 0; at <= query.size();) {
    const size_t end = std::min(query.find('&', at), query.size());
    const std::string_view pair = query.substr(at, end - at);
    if (!pair.empty() && !tracks(pair.substr(0, pair.find('=')))) out.append(out.empty() ? "" : "&").append(pair);
    at = end + 1;
  }
  return out;
}

// The authority without user information; port taken off, host in lower case without a trailing dot.
void split_authority(std::string_view authority, UrlParts& parts) {
  if (const size_t user = authority.rfind('@'); user != std::string_view::npos) authority.remove_prefix(user + 1);
  const size_t bracket = authority.rfind(']'), colon = authority.rfind(':');
  const bool port = colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  if (port) parts.port = authority.substr(colon + 1);
  parts.host = lowered(recoded(authority.substr(0, port ? colon : authority.size())));
  while (parts.host.ends_with('.')) parts.host.pop_back();
  if ((parts.scheme == "http" && parts.port == "80") || (parts.scheme == "https" && parts.port == "443"))
    parts.port.clear();
}

}  // namespace

UrlParts split_url(std::string_view url) {
  UrlParts parts;
  while (!url.empty() && static_cast<unsigned char>(url.front()) <= ' ') url.remove_prefix(1);
  while (!url.empty() && static_cast<unsigned char>(url.back()) <= ' ') url.remove_suffix(1);
  const size_t mark = url.find("://");
  if (mark == std::string_view::npos || mark == 0) {
    parts.path = url;
    return parts;
  }
  parts.scheme = lowered(url.substr(0, mark));
  url.remove_prefix(mark + 3);
  url = url.substr(0, url.find('#'));
  const size_t end = std::min(url.find_first_of("/?\\"), url.size());
  split_authority(url.substr(0, end), parts);
  url.remove_prefix(end);
  const size_t question = std::min(url.find('?'), url.size());
  std::string path(url.substr(0, question));
  std::replace(path.begin(), path.end(), '\\', '/');
  parts.path = resolved(recoded(path));
  parts.query = recoded(url.substr(std::min(question + 1, url.size())));
  return parts;
}

std::string canonical_url(std::string_view url, const UrlForm& form) {
  UrlParts p = split_url(url);
  if (p.host.empty()) return p.path;
  if (!form.www && p.host.starts_with("www.")) p.host.erase(0, 4);
  while (p.path.ends_with('/')) p.path.pop_back();
  if (!form.tracking) p.query = without_tracking(p.query);
  std::string out = form.scheme ? p.scheme + "://" : "";
  out += p.host;
  if (!p.port.empty()) out += ":" + p.port;
  out += p.path;
  return p.query.empty() ? out : out + "?" + p.query;
}

std::string_view registered_domain(std::string_view host) {
  static constexpr std::array<std::string_view, 12> kSecond = {"co", "com", "org", "net", "gov", "edu",
                                                               "ac", "or",  "ne",  "go",  "gob", "nom"};
  if (host.empty() || (host.back() >= '0' && host.back() <= '9') || host.starts_with('[')) return host;
  const size_t last = host.rfind('.');
  if (last == std::string_view::npos || last == 0) return host;
  const size_t second = host.rfind('.', last - 1);
  if (second == std::string_view::npos) return host;
  const std::string_view label = host.substr(second + 1, last - second - 1);
  const bool suffix = host.size() - last - 1 == 2 && std::find(kSecond.begin(), kSecond.end(), label) != kSecond.end();
  if (!suffix || second == 0) return host.substr(second + 1);
  const size_t third = host.rfind('.', second - 1);
  return third == std::string_view::npos ? host : host.substr(third + 1);
}

}  // namespace frugal::data
