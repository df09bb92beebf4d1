// Publishes an instance's log to CloudWatch Logs: group /aws/rds/instance/<id>/postgresql, stream
// <id>.0, one event for each record of the log.
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_LogAccess.Procedural.UploadtoCloudWatch.html
#pragma once

#include <set>

#include "services/rds/service.h"

namespace landfall::rds {

class LogExporter {
 public:
  explicit LogExporter(Rds& rds) : rds_(rds), scope_(rds.loop) {}
  // Begins to publish unless that is under way. It ends by itself when the instance does not want
  // it any more, or is gone.
  void follow(const DbInstance& instance);
  task<void> stop() { return scope_.stop(); }

 private:
  task<void> run(Scope scope, std::string identifier, std::string resource_id);
  task<Result<void>> publish(DbInstance instance);

  Rds& rds_;
  std::set<std::string> followed_;  // resource ids
  io::TaskScope scope_;
};

// The records in the text of a log file: each begins with the time ("2026-11-21 15:21:03 UTC:"),
// lines without one go on. What has no line break yet stays behind; `used` says how much was taken.
std::vector<logs::Line> parse_log(std::string_view text, TimePoint otherwise, std::size_t& used);

}  // namespace landfall::rds
