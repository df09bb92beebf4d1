#include "host/instance.h"

#include "base/bytes.h"

namespace landfall::host {

std::string Instance::namespace_name(std::string_view what) const {
  return fmt::format("lf-{}-{}", tag, what);
}

std::string Instance::namespace_path(std::string_view what) const {
  return "/run/netns/" + namespace_name(what);
}

Result<Instance> instance_for(const std::filesystem::path& data_dir) {
  std::error_code error;
  // weakly: the last parts may be missing before the first start. "x/" and "x" are one folder.
  auto resolved = std::filesystem::weakly_canonical(std::filesystem::absolute(data_dir), error);
  if (error) return fail_errno(fmt::format("data folder {}", data_dir.string()), error.value());
  if (!resolved.has_filename()) resolved = resolved.parent_path();
  const std::string tag = sha256_hex(resolved.string()).substr(0, 6);
  return Instance{std::move(resolved), tag};
}

}  // namespace landfall::host
