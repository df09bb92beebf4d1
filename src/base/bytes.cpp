#include "base/bytes.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/check.h"

namespace landfall {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string digest(const EVP_MD* kind, std::string_view bytes) {
  std::string out(std::size_t(EVP_MD_get_size(kind)), '\0');
  unsigned length = 0;
  CHECK(EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(out.data()),
                   &length, kind, nullptr));
  return out;
}

bool is_unreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.' || c == '~';
}

}  // namespace

std::string hex_encode(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

Result<std::string> hex_decode(std::string_view text) {
  std::string out;
  if (text.size() % 2) return fail("invalid-hex", "odd number of hexadecimal digits");
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = hex_value(text[i]);
    const int low = hex_value(text[i + 1]);
    if (high < 0 || low < 0) return fail("invalid-hex", "not a hexadecimal digit");
    out += char(high * 16 + low);
  }
  return out;
}

std::string base64_encode(std::string_view bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3), '\0');
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                  reinterpret_cast<const unsigned char*>(bytes.data()), int(bytes.size()));
  return out;
}

Result<std::string> base64_decode(std::string_view text) {
  if (text.empty()) return std::string();
  if (text.size() % 4) return fail("invalid-base64", "length is not a multiple of 4");
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
  const std::string_view body = text.substr(0, text.size() - padding);
  const bool clean = std::ranges::all_of(body, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/';
  });
  std::string out(text.size() / 4 * 3, '\0');
  if (!clean ||
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                      reinterpret_cast<const unsigned char*>(text.data()), int(text.size())) < 0) {
    return fail("invalid-base64", "not base64");
  }
  out.resize(out.size() - padding);
  return out;
}

std::string percent_encode(std::string_view text, bool keep_slash) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (char c : text) {
    if (is_unreserved(c) || (keep_slash && c == '/')) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    }
  }
  return out;
}

Result<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
      if (high < 0 || low < 0)
        return fail("invalid-percent-encoding", "'%' without two hexadecimal digits");
      out += char(high * 16 + low);
      i += 2;
    }
  }
  return out;
}

std::string sha256(std::string_view bytes) { return digest(EVP_sha256(), bytes); }
std::string sha256_hex(std::string_view bytes) { return hex_encode(sha256(bytes)); }
std::string md5(std::string_view bytes) { return digest(EVP_md5(), bytes); }

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
  std::string out(32, '\0');
  unsigned length = 32;
  CHECK(HMAC(EVP_sha256(), key.data(), int(key.size()),
             reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
             reinterpret_cast<unsigned char*>(out.data()), &length));
  return out;
}

bool equal_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

bool is_valid_utf8(std::string_view text) {
  const auto* p = reinterpret_cast<const unsigned char*>(text.data());
  const auto* end = p + text.size();
  const auto tail = [&](int count) {
    for (; count > 0; --count) {
      if (++p == end || (*p & 0xc0) != 0x80) return false;
    }
    return true;
  };
  for (; p != end; ++p) {
    if (*p < 0x80) continue;
    const unsigned char lead = *p;
    const unsigned char next = p + 1 != end ? p[1] : 0;
    if (lead >= 0xc2 && lead <= 0xdf) {
      if (!tail(1)) return false;
    } else if (lead >= 0xe0 && lead <= 0xef) {
      if ((lead == 0xe0 && next < 0xa0) || (lead == 0xed && next > 0x9f) || !tail(2)) return false;
    } else if (lead >= 0xf0 && lead <= 0xf4) {
      if ((lead == 0xf0 && next < 0x90) || (lead == 0xf4 && next > 0x8f) || !tail(3)) return false;
    } else {
      return false;
    }
  }
  return true;
}

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  CHECK(context_ && EVP_DigestInit_ex(static_cast<EVP_MD_CTX*>(context_), EVP_sha256(), nullptr));
}
Sha256::~Sha256() { EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(context_)); }
Sha256::Sha256(Sha256&& other) noexcept : context_(std::exchange(other.context_, nullptr)) {}
Sha256& Sha256::operator=(Sha256&& other) noexcept {
  std::swap(context_, other.context_);
  return *this;
}
void Sha256::update(std::string_view bytes) {
  CHECK(EVP_DigestUpdate(static_cast<EVP_MD_CTX*>(context_), bytes.data(), bytes.size()));
}
std::string Sha256::finish_hex() {
  std::string out(32, '\0');
  CHECK(EVP_DigestFinal_ex(static_cast<EVP_MD_CTX*>(context_),
                           reinterpret_cast<unsigned char*>(out.data()), nullptr));
  return hex_encode(out);
}

}  // namespace landfall
