// Encryption of a folder by the kernel (fscrypt): contents with AES-256-XTS, names with
// AES-256-CBC-CTS. The key is known to the mounted file system only; in the image file, and in
// every copy of it, lies what it encrypted.
// https://docs.kernel.org/filesystems/fscrypt.html
#pragma once

#include <filesystem>
#include <string_view>

#include "base/result.h"

namespace landfall::host {

inline constexpr std::size_t kVolumeKeyBytes = 64;
inline constexpr const char* kEncryptedFolder = "encrypted";

// Does the file system mounted at `mount_point` know the key of its encrypted folder?
bool is_unlocked(const std::filesystem::path& mount_point);

// Gives the key to the file system mounted at `mount_point`; the encrypted folder in it, made when
// missing. Repeatable. Errors: "encryption-unavailable", "wrong-key", errno-*.
Result<std::filesystem::path> open_encrypted(const std::filesystem::path& mount_point,
                                             std::string_view key);

}  // namespace landfall::host
