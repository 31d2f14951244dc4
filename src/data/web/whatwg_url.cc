// The basic URL parser of the URL standard (section 4.4), its states as functions: one pass from left to right over
// the text without tabs and line ends. What browsers forgive is in it: backslashes, missing or too many slashes,
// drive letters, . and .. written with %2e. Cost: a few copies of the parts; linear.
#include "data/web/whatwg_url.h"

#include <algorithm>
#include <array>

#include "data/web/percent.h"
#include "data/web/url_host.h"
#include "text/utf8.h"

namespace frugal::data {
namespace {

bool letter(char c) { return (c | 32) >= 'a' && (c | 32) <= 'z'; }
bool digit(char c) { return c >= '0' && c <= '9'; }
bool scheme_char(char c) { return letter(c) || digit(c) || c == '+' || c == '-' || c == '.'; }

// The schemes that browsers know; 0: no port of its own.
struct Special {
  std::string_view scheme;
  uint16_t port;
};
const Special* special(std::string_view scheme) {
  static constexpr std::array<Special, 6> kSchemes = {
      {{"https", 443}, {"http", 80}, {"ftp", 21}, {"file", 0}, {"ws", 80}, {"wss", 443}}};
  const auto* found =
      std::find_if(kSchemes.begin(), kSchemes.end(), [&](const Special& s) { return s.scheme == scheme; });
  return found == kSchemes.end() ? nullptr : found;
}

bool drive_letter(std::string_view s) { return s.size() == 2 && letter(s[0]) && (s[1] == ':' || s[1] == '|'); }
bool begins_with_drive_letter(std::string_view s) {
  return drive_letter(s.substr(0, 2)) &&
         (s.size() == 2 || std::string_view("/\\?#").find(s[2]) != std::string_view::npos);
}

// How many dots a segment is made of, 1 or 2, written plainly or as %2e; 0: it is something else.
int dots(std::string_view segment) {
  int count = 0;
  while (!segment.empty()) {
    const bool coded = segment.size() >= 3 && segment[0] == '%' && segment[1] == '2' && (segment[2] | 32) == 'e';
    if ((!coded && segment[0] != '.') || ++count > 2) return 0;
    segment.remove_prefix(coded ? 3 : 1);
  }
  return count;
}

// Without controls and blanks at both ends, tabs and line ends anywhere, and with U+FFFD for what is no UTF-8; `room`
// holds the text where it had to change.
std::string_view cleaned(std::string_view text, std::string& room) {
  while (!text.empty() && static_cast<unsigned char>(text.front()) <= ' ') text.remove_prefix(1);
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
  const auto plain = [](char c) { return static_cast<unsigned char>(c) < 0x80 && c != '\t' && c != '\n' && c != '\r'; };
  if (std::all_of(text.begin(), text.end(), plain)) return text;
  for (size_t i = 0; i < text.size();) {
    const size_t size = utf8_length(text.substr(i));
    if (size > 1)
      room.append(text.substr(i, size));
    else if (static_cast<unsigned char>(text[i]) >= 0x80)
      room.append("\xef\xbf\xbd");
    else if (plain(text[i]))
      room += text[i];
    i += size;
  }
  return room;
}

class Parser {
 public:
  Parser(std::string_view text, const Url* base) : text_(text), base_(base) {}

  bool run() {
    if (scheme()) return after_scheme();
    if (base_ == nullptr || (base_->opaque_path && peek() != '#')) return false;
    url.scheme = base_->scheme;
    special_ = special(url.scheme);
    if (url.scheme == "file") return file();
    return relative();
  }

  Url url;

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool done() const { return at_ == text_.size(); }
  bool slash(char c) const { return c == '/' || (c == '\\' && special_ != nullptr); }
  std::string_view rest() const { return text_.substr(at_); }

  bool scheme() {
    if (!letter(peek())) return false;
    size_t end = 1;
    while (end < text_.size() && scheme_char(text_[end])) ++end;
    if (end == text_.size() || text_[end] != ':') return false;
    url.scheme = text_.substr(0, end);
    for (char& c : url.scheme) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    special_ = special(url.scheme);
    at_ = end + 1;
    return true;
  }

  bool after_scheme() {
    if (url.scheme == "file") return file();
    const bool two = rest().starts_with("//");
    if (special_ != nullptr) {
      if (!two && base_ != nullptr && base_->scheme == url.scheme) return relative();
      while (slash(peek())) ++at_;
      return authority();
    }
    if (two) {
      at_ += 2;
      return authority();
    }
    if (peek() != '/') return opaque_path();
    ++at_;
    return path();
  }

  void take_authority() {
    url.username = base_->username, url.password = base_->password;
    url.host = base_->host, url.port = base_->port;
  }

  bool relative() {
    if (slash(peek())) {
      ++at_;
      if (!slash(peek())) {
        take_authority();
        return path();
      }
      ++at_;
      while (special_ != nullptr && slash(peek())) ++at_;
      return authority();
    }
    take_authority();
    url.path = base_->path, url.opaque_path = base_->opaque_path, url.query = base_->query;
    if (done() || peek() == '?' || peek() == '#') return tail();
    url.query.reset();
    shorten();
    return path();
  }

  bool file() {
    url.host = "";
    const bool based = base_ != nullptr && base_->scheme == "file";
    if (slash(peek())) {
      ++at_;
      if (slash(peek())) {
        ++at_;
        return file_host();
      }
      if (based) take_drive();
      return path();
    }
    if (!based) return path();
    url.host = base_->host, url.path = base_->path, url.query = base_->query;
    if (done() || peek() == '?' || peek() == '#') return tail();
    url.query.reset();
    if (begins_with_drive_letter(rest()))
      url.path.clear();
    else
      shorten();
    return path();
  }

  // After one slash: the base's host, and its drive letter where the text has none of its own.
  void take_drive() {
    url.host = base_->host;
    const std::string_view first = std::string_view(base_->path).substr(0, base_->path.find('/', 1));
    const bool drive = first.size() == 3 && letter(first[1]) && first[2] == ':';
    if (drive && !begins_with_drive_letter(rest())) url.path = first;
  }

  bool file_host() {
    const size_t end = std::min(text_.find_first_of("/\\?#", at_), text_.size());
    const std::string_view host = text_.substr(at_, end - at_);
    if (drive_letter(host)) return path();
    if (!host.empty()) {
      url.host = parse_host(host, false);
      if (!url.host) return false;
      if (*url.host == "localhost") url.host = "";
    }
    at_ = end;
    return path_start();
  }

  bool authority() {
    const size_t end = std::min(text_.find_first_of(special_ != nullptr ? "/?#\\" : "/?#", at_), text_.size());
    std::string_view name = text_.substr(at_, end - at_);
    if (const size_t sign = name.rfind('@'); sign != std::string_view::npos) {
      const std::string_view user = name.substr(0, sign);
      const size_t colon = std::min(user.find(':'), user.size());
      percent_encode(user.substr(0, colon), EncodeSet::kUser, url.username);
      percent_encode(user.substr(std::min(colon + 1, user.size())), EncodeSet::kUser, url.password);
      name.remove_prefix(sign + 1);
      if (name.empty()) return false;
    }
    at_ = end;
    return host_and_port(name) && path_start();
  }

  bool host_and_port(std::string_view name) {
    size_t colon = 0;
    for (bool inside = false; colon < name.size() && (name[colon] != ':' || inside); ++colon)
      inside = name[colon] == '[' || (inside && name[colon] != ']');
    if (colon == 0 && (special_ != nullptr || !name.empty())) return false;
    url.host = parse_host(name.substr(0, colon), special_ == nullptr);
    if (!url.host) return false;
    uint32_t port = 0;
    const std::string_view digits = name.substr(std::min(colon + 1, name.size()));
    for (char c : digits) {
      if (!digit(c) || (port = port * 10 + static_cast<uint32_t>(c - '0')) > 65535) return false;
    }
    if (!digits.empty() && (special_ == nullptr || special_->port != port)) url.port = static_cast<uint16_t>(port);
    return true;
  }

  bool path_start() {
    if (special_ == nullptr && peek() != '/') return tail();
    if (slash(peek())) ++at_;
    return path();
  }

  // From behind a slash.
  bool path() {
    for (;;) {
      const size_t end = std::min(text_.find_first_of(special_ != nullptr ? "/?#\\" : "/?#", at_), text_.size());
      const bool more = end < text_.size() && slash(text_[end]);
      segment(text_.substr(at_, end - at_), more);
      at_ = end + (more ? 1 : 0);
      if (!more) return tail();
    }
  }

  void segment(std::string_view text, bool more) {
    const int n = dots(text);
    if (n == 2) shorten();
    if (n == 0) {
      const bool drive = url.scheme == "file" && url.path.empty() && drive_letter(text);
      url.path += '/';
      percent_encode(drive ? text.substr(0, 1) : text, EncodeSet::kPath, url.path);
      if (drive) url.path += ':';
    } else if (!more) {
      url.path += '/';
    }
  }

  // Without the last segment; a drive letter stays.
  void shorten() {
    const std::string& p = url.path;
    const bool drive = url.scheme == "file" && p.size() == 3 && letter(p[1]) && p[2] == ':';
    if (!p.empty() && !drive) url.path.resize(p.rfind('/'));
  }

  bool opaque_path() {
    url.opaque_path = true;
    const size_t end = std::min(text_.find_first_of("?#", at_), text_.size());
    std::string_view path = text_.substr(at_, end - at_);
    const bool blank = end < text_.size() && path.ends_with(' ');  // so that taking the rest away changes nothing
    if (blank) path.remove_suffix(1);
    percent_encode(path, EncodeSet::kControl, url.path);
    if (blank) url.path += "%20";
    at_ = end;
    return tail();
  }

  bool tail() {
    if (peek() == '?') {
      const size_t end = std::min(text_.find('#', at_), text_.size());
      url.query.emplace();
      percent_encode(text_.substr(at_ + 1, end - at_ - 1),
                     special_ != nullptr ? EncodeSet::kSpecialQuery : EncodeSet::kQuery, *url.query);
      at_ = end;
    }
    if (peek() == '#') percent_encode(text_.substr(at_ + 1), EncodeSet::kFragment, url.fragment.emplace());
    return true;
  }

  std::string_view text_;
  size_t at_ = 0;
  const Url* base_;
  const Special* special_ = nullptr;  // of the address's scheme
};

}  // namespace

std::string Url::href() const {
  std::string out = scheme + ':';
  if (host) {
    out += "//";
    if (!username.empty() || !password.empty()) {
      out += username;
      if (!password.empty()) out.append(":").append(password);
      out += '@';
    }
    out += *host;
    if (port) out.append(":").append(std::to_string(*port));
  } else if (!opaque_path && path.starts_with("//")) {
    out += "/.";
  }
  out += path;
  if (query) out.append("?").append(*query);
  if (fragment) out.append("#").append(*fragment);
  return out;
}

std::optional<Url> parse_url(std::string_view text, const Url* base) {
  std::string room;
  Parser parser(cleaned(text, room), base);
  if (!parser.run()) return {};
  return std::move(parser.url);
}

}  // namespace frugal::data
