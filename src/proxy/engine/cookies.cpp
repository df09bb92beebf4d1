#include "proxy/engine/cookies.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <cstring>
#include <memory>

#include "base/bytes.h"
#include "base/check.h"
#include "base/clock.h"
#include "proxy/http1/scan.h"

namespace landfall::proxy {
namespace {

constexpr std::size_t kNonce = 12;
constexpr std::size_t kPayload = 16;
constexpr std::size_t kTag = 16;
constexpr std::size_t kSealed = kNonce + kPayload + kTag;

EVP_CIPHER_CTX* context() {
  struct Free {
    void operator()(EVP_CIPHER_CTX* made) const { EVP_CIPHER_CTX_free(made); }
  };
  thread_local const std::unique_ptr<EVP_CIPHER_CTX, Free> own(EVP_CIPHER_CTX_new());
  CHECK(own != nullptr);
  return own.get();
}

}  // namespace

std::string CookieSeal::seal(const StickyTicket& ticket) const {
  unsigned char sealed[kSealed];
  unsigned char payload[kPayload];
  std::memcpy(payload, &ticket.subject, 8);
  std::memcpy(payload + 8, &ticket.issued_seconds, 8);
  CHECK(RAND_bytes(sealed, kNonce) == 1);
  EVP_CIPHER_CTX* cipher = context();
  int size = 0;
  CHECK(EVP_EncryptInit_ex(cipher, EVP_aes_256_gcm(), nullptr, key_.data(), sealed) == 1);
  CHECK(EVP_EncryptUpdate(cipher, sealed + kNonce, &size, payload, kPayload) == 1);
  CHECK(EVP_EncryptFinal_ex(cipher, sealed + kNonce + kPayload, &size) == 1);
  CHECK(EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG, kTag, sealed + kNonce + kPayload) == 1);
  return base64_encode({reinterpret_cast<const char*>(sealed), kSealed});
}

std::optional<StickyTicket> CookieSeal::open(std::string_view text) const {
  if (text.size() != (kSealed + 2) / 3 * 4) return {};
  auto bytes = base64_decode(text);
  if (!bytes || bytes->size() != kSealed) return {};
  auto* sealed = reinterpret_cast<unsigned char*>(bytes->data());
  unsigned char payload[kPayload];
  EVP_CIPHER_CTX* cipher = context();
  int size = 0;
  if (EVP_DecryptInit_ex(cipher, EVP_aes_256_gcm(), nullptr, key_.data(), sealed) != 1 ||
      EVP_DecryptUpdate(cipher, payload, &size, sealed + kNonce, kPayload) != 1 ||
      EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_SET_TAG, kTag, sealed + kNonce + kPayload) != 1 ||
      EVP_DecryptFinal_ex(cipher, payload, &size) != 1) {
    return {};
  }
  StickyTicket out;
  std::memcpy(&out.subject, payload, 8);
  std::memcpy(&out.issued_seconds, payload + 8, 8);
  return out;
}

std::optional<std::string_view> find_cookie(const http1::RequestHead& head, std::string_view name) {
  for (const http1::Field& field : head.fields) {
    if (field.known != http1::Name::cookie || field.dropped) continue;
    std::string_view rest = field.value;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find(';'), rest.size());
      const std::string_view pair = http1::trim(rest.substr(0, end));
      if (pair.size() > name.size() && pair[name.size()] == '=' && pair.starts_with(name))
        return pair.substr(name.size() + 1);
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  return {};
}

void add_set_cookie(std::string& out, std::string_view name, std::string_view value,
                    std::int64_t expires_seconds) {
  const std::string date = format_http_date(from_unix_ms(expires_seconds * 1000));
  out.append("Set-Cookie: ").append(name).append("=").append(value);
  out.append("; Expires=").append(date).append("; Path=/\r\n");
  out.append("Set-Cookie: ").append(name).append("CORS=").append(value);
  out.append("; Expires=").append(date).append("; Path=/; SameSite=None; Secure\r\n");
}

}  // namespace landfall::proxy
