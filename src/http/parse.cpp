#include "http/parse.h"

#include <array>
#include <charconv>
#include <optional>

namespace landfall::http {
namespace {

constexpr std::size_t kFieldLimit = 256;
constexpr std::size_t kIgnoredLimit = 16 << 10;

constexpr std::array<bool, 256> make_token_table() {
  std::array<bool, 256> table{};
  for (int c = '0'; c <= '9'; ++c) table[c] = true;
  for (int c = 'a'; c <= 'z'; ++c) table[c] = table[c - 32] = true;
  for (const char c : std::string_view("!#$%&'*+-.^_`|~"))
    table[static_cast<unsigned char>(c)] = true;
  return table;
}
constexpr auto kToken = make_token_table();

bool is_token(std::string_view text) {
  if (text.empty()) return false;
  for (const char c : text) {
    if (!kToken[static_cast<unsigned char>(c)]) return false;
  }
  return true;
}

bool is_field_value(std::string_view text) {
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if ((u < 0x20 && u != '\t') || u == 0x7f) return false;
  }
  return true;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Takes one line off; nothing when it does not end with CR LF or holds a stray CR or LF.
std::optional<std::string_view> take_line(std::string_view& rest) {
  const std::size_t end = rest.find('\n');
  if (end == std::string_view::npos || end == 0 || rest[end - 1] != '\r') return {};
  const std::string_view line = rest.substr(0, end - 1);
  rest.remove_prefix(end + 1);
  if (line.find('\r') != std::string_view::npos) return {};
  return line;
}

template <class F>
void for_each_list_item(std::string_view list, F visit) {
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(','), list.size());
    visit(trim(list.substr(0, end)));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
}

struct FieldFacts {
  std::optional<std::uint64_t> content_length;
  bool chunked = false;
  bool close = false;
  bool keep_alive = false;
  bool expect_continue = false;
  int hosts = 0;
};

std::optional<Malformed> note_framing(std::string_view name, std::string_view value,
                                      FieldFacts& facts) {
  if (equal_ignoring_case(name, "content-length")) {
    std::uint64_t length = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), length);
    if (error != std::errc() || end != value.data() + value.size() || value.empty()) {
      return Malformed{400, "unreadable Content-Length"};
    }
    if (facts.content_length) return Malformed{400, "more than one Content-Length"};
    facts.content_length = length;
  } else if (equal_ignoring_case(name, "transfer-encoding")) {
    if (facts.chunked) return Malformed{400, "more than one Transfer-Encoding"};
    if (!equal_ignoring_case(value, "chunked")) return Malformed{501, "unknown Transfer-Encoding"};
    facts.chunked = true;
  } else if (equal_ignoring_case(name, "connection")) {
    for_each_list_item(value, [&](std::string_view item) {
      facts.close |= equal_ignoring_case(item, "close");
      facts.keep_alive |= equal_ignoring_case(item, "keep-alive");
    });
  } else if (equal_ignoring_case(name, "expect")) {
    if (!equal_ignoring_case(value, "100-continue")) return Malformed{417, "unknown expectation"};
    facts.expect_continue = true;
  } else if (equal_ignoring_case(name, "host")) {
    ++facts.hosts;
  }
  return {};
}

std::expected<FieldFacts, Malformed> parse_fields(std::string_view rest, Headers& headers) {
  FieldFacts facts;
  while (true) {
    const auto line = take_line(rest);
    if (!line) return std::unexpected(Malformed{400, "malformed line end"});
    if (line->empty()) break;
    const std::size_t colon = line->find(':');
    if (colon == std::string_view::npos)
      return std::unexpected(Malformed{400, "header without a colon"});
    const std::string_view name = line->substr(0, colon);
    const std::string_view value = trim(line->substr(colon + 1));
    // A leading blank (an obsolete folded line) fails here too.
    if (!is_token(name)) return std::unexpected(Malformed{400, "malformed header name"});
    if (!is_field_value(value)) return std::unexpected(Malformed{400, "malformed header value"});
    if (headers.size() == kFieldLimit) return std::unexpected(Malformed{431, "too many headers"});
    if (const auto bad = note_framing(name, value, facts)) return std::unexpected(*bad);
    headers.add(std::string(name), std::string(value));
  }
  if (facts.chunked && facts.content_length) {
    return std::unexpected(Malformed{400, "both Content-Length and Transfer-Encoding"});
  }
  return facts;
}

// Origin form, absolute form or "*" (RFC 9112, section 3.2).
std::optional<Malformed> parse_target(std::string_view target, Request& request) {
  for (const char c : target) {
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f || c == '#')
      return Malformed{400, "malformed target"};
  }
  if (!target.starts_with('/')) {
    const std::size_t scheme = target.find("://");
    if (scheme != std::string_view::npos &&
        (equal_ignoring_case(target.substr(0, scheme), "http") ||
         equal_ignoring_case(target.substr(0, scheme), "https"))) {
      target.remove_prefix(scheme + 3);
      const std::size_t end = std::min(target.find_first_of("/?"), target.size());
      request.headers.set("Host", std::string(target.substr(0, end)));
      target.remove_prefix(end);
      if (target.empty() || target.front() == '?') {
        request.path = "/";
        request.query = std::string(target.substr(std::min<std::size_t>(1, target.size())));
        return {};
      }
    } else if (target != "*" || request.method != "OPTIONS") {
      return Malformed{400, "malformed target"};
    }
  }
  const std::size_t question = std::min(target.find('?'), target.size());
  request.path = std::string(target.substr(0, question));
  request.query = std::string(target.substr(std::min(question + 1, target.size())));
  return {};
}

}  // namespace

std::size_t find_head_end(std::string_view bytes, std::size_t from) {
  // The end may straddle what was looked at before.
  const std::size_t at = bytes.find("\r\n\r\n", from < 3 ? 0 : from - 3);
  if (at != std::string_view::npos) return at + 4;
  return at;
}

std::expected<RequestHead, Malformed> parse_request_head(std::string_view head) {
  RequestHead out;
  const auto line = take_line(head);
  if (!line) return std::unexpected(Malformed{400, "malformed line end"});
  const std::size_t first = line->find(' ');
  const std::size_t last = line->rfind(' ');
  if (first == std::string_view::npos || first == last) {
    return std::unexpected(Malformed{400, "malformed request line"});
  }
  const std::string_view method = line->substr(0, first);
  const std::string_view target = line->substr(first + 1, last - first - 1);
  const std::string_view version = line->substr(last + 1);
  if (!is_token(method) || method.size() > 32)
    return std::unexpected(Malformed{400, "malformed method"});
  if (version == "HTTP/1.0") {
    out.http_1_0 = true;
  } else if (version != "HTTP/1.1") {
    return std::unexpected(version.starts_with("HTTP/")
                               ? Malformed{505, "only HTTP/1.1 is spoken here"}
                               : Malformed{400, "malformed request line"});
  }
  auto facts = parse_fields(head, out.request.headers);
  if (!facts) return std::unexpected(facts.error());
  if (facts->hosts > 1 || (facts->hosts == 0 && !out.http_1_0)) {
    return std::unexpected(Malformed{400, "exactly one Host header is needed"});
  }
  if (facts->chunked && out.http_1_0) return std::unexpected(Malformed{400, "chunked in HTTP/1.0"});
  out.request.method = std::string(method);
  if (const auto bad = parse_target(target, out.request)) return std::unexpected(*bad);
  if (facts->chunked) {
    out.framing.kind = Framing::Kind::chunked;
  } else if (facts->content_length.value_or(0) > 0) {
    out.framing = {Framing::Kind::length, *facts->content_length};
  }
  out.keep_alive = !facts->close && (!out.http_1_0 || facts->keep_alive);
  out.expect_continue = facts->expect_continue && !out.http_1_0;
  return out;
}

std::expected<ResponseHead, Malformed> parse_response_head(std::string_view head,
                                                           std::string_view method) {
  ResponseHead out;
  const auto line = take_line(head);
  if (!line || line->size() < 12 ||
      !(line->starts_with("HTTP/1.1 ") || line->starts_with("HTTP/1.0 "))) {
    return std::unexpected(Malformed{400, "malformed status line"});
  }
  const std::string_view status = line->substr(9, 3);
  const auto [end, error] = std::from_chars(status.data(), status.data() + 3, out.response.status);
  if (error != std::errc() || end != status.data() + 3 || out.response.status < 100 ||
      (line->size() > 12 && (*line)[12] != ' ')) {
    return std::unexpected(Malformed{400, "malformed status line"});
  }
  auto facts = parse_fields(head, out.response.headers);
  if (!facts) return std::unexpected(facts.error());
  const int code = out.response.status;
  out.keep_alive = !facts->close && (line->starts_with("HTTP/1.1") || facts->keep_alive);
  if (method == "HEAD" || code < 200 || code == 204 || code == 304) return out;
  if (facts->chunked) {
    out.framing.kind = Framing::Kind::chunked;
  } else if (facts->content_length) {
    if (*facts->content_length > 0) out.framing = {Framing::Kind::length, *facts->content_length};
  } else {
    out.framing.kind = Framing::Kind::until_close;
    out.keep_alive = false;
  }
  return out;
}

bool ChunkedDecoder::decode(std::string_view in, std::string& out, std::size_t& used) {
  used = 0;
  while (used < in.size() && state_ != State::done) {
    if (state_ == State::data) {
      const std::size_t take =
          static_cast<std::size_t>(std::min<std::uint64_t>(left_, in.size() - used));
      out.append(in.substr(used, take));
      used += take;
      left_ -= take;
      if (left_ == 0) state_ = State::data_cr;
    } else if (!control(in[used++])) {
      return false;
    }
  }
  return true;
}

// One byte outside of chunk data.
bool ChunkedDecoder::control(char c) {
  switch (state_) {
    case State::size: {
      int digit = -1;
      if (c >= '0' && c <= '9') digit = c - '0';
      if (c >= 'a' && c <= 'f') digit = c - 'a' + 10;
      if (c >= 'A' && c <= 'F') digit = c - 'A' + 10;
      if (digit >= 0) {
        if (++digits_ > 15) return false;
        left_ = left_ * 16 + static_cast<std::uint64_t>(digit);
        return true;
      }
      if (digits_ == 0) return false;
      if (c == ';') return state_ = State::extension, true;
      if (c == '\r') return state_ = State::size_lf, true;
      return false;
    }
    case State::extension:
      if (++ignored_ > kIgnoredLimit || c == '\n') return false;
      if (c == '\r') state_ = State::size_lf;
      return true;
    case State::size_lf:
      if (c != '\n') return false;
      state_ = left_ > 0 ? State::data : State::trailer;
      digits_ = 0;
      return true;
    case State::data_cr:
      return state_ = State::data_lf, c == '\r';
    case State::data_lf:
      return state_ = State::size, c == '\n';
    case State::trailer:  // at the start of a trailer line
      if (c == '\r') return state_ = State::end_lf, true;
      state_ = State::trailer_line;
      return ++ignored_ <= kIgnoredLimit && c != '\n';
    case State::trailer_line:
      if (++ignored_ > kIgnoredLimit || c == '\n') return false;
      if (c == '\r') state_ = State::trailer_lf;
      return true;
    case State::trailer_lf:
      return state_ = State::trailer, c == '\n';
    case State::end_lf:
      return state_ = State::done, c == '\n';
    case State::data:
    case State::done:
      break;
  }
  return false;
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 100:
      return "Continue";
    case 101:
      return "Switching Protocols";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Payload Too Large";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    case 507:
      return "Insufficient Storage";
    default:
      return status < 300 ? "OK" : "Error";
  }
}

}  // namespace landfall::http
