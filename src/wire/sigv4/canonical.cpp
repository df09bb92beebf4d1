#include "wire/sigv4/canonical.h"

#include "base/bytes.h"

namespace landfall::sigv4 {
namespace {

bool is_unreserved(unsigned char c) {
  return std::isalnum(c) || c == '-' || c == '_' || c == '.' || c == '~';
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

void append_encoded(std::string& out, unsigned char byte) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  out += '%';
  out += kDigits[byte >> 4];
  out += kDigits[byte & 15];
}

// The same text in the one encoding that SigV4 signs: clients send '%7e' or '~', '!' or '%21', and
// sign the canonical one. An escaped slash stays escaped; a '%' that starts no escape is a literal
// one.
std::string normalise_encoding(std::string_view text, bool in_query) {
  std::string out;
  out.reserve(text.size() + 16);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 &&
        hex_digit(text[i + 2]) >= 0) {
      const auto byte =
          static_cast<unsigned char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
      if (is_unreserved(byte)) {
        out += char(byte);
      } else {
        append_encoded(out, byte);
      }
    } else if (is_unreserved(c) || (c == '/' && !in_query)) {
      out += char(c);
    } else if (c == '+' && in_query) {
      out += "%20";
    } else {
      append_encoded(out, c);
    }
  }
  return out;
}

// RFC 3986 section 5.2.4, and no empty segments.
std::string remove_dot_segments(std::string_view path) {
  std::vector<std::string_view> segments;
  std::size_t at = 0;
  while (at < path.size()) {
    const std::size_t slash = std::min(path.find('/', at), path.size());
    const std::string_view segment = path.substr(at, slash - at);
    if (segment == "..") {
      if (!segments.empty()) segments.pop_back();
    } else if (!segment.empty() && segment != ".") {
      segments.push_back(segment);
    }
    at = slash + 1;
  }
  std::string out;
  for (std::string_view segment : segments) {
    out += '/';
    out += segment;
  }
  if (out.empty() || path.ends_with('/')) out += '/';
  return out;
}

}  // namespace

std::string CredentialScope::str() const {
  return fmt::format("{}/{}/{}/aws4_request", date, region, service);
}

std::string canonical_path(std::string_view raw_path, std::string_view service) {
  if (raw_path.empty()) return "/";
  if (service == "s3") return normalise_encoding(raw_path, false);
  return percent_encode(remove_dot_segments(raw_path), true);
}

std::string canonical_query(std::string_view raw_query, std::string_view without) {
  std::vector<std::pair<std::string, std::string>> parameters;
  while (!raw_query.empty()) {
    const std::size_t end = std::min(raw_query.find('&'), raw_query.size());
    const std::string_view item = raw_query.substr(0, end);
    raw_query.remove_prefix(std::min(end + 1, raw_query.size()));
    if (item.empty()) continue;
    const std::size_t equals = std::min(item.find('='), item.size());
    std::string name = normalise_encoding(item.substr(0, equals), true);
    if (!without.empty() && name == without) continue;
    parameters.emplace_back(
        std::move(name), normalise_encoding(item.substr(std::min(equals + 1, item.size())), true));
  }
  std::ranges::sort(parameters);
  std::string out;
  for (const auto& [name, value] : parameters) {
    if (!out.empty()) out += '&';
    out += name;
    out += '=';
    out += value;
  }
  return out;
}

std::string canonical_header_value(std::string_view value) {
  std::string out;
  bool gap = false;
  for (char c : value) {
    if (c == ' ' || c == '\t') {
      gap = !out.empty();
    } else {
      if (gap) out += ' ';
      gap = false;
      out += c;
    }
  }
  return out;
}

std::string canonical_request(const http::Request& request, std::string_view service,
                              const std::vector<std::string>& signed_headers,
                              std::string_view payload_digest, bool presigned) {
  std::string out;
  out.reserve(1024);
  out += request.method;
  out += '\n';
  out += canonical_path(request.path, service);
  out += '\n';
  out += canonical_query(request.query, presigned ? "X-Amz-Signature" : "");
  out += '\n';
  std::string names;
  for (const std::string& name : signed_headers) {
    out += name;
    out += ':';
    bool first = true;
    for (std::string_view value : request.headers.all(name)) {
      if (!first) out += ',';
      first = false;
      out += canonical_header_value(value);
    }
    out += '\n';
    if (!names.empty()) names += ';';
    names += name;
  }
  out += '\n';
  out += names;
  out += '\n';
  out += payload_digest;
  return out;
}

std::string string_to_sign(std::string_view amz_date, const CredentialScope& scope,
                           std::string_view canonical) {
  return fmt::format("{}\n{}\n{}\n{}", kAlgorithm, amz_date, scope.str(), sha256_hex(canonical));
}

std::string derive_key(std::string_view secret, const CredentialScope& scope) {
  const std::string dated = hmac_sha256("AWS4" + std::string(secret), scope.date);
  const std::string regional = hmac_sha256(dated, scope.region);
  const std::string serving = hmac_sha256(regional, scope.service);
  return hmac_sha256(serving, "aws4_request");
}

const std::string& KeyCache::key(const std::string& access_key_id, std::string_view secret,
                                 const CredentialScope& scope) {
  if (entries_.size() >= kMostEntries) entries_.clear();
  std::string id = access_key_id;
  for (const std::string* part : {&scope.date, &scope.region, &scope.service}) {
    id += '/';
    id += *part;
  }
  Entry& entry = entries_[std::move(id)];
  if (entry.key.empty() || entry.secret != secret) {
    entry = {std::string(secret), derive_key(secret, scope)};
  }
  return entry.key;
}

}  // namespace landfall::sigv4
