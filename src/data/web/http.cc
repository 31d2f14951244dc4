// HTTP messages inside web archives, and the character sets of pages (warc.h).
#include <iconv.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "data/web/prescan.h"
#include "data/web/warc.h"
#include "text/utf8.h"

namespace frugal::data {
namespace {

std::string lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

// Chunked transfer coding undone; false where a chunk's size is none: the body is left as it is then.
bool join_chunks(std::string_view body, std::string& out) {
  std::string joined;
  for (;;) {
    const size_t end = body.find("\r\n");
    uint64_t size = 0;
    if (end == std::string_view::npos || std::from_chars(body.data(), body.data() + end, size, 16).ec != std::errc())
      return false;
    body.remove_prefix(end + 2);
    if (size == 0) break;
    if (size > body.size()) return false;
    joined.append(body.substr(0, static_cast<size_t>(size)));
    body.remove_prefix(std::min<size_t>(body.size(), static_cast<size_t>(size) + 2));
  }
  out = std::move(joined);
  return true;
}

// gzip or deflate undone, up to `longest` bytes.
bool unpack(std::string_view body, int window, size_t longest, std::string& out) {
  z_stream z{};
  if (inflateInit2(&z, window) != Z_OK) return false;
  std::string packed(body), made;
  z.next_in = reinterpret_cast<Bytef*>(packed.data());
  z.avail_in = static_cast<uInt>(packed.size());
  int status = Z_OK;
  while (status == Z_OK && made.size() < longest) {
    const size_t before = made.size();
    made.resize(before + (64 << 10));
    z.next_out = reinterpret_cast<Bytef*>(made.data() + before);
    z.avail_out = 64 << 10;
    status = inflate(&z, Z_NO_FLUSH);
    made.resize(made.size() - z.avail_out);
  }
  inflateEnd(&z);
  if (status != Z_STREAM_END) return false;
  out = std::move(made);
  return true;
}

bool unpack_body(const std::string& coding, size_t longest, HttpMessage& m, std::string& room) {
  std::string out;
  if (coding.find("gzip") != std::string::npos) {
    if (!unpack(m.body, 15 + 16, longest, out)) return false;
  } else if (coding.find("deflate") != std::string::npos) {
    if (!unpack(m.body, 15, longest, out) && !unpack(m.body, -15, longest, out)) return false;
  } else {
    return coding.empty() || coding == "identity" || coding == "utf-8" || coding == "none";
  }
  room = std::move(out);
  m.body = room;
  return true;
}

enum class Utf8 { kNo, kCut, kYes };  // kCut: all of it, but for the last character's end

Utf8 is_utf8(std::string_view bytes) {
  bool wide = false;
  for (size_t at = 0; at < bytes.size();) {
    if (static_cast<unsigned char>(bytes[at]) < 0x80) {
      ++at;
      continue;
    }
    const size_t n = utf8_length(bytes.substr(at));
    if (n == 1) return wide && bytes.size() - at < 4 && utf8_incomplete_tail(bytes) > 0 ? Utf8::kCut : Utf8::kNo;
    wide = true;
    at += n;
  }
  return Utf8::kYes;
}

std::string repaired(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  for (size_t at = 0; at < bytes.size();) {
    const size_t n = utf8_length(bytes.substr(at));
    const bool wrong = n == 1 && static_cast<unsigned char>(bytes[at]) >= 0x80;
    out += wrong ? std::string_view("\xef\xbf\xbd") : bytes.substr(at, n);
    at += n;
  }
  return out;
}

// Browsers read these names as other sets than they name.
std::string known_as(const std::string& name) {
  if (name == "iso-8859-1" || name == "latin1" || name == "ascii" || name == "us-ascii") return "windows-1252";
  if (name == "gb2312" || name == "gbk") return "gb18030";
  if (name == "shift_jis" || name == "shift-jis" || name == "x-sjis" || name == "sjis") return "cp932";
  if (name == "ks_c_5601-1987" || name == "euc-kr") return "cp949";
  if (name == "iso-8859-9") return "windows-1254";
  return name;
}

bool convert(std::string_view bytes, const std::string& charset, std::string& out) {
  const iconv_t converter = iconv_open("UTF-8", charset.c_str());
  // NOLINTNEXTLINE(performance-no-int-to-ptr): POSIX says failure so
  if (converter == reinterpret_cast<iconv_t>(-1)) return false;
  out.clear();
  std::string in(bytes);
  std::array<char, 16384> buffer{};
  char* from = in.data();
  size_t left = in.size();
  while (left > 0) {
    char* to = buffer.data();
    size_t room = buffer.size();
    const size_t status = iconv(converter, &from, &left, &to, &room);
    out.append(buffer.data(), static_cast<size_t>(to - buffer.data()));
    if (status != static_cast<size_t>(-1) || errno == E2BIG) continue;
    out += "\xef\xbf\xbd";  // a byte that means nothing, or the start of a character that is cut
    ++from, --left;
  }
  iconv_close(converter);
  return true;
}

}  // namespace

bool read_http(std::string_view message, size_t longest, HttpMessage& m, std::string& room, Faults& faults) {
  if (!message.starts_with("HTTP/")) return false;
  size_t end = message.find("\r\n\r\n"), gap = 4;
  if (end == std::string_view::npos) end = message.find("\n\n"), gap = 2;
  if (end == std::string_view::npos) return false;
  m.header = message.substr(0, end + gap);
  m.body = message.substr(end + gap);
  const size_t space = m.header.find(' ');
  if (space != std::string_view::npos)
    std::from_chars(m.header.data() + space + 1, m.header.data() + m.header.size(), m.status);
  if (lowered(header_field(m.header, "Transfer-Encoding")).find("chunked") != std::string::npos &&
      join_chunks(m.body, room))
    m.body = room;
  std::string packed_room;
  if (!unpack_body(lowered(header_field(m.header, "Content-Encoding")), longest, m, packed_room)) {
    // Crawlers often store the unpacked body under the header of the packed one.
    if (m.body.find('<') > 512) return ++faults["content encoding"], false;
  }
  if (!packed_room.empty()) {
    room = std::move(packed_room);
    m.body = room;
  }
  return true;
}

std::string to_utf8(std::string_view bytes, std::string_view header, bool is_page) {
  constexpr std::string_view kMark = "\xef\xbb\xbf";
  if (bytes.starts_with(kMark)) return repaired(bytes.substr(kMark.size()));
  std::string charset = bytes.starts_with("\xff\xfe")   ? "utf-16le"
                        : bytes.starts_with("\xfe\xff") ? "utf-16be"
                                                        : charset_in(header);
  if (charset.empty() && is_page) charset = declared_charset(bytes.substr(0, 2048));
  const Utf8 utf8 = is_utf8(bytes);
  if (charset.empty()) charset = utf8 == Utf8::kNo ? "windows-1252" : "utf-8";
  if (charset == "utf-8" || charset == "utf8") return utf8 == Utf8::kYes ? std::string(bytes) : repaired(bytes);
  std::string out;
  if (!convert(bytes, known_as(charset), out)) return repaired(bytes);
  return repaired(out.starts_with(kMark) ? std::string_view(out).substr(kMark.size()) : out);
}

}  // namespace frugal::data
