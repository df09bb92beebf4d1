#include "services/elbv2/metrics.h"

#include <cmath>

namespace landfall::elbv2 {
namespace {

// A process that died without last words is forgotten after so many readings.
constexpr int kMostMissed = 90;

struct Change {
  std::map<std::string, std::uint64_t> counters;
  std::map<std::string, std::int64_t> gauges;
  proxy::Distribution times;
  proxy::Distribution auth_times;

  void add(const Change& other) {
    for (const auto& [name, value] : other.counters) counters[name] += value;
    for (const auto& [name, value] : other.gauges) gauges[name] += value;
    add(times, other.times);
    add(auth_times, other.auth_times);
  }
  static void add(proxy::Distribution& to, const proxy::Distribution& more) {
    to.count += more.count;
    to.sum += more.sum;
    to.buckets.resize(std::max(to.buckets.size(), more.buckets.size()));
    for (std::size_t i = 0; i < more.buckets.size(); ++i) to.buckets[i] += more.buckets[i];
  }
  std::uint64_t count(const std::string& name) const {
    const auto found = counters.find(name);
    return found == counters.end() ? 0 : found->second;
  }
  std::int64_t gauge(const std::string& name) const {
    const auto found = gauges.find(name);
    return found == gauges.end() ? 0 : found->second;
  }
};

using Series = std::tuple<std::string, std::string, std::string>;  // balancer, group, zone

Series series_of(const proxy::CounterSet& set) {
  return {set.load_balancer, set.target_group, set.zone};
}

// A counter that went back has begun anew (its load balancer was deleted and made again).
std::uint64_t grown(std::uint64_t before, std::uint64_t now) {
  return now >= before ? now - before : now;
}

proxy::Distribution grown(const proxy::Distribution& was, const proxy::Distribution& is) {
  proxy::Distribution out = is;
  const bool anew = is.count < was.count;
  out.count = grown(was.count, is.count);
  if (anew) return out;
  out.sum = std::max(0.0, is.sum - was.sum);
  for (std::size_t i = 0; i < std::min(was.buckets.size(), is.buckets.size()); ++i)
    out.buckets[i] = grown(was.buckets[i], is.buckets[i]);
  return out;
}

Change change_of(const proxy::CounterSet& before, const proxy::CounterSet& now) {
  Change out;
  for (const auto& [name, value] : now.counters) {
    const auto known = before.counters.find(name);
    out.counters[name] = grown(known == before.counters.end() ? 0 : known->second, value);
  }
  out.gauges = now.gauges;
  out.times = grown(before.target_response_time, now.target_response_time);
  out.auth_times = grown(before.auth_latency, now.auth_latency);
  return out;
}

// The middle of what bucket i holds (Histogram::bucket_of), in seconds.
double middle_of(std::size_t bucket) {
  const double low = std::exp2(static_cast<double>(bucket / 4));
  return low * (1 + (static_cast<double>(bucket % 4) + 0.5) / 4) / 1e6;
}
double upper_end_of(std::size_t bucket) {
  const double low = std::exp2(static_cast<double>(bucket / 4));
  return low * (1 + static_cast<double>(bucket % 4 + 1) / 4) / 1e6;
}

using Dimensions = std::map<std::string, std::string>;

// Collects the samples of one load balancer.
class Writer {
 public:
  Writer(std::vector<MetricSample>& out, Scope scope, std::string space)
      : out_(out), scope_(std::move(scope)), space_(std::move(space)) {}

  // One value.
  void value(const std::string& name, const Dimensions& dimensions, double value,
             std::string unit = "Count") {
    out_.push_back({scope_, space_, name, dimensions, std::move(unit), 1, value, value, value});
  }
  // So many events, each worth 1: that is how AWS counts requests.
  void events(const std::string& name, const Dimensions& dimensions, std::uint64_t count) {
    if (count == 0) return;
    const auto number = static_cast<double>(count);
    out_.push_back({scope_, space_, name, dimensions, "Count", number, number, 1, 1});
  }
  void nonzero(const std::string& name, const Dimensions& dimensions, std::uint64_t count,
               std::string unit = "Count") {
    if (count != 0) value(name, dimensions, static_cast<double>(count), std::move(unit));
  }
  void times(const std::string& name, const Dimensions& dimensions,
             const proxy::Distribution& times, bool milliseconds = false) {
    if (times.count == 0) return;
    const double factor = milliseconds ? 1000 : 1;
    MetricSample sample{scope_, space_, name, dimensions,
                        milliseconds ? "Milliseconds" : "Seconds"};
    sample.sample_count = static_cast<double>(times.count);
    sample.sum = times.sum * factor;
    for (std::size_t i = 0; i < times.buckets.size(); ++i) {
      if (times.buckets[i] == 0) continue;
      sample.values.emplace_back(middle_of(i), static_cast<double>(times.buckets[i]));
    }
    if (sample.values.empty()) return;
    // The middles of the buckets, moved so that their sum, and with it the average, is exact.
    double middles = 0;
    for (const auto& [value, number] : sample.values) middles += value * number;
    if (times.sum > 0)
      for (auto& [value, number] : sample.values) value *= sample.sum / middles;
    sample.minimum = sample.values.front().first;
    sample.maximum = sample.values.back().first;
    out_.push_back(std::move(sample));
  }

 private:
  std::vector<MetricSample>& out_;
  const Scope scope_;
  const std::string space_;
};

// docs: elasticloadbalancing/pricing: the largest of four shares, for one minute.
double consumed_units(const Change& change) {
  const double connections = static_cast<double>(change.count("NewConnectionCount")) / 60 / 25;
  const double active = static_cast<double>(change.gauge("ActiveConnectionCount")) / 3000;
  const double gigabytes = static_cast<double>(change.count("ProcessedBytes")) * 60 / 1e9;
  const double rules = static_cast<double>(change.count("RuleEvaluations")) / 60 / 1000;
  return std::max({connections, active, gigabytes, rules});
}

constexpr std::string_view kBalancerEvents[] = {"RejectedConnectionCount",
                                                "HTTPCode_ELB_3XX_Count",
                                                "HTTPCode_ELB_4XX_Count",
                                                "HTTPCode_ELB_5XX_Count",
                                                "HTTPCode_ELB_500_Count",
                                                "HTTPCode_ELB_502_Count",
                                                "HTTPCode_ELB_503_Count",
                                                "HTTPCode_ELB_504_Count",
                                                "HTTP_Fixed_Response_Count",
                                                "HTTP_Redirect_Count",
                                                "HTTP_Redirect_Url_Limit_Exceeded_Count",
                                                "ClientTLSNegotiationErrorCount",
                                                "GrpcRequestCount",
                                                "DesyncMitigationMode_NonCompliant_Request_Count",
                                                "DroppedInvalidHeaderRequestCount",
                                                "ForwardedInvalidHeaderRequestCount",
                                                "ELBAuthError",
                                                "ELBAuthFailure",
                                                "ELBAuthSuccess",
                                                "ELBAuthRefreshTokenSuccess",
                                                "ELBAuthUserClaimsSizeExceeded"};
constexpr std::string_view kTargetEvents[] = {
    "HTTPCode_Target_2XX_Count", "HTTPCode_Target_3XX_Count",  "HTTPCode_Target_4XX_Count",
    "HTTPCode_Target_5XX_Count", "TargetConnectionErrorCount", "TargetTLSNegotiationErrorCount"};
// With the target group as a dimension only.
constexpr std::string_view kGroupEvents[] = {"UnhealthyRoutingRequestCount",
                                             "NonStickyRequestCount"};

void application(Writer& out, const Dimensions& dimensions, const Change& own,
                 const Change& targets) {
  for (const std::string_view name : kBalancerEvents)
    out.events(std::string(name), dimensions, own.count(std::string(name)));
  for (const std::string_view name : kTargetEvents)
    out.events(std::string(name), dimensions, targets.count(std::string(name)));
  out.times("TargetResponseTime", dimensions, targets.times);
  out.times("ELBAuthLatency", dimensions, own.auth_times, true);
  if (const auto requests = own.count("RequestCount"); requests != 0) {
    out.events("RequestCount", dimensions, requests);
  } else {
    out.value("RequestCount", dimensions, 0);
  }
  out.nonzero("NewConnectionCount", dimensions, own.count("NewConnectionCount"));
  out.nonzero("ProcessedBytes", dimensions, own.count("ProcessedBytes"), "Bytes");
  out.nonzero("RuleEvaluations", dimensions, own.count("RuleEvaluations"));
  if (own.gauge("ActiveConnectionCount") > 0) {
    out.value("ActiveConnectionCount", dimensions,
              static_cast<double>(own.gauge("ActiveConnectionCount")));
  }
}

void application_group(Writer& out, const Dimensions& dimensions, const Change& change) {
  for (const std::string_view name : kTargetEvents)
    out.events(std::string(name), dimensions, change.count(std::string(name)));
  for (const std::string_view name : kGroupEvents)
    out.events(std::string(name), dimensions, change.count(std::string(name)));
  out.events("RequestCount", dimensions, change.count("RequestCount"));
  out.times("TargetResponseTime", dimensions, change.times);
}

void requests_per_target(Writer& out, const Dimensions& dimensions, const Change& change) {
  // Without a healthy target all of them count.
  const auto healthy = change.gauge("HealthyHostCount");
  const auto hosts = healthy > 0 ? healthy : change.gauge("RegisteredHostCount");
  if (hosts == 0) return;
  out.value("RequestCountPerTarget", dimensions,
            static_cast<double>(change.count("RequestCount")) / static_cast<double>(hosts));
}

void host_counts(Writer& out, const Dimensions& dimensions, const Change& change) {
  if (change.gauge("RegisteredHostCount") == 0) return;
  for (const std::string name : {"HealthyHostCount", "UnHealthyHostCount"})
    out.value(name, dimensions, static_cast<double>(change.gauge(name)));
}

void network(Writer& out, const Dimensions& dimensions, const Change& own) {
  out.value("ActiveFlowCount", dimensions,
            static_cast<double>(std::max<std::int64_t>(own.gauge("ActiveConnectionCount"), 0)));
  out.nonzero("NewFlowCount", dimensions, own.count("NewConnectionCount"));
  out.nonzero("ProcessedBytes", dimensions, own.count("ProcessedBytes"), "Bytes");
  for (const std::string name :
       {"TCP_Client_Reset_Count", "TCP_Target_Reset_Count", "TCP_ELB_Reset_Count",
        "ClientTLSNegotiationErrorCount", "TargetTLSNegotiationErrorCount"})
    out.events(name, dimensions, own.count(name));
}

// "app/web/50dc6c495c0c9188" of the ARN.
std::string name_in(const std::string& arn, std::string_view behind) {
  const auto at = arn.find(behind);
  return at == std::string::npos ? arn : arn.substr(at + behind.size());
}

// One load balancer: its zones, and those of its groups.
struct Balancer {
  std::map<std::string, Change> zones;
  std::map<std::string, std::map<std::string, Change>> groups;
};

Change total(const std::map<std::string, Change>& zones) {
  Change out;
  for (const auto& [zone, change] : zones) out.add(change);
  return out;
}

void write_balancer(const std::string& arn, const Balancer& balancer,
                    std::vector<MetricSample>& out) {
  const auto parsed = Arn::parse(arn);
  const std::string name = name_in(arn, ":loadbalancer/");
  const bool http = name.starts_with("app/");
  Writer writer(out, parsed ? Scope{parsed->account, parsed->region} : Scope{},
                http ? "AWS/ApplicationELB" : "AWS/NetworkELB");
  const Dimensions whole = {{"LoadBalancer", name}};
  std::map<std::string, Change> targets;  // of all groups, by zone
  for (const auto& [group, zones] : balancer.groups)
    for (const auto& [zone, change] : zones) targets[zone].add(change);

  const Change own = total(balancer.zones);
  if (http) {
    application(writer, whole, own, total(targets));
    writer.value("ConsumedLCUs", whole, consumed_units(own));
  } else {
    network(writer, whole, own);
  }
  for (const auto& [zone, change] : balancer.zones) {
    if (zone.empty()) continue;
    const Dimensions here = {{"AvailabilityZone", zone}, {"LoadBalancer", name}};
    http ? application(writer, here, change, targets[zone]) : network(writer, here, change);
  }
  for (const auto& [group_arn, zones] : balancer.groups) {
    const std::string group = "targetgroup/" + name_in(group_arn, ":targetgroup/");
    const Change all = total(zones);
    const Dimensions both = {{"TargetGroup", group}, {"LoadBalancer", name}};
    if (http) {
      application_group(writer, both, all);
      requests_per_target(writer, both, all);
      requests_per_target(writer, {{"TargetGroup", group}}, all);
    }
    host_counts(writer, both, all);
    for (const auto& [zone, change] : zones) {
      if (zone.empty()) continue;
      Dimensions here = both;
      here["AvailabilityZone"] = zone;
      if (http) {
        application_group(writer, here, change);
        requests_per_target(writer, here, change);
      }
      host_counts(writer, here, change);
    }
  }
}

}  // namespace

std::vector<MetricSample> take_samples(MetricsMark& mark,
                                       const std::vector<proxy::Metrics>& readings) {
  std::map<Series, Change> changes;
  std::set<std::string> seen;
  for (const proxy::Metrics& reading : readings) {
    seen.insert(reading.boot);
    std::map<Series, const proxy::CounterSet*> before;
    const auto known = mark.processes.find(reading.boot);
    if (known != mark.processes.end())
      for (const proxy::CounterSet& set : known->second.last.sets) before[series_of(set)] = &set;
    static const proxy::CounterSet kNothing;
    for (const proxy::CounterSet& set : reading.sets) {
      const auto last = before.find(series_of(set));
      Change change = change_of(last == before.end() ? kNothing : *last->second, set);
      if (reading.draining || reading.ended) {
        // Its targets are its successor's, too.
        for (const char* name : {"HealthyHostCount", "UnHealthyHostCount", "RegisteredHostCount"})
          change.gauges.erase(name);
        if (reading.ended) change.gauges.clear();
      }
      changes[series_of(set)].add(change);
    }
    if (reading.ended) {
      mark.processes.erase(reading.boot);
    } else {
      mark.processes[reading.boot] = {reading, 0};
    }
  }
  for (auto each = mark.processes.begin(); each != mark.processes.end();) {
    const bool missing = !seen.contains(each->first);
    each = missing && ++each->second.missed > kMostMissed ? mark.processes.erase(each)
                                                          : std::next(each);
  }
  std::map<std::string, Balancer> balancers;
  for (auto& [series, change] : changes) {
    const auto& [balancer, group, zone] = series;
    Balancer& of = balancers[balancer];
    (group.empty() ? of.zones : of.groups[group])[zone] = std::move(change);
  }
  std::vector<MetricSample> out;
  for (const auto& [arn, balancer] : balancers) write_balancer(arn, balancer, out);
  return out;
}

namespace {

// "HTTPCode_Target_2XX_Count" becomes "http_code_target_2xx".
std::string prometheus_name(std::string_view name) {
  if (name.ends_with("_Count")) name.remove_suffix(6);
  if (name.ends_with("Count")) name.remove_suffix(5);
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const auto c = static_cast<unsigned char>(name[i]);
    const bool begins =
        std::isupper(c) && i > 0 && name[i - 1] != '_' &&
        (std::islower(static_cast<unsigned char>(name[i - 1])) ||
         (i + 1 < name.size() && std::islower(static_cast<unsigned char>(name[i + 1]))));
    if (begins) out += '_';
    out += static_cast<char>(std::tolower(c));
  }
  return out;
}

}  // namespace

std::string prometheus_text(const proxy::Metrics& metrics) {
  std::map<std::string, std::string> lines;  // by metric, with its type line
  const auto add = [&](const std::string& metric, std::string_view type, std::string line) {
    std::string& text = lines[metric];
    if (text.empty()) text = fmt::format("# TYPE {} {}\n", metric, type);
    text += line;
  };
  for (const proxy::CounterSet& set : metrics.sets) {
    std::string labels = fmt::format("load_balancer=\"{}\",availability_zone=\"{}\"",
                                     name_in(set.load_balancer, ":loadbalancer/"), set.zone);
    std::string prefix = "landfall_elb_";
    if (!set.target_group.empty()) {
      labels += fmt::format(",target_group=\"{}\"", name_in(set.target_group, ":targetgroup/"));
      prefix = "landfall_elb_target_group_";
    }
    for (const auto& [name, value] : set.counters) {
      const std::string metric = prefix + prometheus_name(name) + "_total";
      add(metric, "counter", fmt::format("{}{{{}}} {}\n", metric, labels, value));
    }
    for (const auto& [name, value] : set.gauges) {
      const std::string metric = prefix + prometheus_name(name) + "s";
      add(metric, "gauge", fmt::format("{}{{{}}} {}\n", metric, labels, value));
    }
    const proxy::Distribution& times = set.target_response_time;
    if (set.target_group.empty() || times.count == 0) continue;
    const std::string metric = "landfall_elb_target_response_time_seconds";
    std::string text;
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < times.buckets.size(); ++i) {
      sum += times.buckets[i];
      // Powers of two are fine enough here.
      if (i % 4 != 3) continue;
      text += fmt::format("{}_bucket{{{},le=\"{}\"}} {}\n", metric, labels, upper_end_of(i), sum);
    }
    text += fmt::format(
        "{0}_bucket{{{1},le=\"+Inf\"}} {2}\n{0}_sum{{{1}}} {3:.6f}\n{0}_count{{{1}}} {2}\n", metric,
        labels, times.count, times.sum);
    add(metric, "histogram", text);
  }
  std::string out;
  for (const auto& [metric, text] : lines) out += text;
  out += "# TYPE landfall_elb_dropped_log_records_total counter\n";
  out += fmt::format("landfall_elb_dropped_log_records_total {}\n", metrics.dropped_log_records);
  return out;
}

}  // namespace landfall::elbv2
