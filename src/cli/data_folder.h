// What a data folder holds beside the stores: whose it is, the root access key, and where its
// server listens.
//
//   account       the account's 12 digits
//   credentials   the root access key, as `landfall env` prints it; mode 0600
//   endpoint      "127.0.0.1:4566 us-east-1", of the server that runs or ran last
//   pool          "198.18.0.0/16", its public addresses; for `landfall down`
#pragma once

#include <filesystem>

#include "base/random.h"
#include "io/net.h"

namespace landfall::cli {

struct RootKey {
  std::string id;
  std::string secret;
};

// Error "data-folder-unreadable" and what may be wrong.
Result<std::string> read_account(const std::filesystem::path& data_dir);
Result<void> write_account(const std::filesystem::path& data_dir, const std::string& account);
Result<RootKey> read_root_key(const std::filesystem::path& data_dir);
Result<void> write_root_key(const std::filesystem::path& data_dir, const RootKey& key);

struct Listening {
  std::string address;  // "127.0.0.1:4566"
  std::string region;
};
Result<Listening> read_listening(const std::filesystem::path& data_dir);
Result<void> write_listening(const std::filesystem::path& data_dir, const Listening& listening);

Result<std::string> read_pool(const std::filesystem::path& data_dir);
Result<void> write_pool(const std::filesystem::path& data_dir, const std::string& pool);

// "127.0.0.1:4566" or "[::1]:4566". Error "usage".
Result<io::Endpoint> parse_endpoint(std::string_view text);

}  // namespace landfall::cli
