#include "services/ecs/bucket_folders.h"

#include <ranges>

#include "io/files.h"

namespace landfall::ecs {
namespace {

constexpr std::size_t kMostBytes = 1 << 20;

}  // namespace

std::string object_path(std::string_view arn) {
  constexpr std::string_view kPrefix = "arn:aws:s3:::";
  if (!arn.starts_with(kPrefix)) return {};
  arn.remove_prefix(kPrefix.size());
  const std::size_t slash = arn.find('/');
  if (slash == 0 || slash == std::string_view::npos || slash + 1 == arn.size()) return {};
  for (const auto part : std::views::split(arn, '/')) {
    const std::string_view name(part);
    if (name.empty() || name == "." || name == "..") return {};
  }
  return std::string(arn);
}

task<Result<std::string>> BucketFolders::read(std::string arn, std::string role,
                                              std::string session) {
  const std::string path = object_path(arn);
  const auto refused = [&](std::string_view what) {
    return fail("object-unavailable",
                fmt::format("{}: {} (until there is S3, this is {}/{})", arn, what,
                            buckets_.string(), path.empty() ? "BUCKET/KEY" : path));
  };
  if (path.empty()) co_return refused("not the ARN of an object");
  if (auto may = iam_.authorize_role(role, session, {.action = "s3:GetObject", .resource = arn});
      !may)
    co_return refused(fmt::format("AccessDenied: {}", may.error().message));
  auto text = co_await loop_.run_blocking(
      [file = buckets_ / path] { return io::read_file(file, kMostBytes); });
  if (!text)
    co_return refused(text.error().code == "errno-ENOENT"
                          ? "NoSuchKey: The specified key does not exist."
                          : text.error().message);
  co_return std::move(*text);
}

}  // namespace landfall::ecs
