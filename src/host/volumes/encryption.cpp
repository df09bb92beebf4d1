#include "host/volumes/encryption.h"

#include <fcntl.h>
#include <linux/fscrypt.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <vector>

#include "io/files.h"

namespace landfall::host {
namespace fs = std::filesystem;
namespace {

Result<io::Fd> open_folder(const fs::path& path) {
  io::Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) return fail_errno("open " + path.string(), errno);
  return fd;
}

// Which key it is, as the kernel derives it.
Result<std::string> add_key(int mount_fd, std::string_view key) {
  std::vector<char> room(sizeof(fscrypt_add_key_arg) + key.size());
  auto* request = reinterpret_cast<fscrypt_add_key_arg*>(room.data());
  request->key_spec.type = FSCRYPT_KEY_SPEC_TYPE_IDENTIFIER;
  request->raw_size = static_cast<__u32>(key.size());
  std::memcpy(request->raw, key.data(), key.size());
  const int failed = ::ioctl(mount_fd, FS_IOC_ADD_ENCRYPTION_KEY, request) < 0 ? errno : 0;
  std::string identifier(reinterpret_cast<const char*>(request->key_spec.u.identifier),
                         FSCRYPT_KEY_IDENTIFIER_SIZE);
  explicit_bzero(room.data(), room.size());
  if (failed == ENOTTY || failed == EOPNOTSUPP) {
    return fail("encryption-unavailable", "the kernel or the file system cannot encrypt", 500);
  }
  if (failed) return fail_errno("add an encryption key", failed);
  return identifier;
}

Result<void> ensure_policy(int folder_fd, const std::string& identifier) {
  fscrypt_get_policy_ex_arg found{};
  found.policy_size = sizeof(found.policy);
  if (::ioctl(folder_fd, FS_IOC_GET_ENCRYPTION_POLICY_EX, &found) == 0) {
    const bool same = found.policy.version == FSCRYPT_POLICY_V2 &&
                      std::memcmp(found.policy.v2.master_key_identifier, identifier.data(),
                                  identifier.size()) == 0;
    if (!same) return fail("wrong-key", "the volume is encrypted with another key", 500);
    return {};
  }
  if (errno != ENODATA) return fail_errno("read an encryption policy", errno);
  fscrypt_policy_v2 policy{};
  policy.version = FSCRYPT_POLICY_V2;
  policy.contents_encryption_mode = FSCRYPT_MODE_AES_256_XTS;
  policy.filenames_encryption_mode = FSCRYPT_MODE_AES_256_CTS;
  policy.flags = FSCRYPT_POLICY_FLAGS_PAD_32;
  std::memcpy(policy.master_key_identifier, identifier.data(), identifier.size());
  if (::ioctl(folder_fd, FS_IOC_SET_ENCRYPTION_POLICY, &policy) < 0)
    return fail_errno("set an encryption policy", errno);
  if (::fsync(folder_fd) < 0) return fail_errno("sync an encrypted folder", errno);
  return {};
}

}  // namespace

bool is_unlocked(const fs::path& mount_point) {
  const auto folder = open_folder(mount_point / kEncryptedFolder);
  if (!folder) return false;
  fscrypt_get_policy_ex_arg policy{};
  policy.policy_size = sizeof(policy.policy);
  if (::ioctl(folder->get(), FS_IOC_GET_ENCRYPTION_POLICY_EX, &policy) < 0 ||
      policy.policy.version != FSCRYPT_POLICY_V2)
    return false;
  fscrypt_get_key_status_arg status{};
  status.key_spec.type = FSCRYPT_KEY_SPEC_TYPE_IDENTIFIER;
  std::memcpy(status.key_spec.u.identifier, policy.policy.v2.master_key_identifier,
              FSCRYPT_KEY_IDENTIFIER_SIZE);
  return ::ioctl(folder->get(), FS_IOC_GET_ENCRYPTION_KEY_STATUS, &status) == 0 &&
         status.status == FSCRYPT_KEY_STATUS_PRESENT;
}

Result<fs::path> open_encrypted(const fs::path& mount_point, std::string_view key) {
  if (key.size() != kVolumeKeyBytes) return fail("wrong-key", "the key has another size", 500);
  LF_TRY(mount, open_folder(mount_point));
  LF_TRY(identifier, add_key(mount.get(), key));
  const fs::path folder = mount_point / kEncryptedFolder;
  if (::mkdir(folder.c_str(), 0755) < 0 && errno != EEXIST)
    return fail_errno("make " + folder.string(), errno);
  LF_TRY(opened, open_folder(folder));
  LF_OK(ensure_policy(opened.get(), identifier));
  return folder;
}

}  // namespace landfall::host
