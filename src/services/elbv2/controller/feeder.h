// Keeps the proxy running and fed: snapshots of the records out, targets' health in.
#pragma once

#include <memory>

#include "proxy/control.h"
#include "services/elbv2/controller/snapshot.h"
#include "services/elbv2/service.h"

namespace landfall::elbv2 {

struct FeederOptions {
  std::filesystem::path folder;   // <data folder>/proxy
  std::filesystem::path buckets;  // log files go below <buckets>/<bucket>
  Millis health_interval = Millis(500);
  std::vector<Published> published = {};
  std::string identity_key = {};  // PEM, see identity_key.h
  std::string trust_file = {};    // authorities of identity providers
};

class Feeder {
 public:
  Feeder(Elbv2& elbv2, FeederOptions options);

  void start();
  // The proxy goes on.
  task<void> stop();

  // Something has changed: the next snapshot is due.
  void poke();
  // Resumes when a snapshot of the store at `revision` or later is in force, or when it takes
  // longer than `timeout`. False: it took longer, or the proxy does not run.
  task<bool> wait_for(store::Revision revision, Millis timeout);

 private:
  task<void> feed();
  task<void> watch_health();
  task<Result<void>> apply_once();
  task<Result<proxy::Snapshot>> build();
  void note_health(const proxy::HealthReport& report);
  task<void> note_problems(std::vector<proxy::ListenerProblem> problems);
  std::string cookie_key();

  Elbv2& elbv2_;
  FeederOptions options_;
  proxy::Control control_;
  io::TaskScope tasks_;
  io::Event poked_, applied_;
  bool due_ = true;
  bool running_ = false;  // as far as we know
  bool stopping_ = false;
  std::string last_text_;  // of the last snapshot applied, without its revision
  store::Revision in_force_ = 0;
  bool failed_ = false;  // the last attempt
  std::string cookie_key_;
  // By target group ARN: which "<group id>/<target>:<port>" its targets have.
  std::map<std::string, std::string> group_ids_;
};

}  // namespace landfall::elbv2
