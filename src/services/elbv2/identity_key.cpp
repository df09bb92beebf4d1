#include "services/elbv2/identity_key.h"

#include "io/files.h"
#include "proxy/auth/jwt.h"

namespace landfall::elbv2 {

Result<IdentityKey> open_identity_key(const std::filesystem::path& file) {
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) {
    LF_OK(io::make_directories(file.parent_path(), 0700));
    LF_OK(io::write_file(file, proxy::SigningKey::make().private_pem(), 0600));
  }
  LF_TRY(pem, io::read_file(file, 16 << 10));
  LF_TRY(key, proxy::SigningKey::from_pem(pem));
  return IdentityKey{key.id(), pem, key.public_pem()};
}

}  // namespace landfall::elbv2
