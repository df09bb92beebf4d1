// Flow logs: which interfaces a log is about, and what its lines say. Pure.
// https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
#pragma once

#include "base/clock.h"
#include "host/network/flows.h"
#include "services/ec2/records.h"

namespace landfall::ec2 {

bool covers(const FlowLogRecord& log, const NetworkInterfaceRecord& interface);

// Error InvalidParameter: not a list of ${field}s, or a field that there is not.
Result<void> check_flow_format(std::string_view format);

// "eni-0123-all": the stream of an interface in the log's group.
std::string flow_stream(const FlowLogRecord& log, const NetworkInterfaceRecord& interface);

struct FlowSpan {
  TimePoint start, end;
};
// Lines of one log for one interface: its flows of the kind that the log wants; SKIPDATA when not
// all could be counted.
std::vector<std::string> flow_lines(const Scope& scope, const FlowLogRecord& log,
                                    const NetworkInterfaceRecord& interface,
                                    const host::network::FlowCounts& counts, FlowSpan span);
// The line that says that there was nothing to say.
std::string no_data_line(const Scope& scope, const FlowLogRecord& log,
                         const NetworkInterfaceRecord& interface, FlowSpan span);

}  // namespace landfall::ec2
