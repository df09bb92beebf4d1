// The first start: an account, its root user's access key, and the file that tells the owner.
#pragma once

#include <filesystem>

#include "services/iam/service.h"

namespace landfall::iam {

struct RootCredentials {
  std::string account;
  std::string access_key_id;
  std::string secret;
};

// The account and the root key, made when they are not there. `wanted_account`: 12 digits or empty
// for a random one (kept from then on); another one than the account that is there is the error
// "account-differs". `file` is in the form of ~/.aws/credentials, mode 0600; when it was removed it
// is written again.
task<Result<RootCredentials>> bootstrap(Iam& iam, std::filesystem::path file,
                                        std::string wanted_account);

Result<RootCredentials> read_credentials_file(const std::filesystem::path& file);

}  // namespace landfall::iam
