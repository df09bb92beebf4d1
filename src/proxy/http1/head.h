// Heads of HTTP/1 messages as views into the bytes they were read from.
//
// The parser is one pass and owns nothing. It also classifies requests as AWS's open-source
// http-desync-guardian does, because that needs the raw bytes:
// docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace landfall::proxy::http1 {

// Headers that the proxy reads or writes.
enum class Name : std::uint8_t {
  other,
  connection,
  content_length,
  cookie,
  expect,
  host,
  http2_settings,
  keep_alive,
  proxy_connection,
  server,
  set_cookie,
  te,
  trailer,
  transfer_encoding,
  upgrade,
  user_agent,
  x_amzn_trace_id,
  x_forwarded_for,
  x_forwarded_port,
  x_forwarded_proto,
};
Name name_of(std::string_view name);

struct Field {
  std::string_view name;
  std::string_view value;  // without white space around it
  std::string_view line;   // with its CRLF
  Name known = Name::other;
  bool plain_name = true;  // letters, digits and '-' only
  bool dropped = false;    // must not be forwarded: it could mean two things
};

enum class Severity : std::uint8_t { compliant, acceptable, ambiguous, severe };

// AWS's reason codes for the access log.
enum class Reason : std::uint8_t {
  none,
  ambiguous_uri,
  bad_content_length,
  bad_header,
  bad_method,
  bad_transfer_encoding,
  bad_uri,
  bad_version,
  both_te_cl_present,
  duplicate_content_length,
  empty_header,
  get_head_zero_content_length,
  multiple_content_length,
  multiple_transfer_encoding_chunked,
  non_compliant_header,
  non_compliant_version,
  space_in_uri,
  suspicious_header,
  undefined_content_length_semantics,
  undefined_transfer_encoding_semantics,
};
std::string_view reason_text(Reason reason);        // "BadHeader"
std::string_view severity_text(Severity severity);  // "Severe"

inline constexpr std::size_t kRequestLineLimit = 16 << 10;
inline constexpr std::size_t kHeaderLimit = 16 << 10;
inline constexpr std::size_t kRequestHeadLimit = 64 << 10;
inline constexpr std::size_t kResponseHeadLimit = 32 << 10;

enum class Parsed : std::uint8_t { complete, incomplete, refused };

struct Framing {
  bool chunked = false;
  bool has_length = false;
  std::uint64_t length = 0;
};

struct RequestHead {
  std::string_view method;
  std::string_view target;  // as sent
  std::string_view path;    // without query; of an absolute target what follows the authority
  std::string_view query;   // without '?'
  bool has_query = false;
  std::string_view authority;  // of an absolute target, else of the first Host
  bool has_host = false;
  bool absolute = false;  // target had a scheme and an authority
  int minor_version = 1;
  std::vector<Field> fields;
  std::size_t size = 0;  // of the head, with leading and closing empty lines
  Framing framing;
  bool head_method = false;
  bool close = false;          // Connection: close, or HTTP/1.0 without keep-alive
  bool keep_alive_10 = false;  // HTTP/1.0 with Connection: keep-alive
  bool upgrade = false;        // Connection: upgrade, with an Upgrade field
  bool expect_continue = false;
  bool names_hops = false;  // Connection names further fields
  Severity severity = Severity::compliant;
  Reason reason = Reason::none;
  int status = 0;  // when refused: what to answer

  void classify(Severity how, Reason why) {
    if (how > severity) {
      severity = how;
      reason = why;
    }
  }
  const Field* find(Name known) const {
    for (const Field& field : fields) {
      if (field.known == known) return &field;
    }
    return nullptr;
  }
};

// `refused` sets `status` (400, 414, 501, 505) and the classification.
Parsed parse_request(std::string_view data, RequestHead& out);

struct ResponseHead {
  int status = 0;
  int minor_version = 1;
  std::string_view status_line;  // with its CRLF
  std::string_view reason;
  std::vector<Field> fields;
  std::size_t size = 0;
  Framing framing;
  bool close = false;
  bool upgrade = false;
  bool edits = false;  // some field must not be forwarded as it is
};

// A response that is refused is answered with 502.
Parsed parse_response(std::string_view data, ResponseHead& out);

}  // namespace landfall::proxy::http1
