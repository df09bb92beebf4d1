// Signature Version 4: the canonical form of a request, and the keys derived from a secret.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "http/message.h"

namespace landfall::sigv4 {

inline constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
inline constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";
inline constexpr std::string_view kStreamingSigned = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
inline constexpr std::string_view kStreamingSignedTrailer =
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";
inline constexpr std::string_view kStreamingUnsignedTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
inline constexpr std::string_view kEmptyDigest =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

// What a signature is valid for: "20130524/us-east-1/s3/aws4_request".
struct CredentialScope {
  std::string date;  // yyyymmdd
  std::string region;
  std::string service;
  std::string str() const;
  auto operator<=>(const CredentialScope&) const = default;
};

// S3 encodes a path once and never touches its dots and slashes; the other services normalise it
// and encode what was sent again.
std::string canonical_path(std::string_view raw_path, std::string_view service);
// `without`: a parameter to leave out (X-Amz-Signature of a presigned URL).
std::string canonical_query(std::string_view raw_query, std::string_view without = {});
// Trimmed, inner runs of spaces made one.
std::string canonical_header_value(std::string_view value);

// signed_headers: lower case, sorted.
std::string canonical_request(const http::Request& request, std::string_view service,
                              const std::vector<std::string>& signed_headers,
                              std::string_view payload_digest, bool presigned);

std::string string_to_sign(std::string_view amz_date, const CredentialScope& scope,
                           std::string_view canonical);

std::string derive_key(std::string_view secret, const CredentialScope& scope);

// Remembers derived keys: four HMACs less a request. A key is used for a day, region and service.
class KeyCache {
 public:
  const std::string& key(const std::string& access_key_id, std::string_view secret,
                         const CredentialScope& scope);

 private:
  static constexpr std::size_t kMostEntries = 4096;
  struct Entry {
    std::string secret;  // a deleted and remade access key must not meet its predecessor's entry
    std::string key;
  };
  std::unordered_map<std::string, Entry> entries_;
};

}  // namespace landfall::sigv4
