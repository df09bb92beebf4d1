#include "host/postgres/scram.h"

#include <openssl/evp.h>

#include "base/bytes.h"
#include "base/check.h"

namespace landfall::host {
namespace {

constexpr int kIterations = 4096;  // PostgreSQL's own default

std::string verifier_with_salt(std::string_view password, std::string_view salt) {
  std::string salted(32, '\0');
  CHECK(PKCS5_PBKDF2_HMAC(password.data(), int(password.size()),
                          reinterpret_cast<const unsigned char*>(salt.data()), int(salt.size()),
                          kIterations, EVP_sha256(), int(salted.size()),
                          reinterpret_cast<unsigned char*>(salted.data())) == 1);
  const std::string stored_key = sha256(hmac_sha256(salted, "Client Key"));
  const std::string server_key = hmac_sha256(salted, "Server Key");
  return fmt::format("SCRAM-SHA-256${}:{}${}:{}", kIterations, base64_encode(salt),
                     base64_encode(stored_key), base64_encode(server_key));
}

}  // namespace

std::string scram_verifier(std::string_view password, Random& random) {
  std::array<unsigned char, 16> salt{};
  random.fill(salt);
  return verifier_with_salt(password, {reinterpret_cast<const char*>(salt.data()), salt.size()});
}

bool scram_matches(std::string_view password, std::string_view verifier) {
  const std::size_t begin = verifier.find(':');
  const std::size_t end = verifier.find('$', begin == std::string_view::npos ? 0 : begin);
  if (begin == std::string_view::npos || end == std::string_view::npos) return false;
  const auto salt = base64_decode(verifier.substr(begin + 1, end - begin - 1));
  return salt && equal_constant_time(verifier_with_salt(password, *salt), verifier);
}

}  // namespace landfall::host
