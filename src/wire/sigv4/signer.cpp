#include "wire/sigv4/signer.h"

#include "base/bytes.h"

namespace landfall::sigv4 {
namespace {

CredentialScope scope_of(const SignOptions& options, const std::string& amz_date) {
  return {amz_date.substr(0, 8), options.region, options.service};
}

std::vector<std::string> header_names(const http::Request& request) {
  std::set<std::string> names;
  for (const auto& [name, value] : request.headers) {
    std::string lower = name;
    for (char& c : lower) c = char(std::tolower(static_cast<unsigned char>(c)));
    names.insert(std::move(lower));
  }
  return {names.begin(), names.end()};
}

std::string joined(const std::vector<std::string>& names) {
  return fmt::format("{}", fmt::join(names, ";"));
}

}  // namespace

std::string sign(http::Request& request, std::string_view body, const Credentials& credentials,
                 const SignOptions& options) {
  const std::string amz_date = format_iso8601_basic(options.now);
  const CredentialScope scope = scope_of(options, amz_date);
  request.headers.set("X-Amz-Date", amz_date);
  if (!credentials.session_token.empty()) {
    request.headers.set("X-Amz-Security-Token", credentials.session_token);
  }
  const std::string digest = options.payload.empty() ? sha256_hex(body) : options.payload;
  if (options.service == "s3") request.headers.set("X-Amz-Content-Sha256", digest);
  const std::vector<std::string> names = header_names(request);
  const std::string canonical = canonical_request(request, options.service, names, digest, false);
  std::string signature = hex_encode(hmac_sha256(derive_key(credentials.secret, scope),
                                                 string_to_sign(amz_date, scope, canonical)));
  request.headers.set(
      "Authorization",
      fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}", kAlgorithm,
                  credentials.access_key_id, scope.str(), joined(names), signature));
  return signature;
}

void presign(http::Request& request, const Credentials& credentials, const SignOptions& options,
             std::chrono::seconds valid_for) {
  const std::string amz_date = format_iso8601_basic(options.now);
  const CredentialScope scope = scope_of(options, amz_date);
  const std::vector<std::string> names = header_names(request);
  const auto add = [&](std::string_view name, std::string_view value) {
    if (!request.query.empty()) request.query += '&';
    request.query += fmt::format("{}={}", name, percent_encode(value));
  };
  add("X-Amz-Algorithm", kAlgorithm);
  add("X-Amz-Credential", credentials.access_key_id + "/" + scope.str());
  add("X-Amz-Date", amz_date);
  add("X-Amz-Expires", std::to_string(valid_for.count()));
  if (!credentials.session_token.empty()) add("X-Amz-Security-Token", credentials.session_token);
  add("X-Amz-SignedHeaders", joined(names));
  const std::string_view digest = !options.payload.empty()  ? std::string_view(options.payload)
                                  : options.service == "s3" ? kUnsignedPayload
                                                            : kEmptyDigest;
  const std::string canonical = canonical_request(request, options.service, names, digest, true);
  add("X-Amz-Signature", hex_encode(hmac_sha256(derive_key(credentials.secret, scope),
                                                string_to_sign(amz_date, scope, canonical))));
}

std::string chunk_body(std::string_view body, std::size_t chunk_size,
                       const Credentials& credentials, const SignOptions& options, std::string seed,
                       const std::optional<std::pair<std::string, std::string>>& trailer) {
  const std::string amz_date = format_iso8601_basic(options.now);
  const CredentialScope scope = scope_of(options, amz_date);
  const std::string key = derive_key(credentials.secret, scope);
  std::string out;
  std::string previous = std::move(seed);
  for (bool last = false; !last;) {
    const std::string_view piece = body.substr(0, chunk_size);
    body.remove_prefix(piece.size());
    last = piece.empty();
    previous = hex_encode(
        hmac_sha256(key, fmt::format("AWS4-HMAC-SHA256-PAYLOAD\n{}\n{}\n{}\n{}\n{}", amz_date,
                                     scope.str(), previous, kEmptyDigest, sha256_hex(piece))));
    out += fmt::format("{:x};chunk-signature={}\r\n{}", piece.size(), previous, piece);
    if (!last) out += "\r\n";
  }
  if (trailer) {
    const std::string line = fmt::format("{}:{}\n", trailer->first, trailer->second);
    const std::string signature = hex_encode(
        hmac_sha256(key, fmt::format("AWS4-HMAC-SHA256-TRAILER\n{}\n{}\n{}\n{}", amz_date,
                                     scope.str(), previous, sha256_hex(line))));
    out += fmt::format("{}:{}\r\nx-amz-trailer-signature:{}\r\n", trailer->first, trailer->second,
                       signature);
  }
  return out + "\r\n";
}

}  // namespace landfall::sigv4
