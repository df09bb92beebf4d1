// Files that operations name by bucket and key. As long as there is no S3 a bucket is a folder, the
// same that logs go to.
#pragma once

#include "services/elbv2/service.h"

namespace landfall::elbv2 {

struct BucketPlace {
  std::string bucket;
  std::string key;
  std::string version;  // folders keep none: empty
};

// Error "not-found": there is no such file, or it is larger than `limit`; the message names where
// it was looked for.
task<Result<std::string>> read_bucket_file(Elbv2& elbv2, BucketPlace place, std::size_t limit);

}  // namespace landfall::elbv2
