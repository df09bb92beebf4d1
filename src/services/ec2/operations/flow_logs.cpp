// operations: CreateFlowLogs, DeleteFlowLogs, DescribeFlowLogs
// https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-cwl.html
#include "services/ec2/flow_logs.h"
#include "services/ec2/operations/operation.h"
#include "services/iam/port.h"

namespace landfall::ec2 {
namespace {

std::unexpected<Error> invalid(std::string message) {
  return fail("InvalidParameter", std::move(message));
}

// The log group, from either of the two members that may say it.
Result<void> read_group(const CreateFlowLogsRequest& in, FlowLogRecord& log) {
  if (in.log_destination_type.value_or("cloud-watch-logs") != "cloud-watch-logs") {
    return invalid("Flow logs go to CloudWatch Logs here (LogDestinationType=cloud-watch-logs).");
  }
  if (in.log_group_name && in.log_destination)
    return invalid("Please only provide LogGroupName or only provide LogDestination.");
  if (in.log_group_name) {
    log.log_group = *in.log_group_name;
    return {};
  }
  if (!in.log_destination) return invalid("LogDestination can't be empty.");
  const auto arn = Arn::parse(*in.log_destination);
  constexpr std::string_view kStart = "log-group:";
  if (!arn || arn->service != "logs" || !arn->resource.starts_with(kStart))
    return invalid(fmt::format("LogDestination '{}' is no log group's ARN", *in.log_destination));
  log.destination = *in.log_destination;
  if (log.destination.ends_with(":*")) log.destination.resize(log.destination.size() - 2);
  log.log_group = Arn::parse(log.destination)->resource.substr(kStart.size());
  return {};
}

Result<std::string> vpc_of_resource(const Tables& tables, const std::string& type,
                                    const std::string& id) {
  if (type == "VPC") {
    LF_TRY(row, find(tables.vpcs, kinds::kVpc, id));
    return row.id;
  }
  if (type == "Subnet") {
    LF_TRY(row, find(tables.subnets, kinds::kSubnet, id));
    return row.value.vpc_id;
  }
  LF_TRY(row, find(tables.interfaces, kinds::kInterface, id));
  return row.value.vpc_id;
}

void add_unsuccessful(wire::List<UnsuccessfulItem>& list, const std::string& id,
                      const Error& error) {
  UnsuccessfulItem& item = list.emplace_back();
  item.resource_id = id;
  item.error.emplace().code = error.code;
  item.error->message = error.message;
}

Result<FlowLogRecord> read_request(Ec2& ec2, const RequestContext& ctx,
                                   const CreateFlowLogsRequest& in) {
  const auto& type = in.resource_type;
  if (type != "VPC" && type != "Subnet" && type != "NetworkInterface")
    return invalid(fmt::format("There are no flow logs of resources of type {}", type));
  FlowLogRecord log;
  LF_OK(read_group(in, log));
  if (!in.traffic_type) return invalid("TrafficType can't be empty for this resource type.");
  log.traffic_type = *in.traffic_type;
  if (!in.deliver_logs_permission_arn) return invalid("DeliverLogsPermissionArn can't be empty.");
  log.role_arn = *in.deliver_logs_permission_arn;
  if (in.deliver_cross_account_role || in.destination_options)
    return invalid("DeliverCrossAccountRole and DestinationOptions are for other destinations.");
  if (ec2.roles) {
    auto passed = ec2.roles->check_pass_role(ctx, log.role_arn, "vpc-flow-logs.amazonaws.com");
    if (!passed && passed.error().code == "role-not-found") return invalid(passed.error().message);
    if (!passed && passed.error().code == "not-trusted")
      return invalid("Access error: vpc-flow-logs.amazonaws.com may not assume the role.");
    if (!passed) return std::unexpected(passed.error());
  }
  log.interval_s = in.max_aggregation_interval.value_or(600);
  if (log.interval_s != 60 && log.interval_s != 600)
    return invalid("MaxAggregationInterval must be 60 or 600");
  if (in.log_format) {
    LF_OK(check_flow_format(*in.log_format));
    log.format = *in.log_format;
  }
  LF_TRY(tags, read_tags(in.tag_specifications, kinds::kFlowLog));
  log.tags = tags;
  log.created = ec2.clock.now();
  return log;
}

}  // namespace

task<Result<CreateFlowLogsResponse>> create_flow_logs(Ec2& ec2, const RequestContext& ctx,
                                                      CreateFlowLogsRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  LF_CO_TRY(asked, read_request(ec2, ctx, in));
  CreateFlowLogsResponse out;
  out.client_token = in.client_token;
  out.flow_log_ids.present = out.unsuccessful.present = true;
  std::set<std::string> vpcs;
  {
    const auto guard = co_await ec2.writing.enter();
    store::Transaction transaction;
    for (const std::string& id : in.resource_ids) {
      FlowLogRecord log = asked;
      log.resource_id = id;
      log.made_by = {in.client_token.value_or(""), id + " " + log.log_group};
      bool repeated = false;
      for (const auto& row : tables.flow_logs.list()) {
        const FlowLogRecord& other = row.value;
        if (!log.made_by.token.empty() && other.made_by.token == log.made_by.token &&
            other.made_by.request == log.made_by.request) {
          out.flow_log_ids.push_back(other.id);
          repeated = true;
        } else if (other.resource_id == id && other.log_group == log.log_group &&
                   other.traffic_type == log.traffic_type) {
          add_unsuccessful(out.unsuccessful, id,
                           {"FlowLogAlreadyExists",
                            "Error. There is an existing Flow Log with the same configuration and "
                            "log destination."});
          repeated = true;
        }
        if (repeated) break;
      }
      if (repeated) continue;
      const auto vpc = vpc_of_resource(tables, in.resource_type, id);
      if (!vpc) {
        add_unsuccessful(out.unsuccessful, id, vpc.error());
        continue;
      }
      log.vpc_id = *vpc;
      log.id = ec2.new_id("fl");
      out.flow_log_ids.push_back(log.id);
      vpcs.insert(log.vpc_id);
      transaction.operations.push_back(tables.flow_logs.put(log.id, log));
    }
    if (!transaction.operations.empty()) LF_CO_OK(co_await commit(ec2, std::move(transaction)));
  }
  for (const std::string& vpc : vpcs) co_await wait_in_force(ec2, ctx.scope, vpc);
  co_return out;
}

task<Result<DeleteFlowLogsResponse>> delete_flow_logs(Ec2& ec2, const RequestContext& ctx,
                                                      DeleteFlowLogsRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  DeleteFlowLogsResponse out;
  out.unsuccessful.present = true;
  std::set<std::string> vpcs;
  {
    const auto guard = co_await ec2.writing.enter();
    store::Transaction transaction;
    for (const std::string& id : in.flow_log_ids) {
      const auto row = tables.flow_logs.get(id);
      if (!row) {
        add_unsuccessful(out.unsuccessful, id, no_such(kinds::kFlowLog, id).error());
        continue;
      }
      vpcs.insert(row->value.vpc_id);
      transaction.operations.push_back(tables.flow_logs.remove(id));
    }
    if (!transaction.operations.empty()) LF_CO_OK(co_await commit(ec2, std::move(transaction)));
  }
  for (const std::string& vpc : vpcs) co_await wait_in_force(ec2, ctx.scope, vpc);
  co_return out;
}

task<Result<DescribeFlowLogsResponse>> describe_flow_logs(Ec2& ec2, const RequestContext& ctx,
                                                          DescribeFlowLogsRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  LF_CO_TRY(page,
            select(tables.flow_logs.list(),
                   {kinds::kFlowLog, in.flow_log_ids, in.filter, in.max_results, in.next_token},
                   facts_in<FlowLogRecord>(tables)));
  DescribeFlowLogsResponse out;
  out.flow_logs.present = true;
  for (const FlowLogRecord& log : page.items) out.flow_logs.push_back(describe(tables, log));
  out.next_token = page.next_token;
  co_return out;
}

}  // namespace landfall::ec2
