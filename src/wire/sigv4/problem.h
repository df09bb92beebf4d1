// What can be wrong with a request's signature, and how each family of AWS APIs says it.
#pragma once

#include <expected>
#include <string>

#include "base/result.h"

namespace landfall::sigv4 {

// How a service words and codes its authentication errors.
enum class Family { query, ec2, json, rest, s3 };

struct Problem {
  enum class Kind {
    missing,           // no authentication at all
    unsupported,       // another algorithm than AWS4-HMAC-SHA256
    incomplete,        // an Authorization header or query that lacks parts or has broken ones
    unknown_key,       // no such access key, or one that is inactive
    invalid_token,     // a session token that does not belong to the key
    expired_token,     // temporary credentials past their time
    mismatch,          // the signature is not what the secret key gives
    not_yet_valid,     // signed in the future
    skewed,            // signed too long ago, or by a wrong clock
    expired,           // a presigned URL past its time
    unsigned_header,   // a header that must be signed is not
    payload_mismatch,  // the body does not have the digest that was signed
    malformed_chunk,   // aws-chunked framing is broken
    incomplete_body,   // ended before the length it announced
  };
  Kind kind = Kind::missing;
  std::string detail;  // a sentence in AWS's words, where the kind alone does not give one
};

template <class T>
using Checked = std::expected<T, Problem>;

inline std::unexpected<Problem> problem(Problem::Kind kind, std::string detail = {}) {
  return std::unexpected(Problem{kind, std::move(detail)});
}

// The error a client of that family gets.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
Error to_error(const Problem& problem, Family family);

}  // namespace landfall::sigv4
