// What the load balancers' counters have become since they were last read, as CloudWatch has it.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
// https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-cloudwatch-metrics.html
#pragma once

#include <map>

#include "proxy/protocol.h"
#include "services/elbv2/metric_sample.h"

namespace landfall::elbv2 {

// How far the counters have been read, by process (Metrics::boot).
struct ReadProcess {
  proxy::Metrics last;
  int missed = 0;  // readings in which it did not appear
};
LF_RECORD(ReadProcess, last, missed)
struct MetricsMark {
  std::map<std::string, ReadProcess> processes;
};
LF_RECORD(MetricsMark, processes)

// What is new in `readings` since `mark`, which is moved on. Two readings a minute apart give
// AWS's samples; a longer gap gives the same ones with the sums of the whole gap.
std::vector<MetricSample> take_samples(MetricsMark& mark,
                                       const std::vector<proxy::Metrics>& readings);

// The counters themselves, in the text form that Prometheus reads.
std::string prometheus_text(const proxy::Metrics& metrics);

}  // namespace landfall::elbv2
