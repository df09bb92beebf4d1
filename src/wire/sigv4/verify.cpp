#include "wire/sigv4/verify.h"

#include "base/bytes.h"

namespace landfall::sigv4 {
namespace {

using Kind = Problem::Kind;

constexpr std::size_t kMostSignedHeaders = 128;
constexpr std::chrono::seconds kLongestPresigned{604'800};

bool is_digest(std::string_view text) {
  return text.size() == 64 && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

Checked<void> read_credential(std::string_view text, Claim& claim) {
  // The access key id holds no '/'; take the four others from the end all the same, as AWS does.
  std::array<std::string_view, 4> tail;
  std::string_view rest = text;
  for (std::string_view& part : tail) {
    const std::size_t slash = rest.rfind('/');
    if (slash == std::string_view::npos) {
      return problem(Kind::incomplete,
                     fmt::format("Credential must have exactly 5 slash-delimited elements, e.g. "
                                 "keyid/date/region/service/term, got '{}'",
                                 text.substr(0, 256)));
    }
    part = rest.substr(slash + 1);
    rest = rest.substr(0, slash);
  }
  const auto& [term, service, region, date] = tail;
  if (term != "aws4_request") {
    return problem(Kind::incomplete,
                   fmt::format("Credential should be scoped with a valid terminator: "
                               "'aws4_request', not '{}'.",
                               term.substr(0, 64)));
  }
  const bool good_date =
      date.size() == 8 && std::ranges::all_of(date, [](char c) { return c >= '0' && c <= '9'; });
  if (!good_date || rest.empty() || rest.size() > 128 || region.size() > 64 || service.empty() ||
      service.size() > 64) {
    return problem(Kind::incomplete,
                   "Credential has an element that is empty, too long, or not a "
                   "date in the form yyyyMMdd.");
  }
  claim.access_key_id = rest;
  claim.scope = {std::string(date), std::string(region), std::string(service)};
  return {};
}

Checked<void> read_signed_headers(std::string_view text, Claim& claim) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(';'), text.size());
    std::string name(text.substr(0, end));
    for (char& c : name) {
      if (c >= 'A' && c <= 'Z') c = char(c - 'A' + 'a');
    }
    text.remove_prefix(std::min(end + 1, text.size()));
    if (name.empty()) continue;
    if (claim.signed_headers.size() == kMostSignedHeaders) {
      return problem(Kind::incomplete, "Authorization has too many SignedHeaders.");
    }
    claim.signed_headers.push_back(std::move(name));
  }
  std::ranges::sort(claim.signed_headers);
  return {};
}

Checked<void> read_signature(std::string_view text, Claim& claim) {
  // A signature of another form cannot match; say so in the same words.
  if (!is_digest(text)) return problem(Kind::mismatch);
  claim.signature = text;
  return {};
}

Checked<void> read_date(std::string_view text, Claim& claim) {
  auto parsed = parse_time(text);
  if (!parsed) {
    return problem(Kind::incomplete,
                   fmt::format("Date must be in ISO-8601 'basic format'. Got '{}'. See "
                               "http://en.wikipedia.org/wiki/ISO_8601",
                               text.substr(0, 64)));
  }
  claim.signed_at = *parsed;
  claim.amz_date = format_iso8601_basic(*parsed);
  if (claim.amz_date.substr(0, 8) != claim.scope.date) {
    return problem(Kind::mismatch,
                   fmt::format("Date in Credential scope does not match YYYYMMDD from ISO-8601 "
                               "version of date from HTTP: '{}' != '{}', from '{}'.",
                               claim.scope.date, claim.amz_date.substr(0, 8), claim.amz_date));
  }
  return {};
}

Checked<Claim> read_header_claim(const http::Request& request, std::string_view authorization) {
  Claim claim;
  std::string_view credential;
  std::string_view headers;
  std::string_view signature;
  std::string_view rest = authorization.substr(kAlgorithm.size());
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(','), rest.size());
    std::string_view item = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    while (item.starts_with(' ')) item.remove_prefix(1);
    while (item.ends_with(' ')) item.remove_suffix(1);
    const std::size_t equals = item.find('=');
    if (equals == std::string_view::npos) {
      if (item.empty()) continue;
      return problem(Kind::incomplete,
                     fmt::format("'{}' not a valid key=value pair (missing equal-sign) in "
                                 "Authorization header: '{}'.",
                                 item.substr(0, 64), authorization.substr(0, 512)));
    }
    const std::string_view name = item.substr(0, equals);
    const std::string_view value = item.substr(equals + 1);
    if (name == "Credential") credential = value;
    if (name == "SignedHeaders") headers = value;
    if (name == "Signature") signature = value;
  }
  std::string lacks;
  if (credential.empty()) lacks += "Authorization header requires 'Credential' parameter. ";
  if (signature.empty()) lacks += "Authorization header requires 'Signature' parameter. ";
  if (headers.empty()) lacks += "Authorization header requires 'SignedHeaders' parameter. ";
  std::string_view date = request.headers.get("x-amz-date");
  if (date.empty()) date = request.headers.get("date");
  if (date.empty()) {
    lacks +=
        "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ";
  }
  if (!lacks.empty()) {
    return problem(Kind::incomplete,
                   lacks + fmt::format("Authorization={}", authorization.substr(0, 512)));
  }
  if (auto read = read_credential(credential, claim); !read) return std::unexpected(read.error());
  if (auto read = read_signed_headers(headers, claim); !read) return std::unexpected(read.error());
  if (auto read = read_signature(signature, claim); !read) return std::unexpected(read.error());
  if (auto read = read_date(date, claim); !read) return std::unexpected(read.error());
  claim.session_token = request.headers.get("x-amz-security-token");
  claim.payload = request.headers.get("x-amz-content-sha256");
  return claim;
}

Checked<Claim> read_query_claim(const http::Parameters& parameters) {
  Claim claim;
  claim.presigned = true;
  std::map<std::string_view, std::string_view> found;
  for (const auto& [name, value] : parameters) {
    if (name.starts_with("X-Amz-")) found.emplace(name, value);
  }
  if (found["X-Amz-Algorithm"] != kAlgorithm) {
    return problem(Kind::incomplete,
                   "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256\"");
  }
  std::string lacks;
  for (const char* name :
       {"X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date"}) {
    if (found[name].empty())
      lacks += fmt::format("AWS query-string parameters must include '{}'. ", name);
  }
  if (!lacks.empty())
    return problem(Kind::incomplete, lacks + "Re-examine the query-string parameters.");
  if (auto read = read_credential(found["X-Amz-Credential"], claim); !read) {
    return std::unexpected(read.error());
  }
  if (auto read = read_signed_headers(found["X-Amz-SignedHeaders"], claim); !read) {
    return std::unexpected(read.error());
  }
  if (auto read = read_signature(found["X-Amz-Signature"], claim); !read) {
    return std::unexpected(read.error());
  }
  if (auto read = read_date(found["X-Amz-Date"], claim); !read)
    return std::unexpected(read.error());
  const std::string_view expires = found["X-Amz-Expires"];
  // Only S3 demands X-Amz-Expires; elsewhere a presigned request lives as long as a signed one.
  std::int64_t seconds = std::chrono::duration_cast<std::chrono::seconds>(kClockSkew).count();
  if (!expires.empty() || claim.scope.service == "s3") {
    const char* end = expires.data() + expires.size();
    const auto parsed = std::from_chars(expires.data(), end, seconds);
    if (parsed.ec == std::errc::result_out_of_range ||
        (parsed.ec == std::errc() && seconds > kLongestPresigned.count())) {
      return problem(Kind::incomplete,
                     "X-Amz-Expires must be less than a week (in seconds); that is, the given "
                     "X-Amz-Expires must be less than 604800 seconds");
    }
    if (parsed.ec != std::errc() || parsed.ptr != end) {
      return problem(Kind::incomplete, "X-Amz-Expires should be a number");
    }
    if (seconds < 0) return problem(Kind::incomplete, "X-Amz-Expires must be non-negative");
  }
  claim.valid_for = std::chrono::seconds(seconds);
  claim.session_token = found["X-Amz-Security-Token"];
  claim.payload = found["X-Amz-Content-Sha256"];
  return claim;
}

// Headers that say what the request does must be signed, or whoever carries it could change them.
Checked<void> check_signed_headers(const Claim& claim, const http::Request& request) {
  const auto is_signed = [&](std::string_view name) {
    return std::ranges::binary_search(claim.signed_headers, name, {},
                                      [](const auto& s) { return std::string_view(s); });
  };
  if (!is_signed("host") && !is_signed(":authority")) {
    return problem(Kind::unsigned_header,
                   "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.");
  }
  for (const auto& [name, value] : request.headers) {
    if (name.size() < 6 ||
        !http::equal_ignoring_case(std::string_view(name).substr(0, 6), "x-amz-")) {
      continue;
    }
    std::string lower = name;
    for (char& c : lower) c = char(std::tolower(static_cast<unsigned char>(c)));
    if (!is_signed(lower)) {
      return problem(Kind::unsigned_header,
                     fmt::format("'{}' must be a 'SignedHeader' in the AWS Authorization.", name));
    }
  }
  return {};
}

}  // namespace

Checked<Claim> read_claim(const http::Request& request) {
  const std::string_view authorization = request.headers.get("authorization");
  Checked<Claim> claim;
  if (authorization.starts_with(kAlgorithm)) {
    claim = read_header_claim(request, authorization);
  } else if (!authorization.empty()) {
    return problem(authorization.starts_with("AWS ") || authorization.starts_with("AWS4-")
                       ? Kind::unsupported
                       : Kind::incomplete,
                   fmt::format("Authorization header requires existence of 'AWS4-HMAC-SHA256'. "
                               "Authorization scheme '{}' is not supported.",
                               authorization.substr(0, authorization.substr(0, 64).find(' '))));
  } else if (request.query.find("X-Amz-Algorithm=") != std::string::npos ||
             request.query.find("X-Amz-Signature=") != std::string::npos) {
    auto parameters = http::parse_form(request.query);
    if (!parameters) return problem(Kind::incomplete, parameters.error().message);
    claim = read_query_claim(*parameters);
  } else {
    return problem(Kind::missing);
  }
  if (claim && !claim->payload.empty() && !is_digest(claim->payload) &&
      claim->payload != kUnsignedPayload && claim->payload != kStreamingSigned &&
      claim->payload != kStreamingSignedTrailer && claim->payload != kStreamingUnsignedTrailer) {
    return problem(Kind::incomplete,
                   "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, "
                   "STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, "
                   "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value.");
  }
  return claim;
}

Checked<void> check_time(const Claim& claim, TimePoint now) {
  const Millis early =
      claim.presigned && claim.scope.service != "s3" ? std::chrono::minutes(5) : Millis(kClockSkew);
  if (claim.signed_at > now + early) {
    return problem(
        Kind::not_yet_valid,
        fmt::format("Signature not yet current: {} is still later than {} ({} + {} min.)",
                    claim.amz_date, format_iso8601_basic(now + early), format_iso8601_basic(now),
                    std::chrono::duration_cast<std::chrono::minutes>(early).count()));
  }
  if (claim.presigned) {
    if (now > claim.signed_at + claim.valid_for) {
      return problem(
          Kind::expired,
          claim.scope.service == "s3"
              ? "Request has expired"
              : fmt::format("Signature expired: {} is now earlier than {}", claim.amz_date,
                            format_iso8601_basic(now - claim.valid_for)));
    }
    return {};
  }
  if (claim.signed_at < now - kClockSkew) {
    return problem(
        Kind::skewed,
        fmt::format("Signature expired: {} is now earlier than {} ({} - 15 min.)", claim.amz_date,
                    format_iso8601_basic(now - kClockSkew), format_iso8601_basic(now)));
  }
  return {};
}

bool needs_body_digest(const Claim& claim) {
  return claim.payload.empty() && !(claim.presigned && claim.scope.service == "s3");
}

Checked<void> verify(const Claim& claim, const http::Request& request, std::string_view secret,
                     std::string_view body_digest, TimePoint now, KeyCache& keys) {
  if (auto timely = check_time(claim, now); !timely) return timely;
  if (auto complete = check_signed_headers(claim, request); !complete) return complete;
  // Only S3 takes a body that the signature does not cover, or covers piece by piece.
  if (claim.scope.service != "s3" && (claim.streaming() || claim.payload == kUnsignedPayload)) {
    return problem(Kind::mismatch);
  }
  std::string_view digest = claim.payload;
  if (digest.empty()) digest = needs_body_digest(claim) ? body_digest : kUnsignedPayload;
  const std::string canonical = canonical_request(request, claim.scope.service,
                                                  claim.signed_headers, digest, claim.presigned);
  const std::string expected =
      hex_encode(hmac_sha256(keys.key(claim.access_key_id, secret, claim.scope),
                             string_to_sign(claim.amz_date, claim.scope, canonical)));
  if (!equal_constant_time(expected, claim.signature)) return problem(Kind::mismatch);
  return {};
}

}  // namespace landfall::sigv4
