// Secrets at rest: AES-256-GCM under a key that never leaves the data folder.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"

namespace landfall::store {

class Sealer {
 public:
  // Reads the key file, or makes it (32 random bytes, mode 0600). Errors: "key-unreadable" when it
  // has another size or others may read it, errno-*.
  static Result<std::unique_ptr<Sealer>> open(const std::filesystem::path& key_file,
                                              Random& random);
  // For tests.
  static std::unique_ptr<Sealer> from_key(std::string key, Random& random);
  ~Sealer();

  // Text fit for JSON. `context` says what the secret is ("iam/access-key/AKIA..."): it is
  // authenticated, so a sealed text that is moved to another record does not open there.
  std::string seal(std::string_view secret, std::string_view context) const;
  // Error "unsealable": altered, of another context, or sealed under another key.
  Result<std::string> unseal(std::string_view sealed, std::string_view context) const;

 private:
  Sealer(std::string key, Random& random) : key_(std::move(key)), random_(random) {}
  std::string key_;
  Random& random_;
};

}  // namespace landfall::store
