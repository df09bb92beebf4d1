#include "services/elbv2/bucket_file.h"

#include "io/files.h"
#include "io/loop.h"
#include "services/elbv2/attributes.h"

namespace landfall::elbv2 {

task<Result<std::string>> read_bucket_file(Elbv2& elbv2, BucketPlace place, std::size_t limit) {
  const auto missing = [&](std::string_view why) {
    return fail("not-found", fmt::format("The object '{}' of bucket '{}' cannot be used: {}",
                                         place.key, place.bucket, why));
  };
  if (!is_bucket_name(place.bucket)) co_return missing("that is not the name of a bucket");
  if (!is_file_key(place.key)) co_return missing("that is not a key that a file can have");
  if (!place.version.empty()) co_return missing("the files of a bucket's folder have no versions");
  const std::filesystem::path path = elbv2.buckets / place.bucket / place.key;
  auto read = co_await elbv2.loop.run_blocking([path, limit]() -> Result<std::string> {
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error))
      return fail("not-found", fmt::format("there is no file {}", path.string()));
    const auto size = std::filesystem::file_size(path, error);
    if (error || size > limit)
      return fail("not-found", fmt::format("{} is larger than {} bytes", path.string(), limit));
    return io::read_file(path, limit);
  });
  if (!read) co_return missing(read.error().message);
  co_return std::move(*read);
}

}  // namespace landfall::elbv2
