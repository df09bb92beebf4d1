#include "services/ec2/controller/flow_delivery.h"

#include "base/log.h"
#include "services/iam/port.h"
#include "services/logs/port.h"

namespace landfall::ec2 {
namespace {

constexpr std::size_t kMostDue = 64;  // windows; older ones are given up
constexpr auto kSilence = std::chrono::seconds(60);
constexpr Millis kLastDelivery = std::chrono::seconds(2);
constexpr std::string_view kService = "vpc-flow-logs.amazonaws.com";

}  // namespace

FlowDelivery::FlowDelivery(Ec2& ec2)
    : ec2_(ec2), added_(ec2.loop), empty_(ec2.loop), tasks_(ec2.loop) {}

void FlowDelivery::start() { tasks_.spawn("ec2 flow logs", deliver()); }

task<void> FlowDelivery::stop() {
  if (!due_.empty()) (void)co_await empty_.wait_for(kLastDelivery);
  co_await tasks_.stop();
}

void FlowDelivery::add(FlowWindow window) {
  due_.push_back(std::move(window));
  if (due_.size() > kMostDue) {
    log::warning("ec2", "flow logs come faster than they are kept: {} is skipped",
                 due_.front().records.vpc.id);
    due_.pop_front();
    due_.front().counts.complete = false;
  }
  added_.notify_all();
}

task<void> FlowDelivery::deliver() {
  while (true) {
    while (due_.empty()) co_await added_.wait();
    FlowWindow window = std::move(due_.front());
    due_.pop_front();
    co_await deliver_window(std::move(window));
    if (due_.empty()) empty_.notify_all();
  }
}

task<void> FlowDelivery::deliver_window(FlowWindow window) {
  const FlowSpan span{window.start, window.end};
  for (const FlowLogRecord& log : window.records.flow_logs) {
    std::string problem;
    for (const NetworkInterfaceRecord& interface : window.records.interfaces) {
      if (!covers(log, interface) || interface.type == kNatInterfaceType) continue;
      auto lines = flow_lines(window.scope, log, interface, window.counts, span);
      TimePoint& told = told_[log.id + "/" + interface.id];
      if (told == TimePoint{}) told = std::max(window.start, log.created);
      if (lines.empty() && window.end - told >= kSilence)
        lines.push_back(no_data_line(window.scope, log, interface, {told, window.end}));
      if (lines.empty()) continue;
      told = window.end;
      auto kept = co_await append(window.scope, log, flow_stream(log, interface), std::move(lines),
                                  window.end);
      if (kept) continue;
      log::warning("ec2", "flow log {}: {}", log.id, kept.error().message);
      problem = kept.error().code == "access" ? "Access error" : "Unknown error";
    }
    co_await note(window.scope, log.id, std::move(problem));
  }
}

task<Result<void>> FlowDelivery::append(Scope scope, FlowLogRecord log, std::string stream,
                                        std::vector<std::string> lines, TimePoint time) {
  if (!ec2_.logs || !ec2_.roles) co_return fail("access", "there is nobody to deliver to");
  const std::string group =
      Arn{"aws", "logs", scope.region, scope.account, "log-group:" + log.log_group}.str();
  if (auto trusted = ec2_.roles->check_role(log.role_arn, std::string(kService)); !trusted)
    co_return fail("access", trusted.error().message);
  const bool exists = ec2_.logs->group_exists(scope, log.log_group);
  std::vector<std::pair<std::string, std::string>> asked = {
      {"logs:CreateLogStream", group + ":log-stream:" + stream},
      {"logs:PutLogEvents", group + ":log-stream:" + stream}};
  if (!exists) asked.emplace_back("logs:CreateLogGroup", group + ":*");
  for (const auto& [action, resource] : asked) {
    auto may =
        ec2_.roles->authorize_role(log.role_arn, log.id, {.action = action, .resource = resource});
    if (!may) co_return fail("access", may.error().message);
  }
  logs::Append append{scope, log.log_group, std::move(stream), {}, true};
  for (std::string& line : lines) append.lines.push_back({time, std::move(line)});
  co_return co_await ec2_.logs->append(std::move(append));
}

// What DescribeFlowLogs says of the last delivery.
task<void> FlowDelivery::note(Scope scope, std::string log_id, std::string error) {
  const Tables tables = ec2_.tables(scope);
  const auto row = tables.flow_logs.get(log_id);
  if (!row || row->value.delivery_error == error) co_return;
  const auto guard = co_await ec2_.writing.enter();
  auto done = co_await tables.flow_logs.update(log_id, [&](FlowLogRecord& log) -> Result<bool> {
    log.delivery_error = error;
    return true;
  });
  if (!done && done.error().code != "not-found")
    log::warning("ec2", "flow log {}: {}", log_id, done.error().message);
}

}  // namespace landfall::ec2
