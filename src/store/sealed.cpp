#include "store/sealed.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <sys/stat.h>

#include "base/bytes.h"
#include "base/check.h"
#include "io/files.h"

namespace landfall::store {
namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kNonceBytes = 12;
constexpr std::size_t kTagBytes = 16;
constexpr std::string_view kForm = "v1:";

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

const unsigned char* raw(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
unsigned char* raw(std::string& bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); }

}  // namespace

Result<std::unique_ptr<Sealer>> Sealer::open(const std::filesystem::path& key_file,
                                             Random& random) {
  struct stat info{};
  if (stat(key_file.c_str(), &info) != 0) {
    if (errno != ENOENT)
      return fail_errno(fmt::format("cannot look at {}", key_file.string()), errno);
    std::string key(kKeyBytes, '\0');
    random.fill({raw(key), key.size()});
    LF_OK(io::write_file(key_file, key, 0600));
    return from_key(std::move(key), random);
  }
  if ((info.st_mode & 077) != 0) {
    return fail(
        "key-unreadable",
        fmt::format(
            "{} may be read by others (mode {:o}); it must have mode 600. Run: chmod 600 {}",
            key_file.string(), info.st_mode & 0777, key_file.string()),
        500);
  }
  LF_TRY(key, io::read_file(key_file, 4096));
  if (key.size() != kKeyBytes) {
    return fail("key-unreadable",
                fmt::format("{} holds {} bytes where a key has {}; restore it from a backup",
                            key_file.string(), key.size(), kKeyBytes),
                500);
  }
  return from_key(std::move(key), random);
}

std::unique_ptr<Sealer> Sealer::from_key(std::string key, Random& random) {
  CHECK(key.size() == kKeyBytes);
  return std::unique_ptr<Sealer>(new Sealer(std::move(key), random));
}

Sealer::~Sealer() { OPENSSL_cleanse(key_.data(), key_.size()); }

// The nonce is random: 2^32 secrets under one key keep the chance of a repeat below 2^-32.
std::string Sealer::seal(std::string_view secret, std::string_view context) const {
  std::string nonce(kNonceBytes, '\0');
  random_.fill({raw(nonce), nonce.size()});
  std::string body(secret.size(), '\0');
  std::string tag(kTagBytes, '\0');
  const CipherContext cipher(EVP_CIPHER_CTX_new());
  int length = 0;
  CHECK(cipher &&
        EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, raw(std::string_view(key_)),
                           raw(std::string_view(nonce))) &&
        EVP_EncryptUpdate(cipher.get(), nullptr, &length, raw(context), int(context.size())) &&
        EVP_EncryptUpdate(cipher.get(), raw(body), &length, raw(secret), int(secret.size())) &&
        EVP_EncryptFinal_ex(cipher.get(), raw(body) + length, &length) &&
        EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes, raw(tag)));
  return std::string(kForm) + base64_encode(nonce + body + tag);
}

Result<std::string> Sealer::unseal(std::string_view sealed, std::string_view context) const {
  const auto unsealable = [] {
    return fail("unsealable", "a sealed value cannot be opened with this installation's key", 500);
  };
  if (!sealed.starts_with(kForm)) return unsealable();
  auto bytes = base64_decode(sealed.substr(kForm.size()));
  if (!bytes || bytes->size() < kNonceBytes + kTagBytes) return unsealable();
  const std::string_view all = *bytes;
  const std::string_view body = all.substr(kNonceBytes, all.size() - kNonceBytes - kTagBytes);
  std::string tag(all.substr(all.size() - kTagBytes));
  std::string out(body.size(), '\0');
  const CipherContext cipher(EVP_CIPHER_CTX_new());
  int length = 0;
  const bool opened =
      cipher &&
      EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, raw(std::string_view(key_)),
                         raw(all)) &&
      EVP_DecryptUpdate(cipher.get(), nullptr, &length, raw(context), int(context.size())) &&
      EVP_DecryptUpdate(cipher.get(), raw(out), &length, raw(body), int(body.size())) &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, raw(tag)) &&
      EVP_DecryptFinal_ex(cipher.get(), raw(out) + length, &length) == 1;
  if (!opened) return unsealable();
  return out;
}

}  // namespace landfall::store
