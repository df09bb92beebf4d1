// Verification of a request's Signature Version 4: what the client claims, then whether it is true.
//
//   LF_... claim = read_claim(request);             // no key needed: who says they are asking, for
//   which service
//   ... look up claim.access_key_id ...
//   verify(claim, request, secret, digest, now, keys)
//
// There is no nonce in SigV4, so AWS accepts the same signed request again within its time window,
// and so do we: a client's HTTP stack may legally resend it. What bounds a replay is the clock, and
// TLS.
#pragma once

#include <optional>

#include "base/clock.h"
#include "wire/sigv4/canonical.h"
#include "wire/sigv4/problem.h"

namespace landfall::sigv4 {

inline constexpr Millis kClockSkew = std::chrono::minutes(15);

// What the Authorization header or the query of a presigned URL says.
struct Claim {
  std::string access_key_id;
  CredentialScope scope;
  std::vector<std::string> signed_headers;  // lower case, sorted
  std::string signature;                    // 64 lower case hexadecimal digits
  std::string amz_date;                     // as signed: yyyymmddThhmmssZ
  TimePoint signed_at{};
  std::string session_token;  // empty for long-term keys
  // x-amz-content-sha256 as sent: a digest or one of the kUnsigned/kStreaming names; empty when not
  // sent.
  std::string payload;
  bool presigned = false;
  std::chrono::seconds valid_for{0};  // presigned only

  bool streaming() const { return payload.starts_with("STREAMING-"); }
};

// `missing` when the request carries no authentication.
Checked<Claim> read_claim(const http::Request& request);

// The time window, without the signature: refuses a stale request before its body is read.
Checked<void> check_time(const Claim& claim, TimePoint now);

// Whether the digest must be known before the signature can be verified: services other than S3
// sign the digest of the body without saying it.
bool needs_body_digest(const Claim& claim);

// body_digest: SHA-256 of the body in hexadecimal, when needs_body_digest(); otherwise unused, and
// the caller checks the body against claim.payload (see PayloadCheck in chunked.h). Includes
// check_time.
Checked<void> verify(const Claim& claim, const http::Request& request, std::string_view secret,
                     std::string_view body_digest, TimePoint now, KeyCache& keys);

}  // namespace landfall::sigv4
