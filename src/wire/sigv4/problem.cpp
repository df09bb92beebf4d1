#include "wire/sigv4/problem.h"

namespace landfall::sigv4 {
namespace {

using Kind = Problem::Kind;

struct Wording {
  const char* code;
  int status;
  const char* message;
};

Wording s3_wording(Kind kind) {
  switch (kind) {
    case Kind::missing:
      return {"AccessDenied", 403, "Access Denied"};
    case Kind::unsupported:
      return {"InvalidRequest", 400,
              "The authorization mechanism you have provided is not supported. Please use "
              "AWS4-HMAC-SHA256."};
    case Kind::incomplete:
      return {"AuthorizationHeaderMalformed", 400,
              "The authorization header that you provided is not valid."};
    case Kind::unknown_key:
      return {"InvalidAccessKeyId", 403,
              "The AWS Access Key Id you provided does not exist in our records."};
    case Kind::invalid_token:
      return {"InvalidToken", 400, "The provided token is malformed or otherwise invalid."};
    case Kind::expired_token:
      return {"ExpiredToken", 400, "The provided token has expired."};
    case Kind::mismatch:
      return {"SignatureDoesNotMatch", 403,
              "The request signature we calculated does not match the signature you provided. "
              "Check your key and signing method."};
    case Kind::not_yet_valid:
    case Kind::skewed:
      return {"RequestTimeTooSkewed", 403,
              "The difference between the request time and the current time is too large."};
    case Kind::expired:
      return {"AccessDenied", 403, "Request has expired"};
    case Kind::unsigned_header:
      return {"AccessDenied", 403,
              "There were headers present in the request which were not signed"};
    case Kind::payload_mismatch:
      return {"XAmzContentSHA256Mismatch", 400,
              "The provided 'x-amz-content-sha256' header does not match what was computed."};
    case Kind::malformed_chunk:
      return {"InvalidRequest", 400, "The request body is not valid aws-chunked content."};
    case Kind::incomplete_body:
      return {"IncompleteBody", 400,
              "You did not provide the number of bytes specified by the Content-Length HTTP "
              "header"};
  }
  return {"AccessDenied", 403, "Access Denied"};
}

constexpr const char* kMismatch =
    "The request signature we calculated does not match the signature you provided. Check your AWS "
    "Secret Access Key and signing method. Consult the service documentation for details.";

Wording ec2_wording(Kind kind) {
  switch (kind) {
    case Kind::missing:
      return {"MissingAuthenticationToken", 403, "Request is missing Authentication Token"};
    case Kind::unknown_key:
    case Kind::invalid_token:
    case Kind::mismatch:
    case Kind::payload_mismatch:
      return {"AuthFailure", 401, "AWS was not able to validate the provided access credentials"};
    case Kind::expired_token:
    case Kind::not_yet_valid:
    case Kind::skewed:
    case Kind::expired:
      return {"RequestExpired", 400, "Request has expired."};
    default:
      return {"IncompleteSignature", 400, "The request signature is not complete."};
  }
}

// The query APIs and the JSON ones differ in the codes only.
Wording general_wording(Kind kind, bool query) {
  switch (kind) {
    case Kind::missing:
      return query ? Wording{"MissingAuthenticationToken", 403,
                             "Request is missing Authentication Token"}
                   : Wording{"MissingAuthenticationTokenException", 400,
                             "Missing Authentication Token"};
    case Kind::unknown_key:
    case Kind::invalid_token:
      return {query ? "InvalidClientTokenId" : "UnrecognizedClientException", query ? 403 : 400,
              "The security token included in the request is invalid."};
    case Kind::expired_token:
      return {query ? "ExpiredToken" : "ExpiredTokenException", query ? 403 : 400,
              "The security token included in the request is expired"};
    case Kind::mismatch:
    case Kind::payload_mismatch:
    case Kind::not_yet_valid:
    case Kind::skewed:
    case Kind::expired:
    case Kind::unsigned_header:
      return {query ? "SignatureDoesNotMatch" : "InvalidSignatureException", query ? 403 : 400,
              kMismatch};
    default:
      return {query ? "IncompleteSignature" : "IncompleteSignatureException", 400,
              "The request signature is not complete."};
  }
}

}  // namespace

Error to_error(const Problem& problem, Family family) {
  Wording wording{};
  switch (family) {
    case Family::s3:
      wording = s3_wording(problem.kind);
      break;
    case Family::ec2:
      wording = ec2_wording(problem.kind);
      break;
    case Family::query:
      wording = general_wording(problem.kind, true);
      break;
    case Family::json:
      wording = general_wording(problem.kind, false);
      break;
    case Family::rest:
      wording = general_wording(problem.kind, false);
      wording.status = 403;
      break;
  }
  // S3 has one fixed sentence for these.
  const bool timing_or_headers = problem.kind == Kind::skewed ||
                                 problem.kind == Kind::not_yet_valid ||
                                 problem.kind == Kind::unsigned_header;
  const bool detailed = !problem.detail.empty() && problem.kind != Kind::mismatch &&
                        !(family == Family::s3 && timing_or_headers) &&
                        std::string_view(wording.code) != "AuthFailure" &&
                        std::string_view(wording.code) != "RequestExpired";
  return Error{wording.code, detailed ? problem.detail : wording.message, wording.status};
}

}  // namespace landfall::sigv4
