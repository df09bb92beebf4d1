// The client's side of Signature Version 4: for our own tools and tests.
#pragma once

#include "base/clock.h"
#include "wire/sigv4/canonical.h"

namespace landfall::sigv4 {

struct Credentials {
  std::string access_key_id;
  std::string secret;
  std::string session_token;  // empty for long-term keys
};

struct SignOptions {
  std::string region;
  std::string service;
  TimePoint now{};
  // The payload's digest or one of the kUnsigned/kStreaming names; empty: the digest of `body`.
  std::string payload = {};
};

// Adds X-Amz-Date, X-Amz-Security-Token, for S3 X-Amz-Content-Sha256, and Authorization. All
// headers that are there get signed; Host must be among them. Returns the signature, from which
// chunk signatures continue.
std::string sign(http::Request& request, std::string_view body, const Credentials& credentials,
                 const SignOptions& options);

// Turns the request into a presigned URL: everything goes into request.query.
void presign(http::Request& request, const Credentials& credentials, const SignOptions& options,
             std::chrono::seconds valid_for);

// Frames a body as aws-chunked with signatures, continuing from `seed`. `trailer`: at most one
// header; with it the form is kStreamingSignedTrailer.
std::string chunk_body(std::string_view body, std::size_t chunk_size,
                       const Credentials& credentials, const SignOptions& options, std::string seed,
                       const std::optional<std::pair<std::string, std::string>>& trailer = {});

}  // namespace landfall::sigv4
