// From what the firewall has counted to lines in CloudWatch Logs, beside the work on the networks.
#pragma once

#include <deque>

#include "io/loop.h"
#include "services/ec2/controller/plan.h"
#include "services/ec2/flow_logs.h"
#include "services/ec2/service.h"

namespace landfall::ec2 {

// What was counted in a VPC between two times.
struct FlowWindow {
  Scope scope;
  VpcRecords records;
  TimePoint start, end;
  host::network::FlowCounts counts;
};

class FlowDelivery {
 public:
  explicit FlowDelivery(Ec2& ec2);
  void start();
  // What is due is delivered first, as far as that is quick.
  task<void> stop();
  void add(FlowWindow window);

 private:
  task<void> deliver();
  task<void> deliver_window(FlowWindow window);
  task<Result<void>> append(Scope scope, FlowLogRecord log, std::string stream,
                            std::vector<std::string> lines, TimePoint time);
  task<void> note(Scope scope, std::string log_id, std::string error);

  Ec2& ec2_;
  std::deque<FlowWindow> due_;
  io::Event added_, empty_;
  io::TaskScope tasks_;
  // When an interface last had a line in a log: "fl-.../eni-...".
  std::map<std::string, TimePoint> told_;
};

}  // namespace landfall::ec2
