#include "proxy/auth/text_seal.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <memory>

#include "base/bytes.h"
#include "base/check.h"

namespace landfall::proxy {
namespace {

constexpr std::size_t kNonce = 12;
constexpr std::size_t kTag = 16;
constexpr std::size_t kTextLimit = 64 << 10;

struct Free {
  void operator()(EVP_CIPHER_CTX* made) const { EVP_CIPHER_CTX_free(made); }
};
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, Free>;

unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }
const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

std::string base64url_encode(std::string_view bytes, bool padding) {
  std::string out = base64_encode(bytes);
  for (char& c : out) c = c == '+' ? '-' : c == '/' ? '_' : c;
  while (!padding && out.ends_with('=')) out.pop_back();
  return out;
}

std::optional<std::string> base64url_decode(std::string_view text) {
  std::string plain(text);
  for (char& c : plain) {
    if (c == '+' || c == '/') return {};
    c = c == '-' ? '+' : c == '_' ? '/' : c;
  }
  if (plain.find('=') == std::string::npos)
    while (plain.size() % 4 != 0) plain += '=';
  auto out = base64_decode(plain);
  if (!out) return {};
  return std::move(*out);
}

TextSeal::TextSeal(std::string_view key, std::string_view purpose)
    : key_(hmac_sha256(key, purpose)) {}

std::string TextSeal::seal(std::string_view text, std::string_view context) const {
  std::string out(kNonce + text.size() + kTag, '\0');
  const Cipher cipher(EVP_CIPHER_CTX_new());
  CHECK(cipher != nullptr);
  CHECK(RAND_bytes(bytes_of(out), kNonce) == 1);
  int size = 0;
  CHECK(EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr,
                           bytes_of(std::string_view(key_)), bytes_of(out)) == 1);
  CHECK(EVP_EncryptUpdate(cipher.get(), nullptr, &size, bytes_of(context),
                          static_cast<int>(context.size())) == 1);
  CHECK(EVP_EncryptUpdate(cipher.get(), bytes_of(out) + kNonce, &size, bytes_of(text),
                          static_cast<int>(text.size())) == 1);
  unsigned char* end = bytes_of(out) + kNonce + text.size();
  CHECK(EVP_EncryptFinal_ex(cipher.get(), end, &size) == 1);
  CHECK(EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTag, end) == 1);
  return base64url_encode(out);
}

std::optional<std::string> TextSeal::open(std::string_view sealed, std::string_view context) const {
  if (sealed.size() > kTextLimit) return {};
  auto bytes = base64url_decode(sealed);
  if (!bytes || bytes->size() < kNonce + kTag) return {};
  // One text, one form: no second spelling of the same bytes.
  if (base64url_encode(*bytes) != sealed) return {};
  std::string out(bytes->size() - kNonce - kTag, '\0');
  const Cipher cipher(EVP_CIPHER_CTX_new());
  CHECK(cipher != nullptr);
  int size = 0;
  unsigned char* from = bytes_of(*bytes);
  unsigned char rest[16];
  if (EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, bytes_of(std::string_view(key_)),
                         from) != 1 ||
      EVP_DecryptUpdate(cipher.get(), nullptr, &size, bytes_of(context),
                        static_cast<int>(context.size())) != 1 ||
      EVP_DecryptUpdate(cipher.get(), bytes_of(out), &size, from + kNonce,
                        static_cast<int>(out.size())) != 1 ||
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTag, from + kNonce + out.size()) !=
          1 ||
      EVP_DecryptFinal_ex(cipher.get(), rest, &size) != 1) {
    return {};
  }
  return out;
}

}  // namespace landfall::proxy
