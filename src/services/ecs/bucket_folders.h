// Files of buckets. Until there is S3 a bucket is a folder of the data folder, the same into which
// load balancers write their logs: buckets/<bucket>/<key>.
#pragma once

#include "services/ecs/neighbours.h"
#include "services/iam/port.h"

namespace landfall::ecs {

class BucketFolders final : public Objects {
 public:
  BucketFolders(io::Loop& loop, iam::Port& iam, std::filesystem::path buckets)
      : loop_(loop), iam_(iam), buckets_(std::move(buckets)) {}
  task<Result<std::string>> read(std::string arn, std::string role, std::string session) override;

 private:
  io::Loop& loop_;
  iam::Port& iam_;
  std::filesystem::path buckets_;
};

// "bucket/key" of "arn:aws:s3:::bucket/key"; empty: it is something else, or a path that would lead
// out of the bucket.
std::string object_path(std::string_view arn);

}  // namespace landfall::ecs
