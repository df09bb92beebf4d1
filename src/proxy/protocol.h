// The control protocol between `landfall serve` and `landfall proxy`, over the unix socket
// <data folder>/proxy/control (mode 0600).
//
// A frame is a length, 4 bytes little-endian, then so many bytes of JSON. A client sends one
// request and reads one answer; a connection carries any number of these pairs.
//
//   request   {"operation": "apply", "snapshot": {...}}
//   answer    {"problem": {"code": ..., "message": ...}}   or the members of the operation's answer
//
//   apply          snapshot          -> Applied       replaces the configuration
//   target-health  -                 -> HealthReport
//   metrics        -                 -> Metrics
//   status         -                 -> Status
//   stop           seconds           -> Status        drains so long at most, then ends
//   take-over      -                 -> Handover, with the listening sockets as SCM_RIGHTS; the
//                                       answering process then drains and ends
//
// Operations this proxy does not know answer the problem "unknown-operation".
#pragma once

#include <map>

#include "io/files.h"
#include "proxy/config.h"

namespace landfall::proxy {

// A listener that could not be opened as asked; the rest of the snapshot is in force.
struct ListenerProblem {
  std::string listener;
  std::string code;  // "address-in-use", "certificate-invalid", "errno-ENETUNREACH", ...
  std::string message;
};
LF_RECORD(ListenerProblem, listener, code, message)

struct Applied {
  std::int64_t revision = 0;
  std::vector<ListenerProblem> problems;
};
LF_RECORD(Applied, revision, problems)

// AWS's states and reason codes (DescribeTargetHealth).
struct TargetHealth {
  std::string group;
  std::string target;  // Target::id
  std::uint16_t port = 0;
  std::string state;        // initial, healthy, unhealthy, unused, draining, unavailable
  std::string reason;       // "Target.Timeout"; empty when healthy
  std::string description;  // "Request timed out"
  std::int64_t since_ms = 0;
};
LF_RECORD(TargetHealth, group, target, port, state, reason, description, since_ms)

struct HealthReport {
  std::int64_t revision = 0;
  std::vector<TargetHealth> targets;
};
LF_RECORD(HealthReport, revision, targets)

// A distribution: for averages, extremes and percentiles.
struct Distribution {
  std::uint64_t count = 0;
  double sum = 0;
  // Per bucket i the number of samples in [2^(i/4), 2^((i+1)/4)) microseconds; trailing zeros are
  // left out.
  std::vector<std::uint64_t> buckets;
};
LF_RECORD(Distribution, count, sum, buckets)

// Counters since the proxy began, by CloudWatch name ("RequestCount"). A reader keeps the previous
// reading and takes the difference; another `boot` means that they began anew.
struct CounterSet {
  std::string load_balancer;
  std::string target_group;  // empty: the load balancer's own
  // Of the node that the client came to, of gauges about targets the target's. Empty: of targets
  // that are in no zone.
  std::string zone;
  std::map<std::string, std::uint64_t> counters;
  std::map<std::string, std::int64_t> gauges;  // ActiveConnectionCount, HealthyHostCount, ...
  Distribution target_response_time;           // seconds in `sum`
  Distribution auth_latency;                   // likewise: questions to identity providers
};
LF_RECORD(CounterSet, load_balancer, target_group, zone, counters, gauges, target_response_time,
          auth_latency)

struct Metrics {
  std::string boot;
  std::int64_t revision = 0;
  std::vector<CounterSet> sets;
  std::uint64_t dropped_log_records = 0;
  // Of a process whose successor answers on the control socket; it finishes what it began.
  bool draining = false;
  bool ended = false;  // these are its last words
};
LF_RECORD(Metrics, boot, revision, sets, dropped_log_records, draining, ended)

struct Status {
  std::string version;
  std::string boot;
  int pid = 0;
  std::int64_t revision = 0;  // of the snapshot in force; 0: none
  bool draining = false;
  std::int64_t connections = 0;
};
LF_RECORD(Status, version, boot, pid, revision, draining, connections)

// What a new binary receives: the configuration, and for each listening socket, in the order of the
// descriptors, where it listens.
struct HandedSocket {
  std::string network_namespace;
  std::string address;
  std::uint16_t port = 0;
};
LF_RECORD(HandedSocket, network_namespace, address, port)

struct Handover {
  Snapshot snapshot;
  std::vector<TargetHealth> health;  // so that nothing starts as `initial` again
  std::vector<HandedSocket> sockets;
};
LF_RECORD(Handover, snapshot, health, sockets)

struct ControlRequest {
  std::string operation;
  std::optional<Snapshot> snapshot;
  int seconds = 0;
};
LF_RECORD(ControlRequest, operation, snapshot, seconds)

struct Problem {
  std::string code;
  std::string message;
};
LF_RECORD(Problem, code, message)

struct ControlAnswer {
  std::optional<Problem> problem;
  std::optional<Applied> applied;
  std::optional<HealthReport> health;
  std::optional<Metrics> metrics;
  std::optional<Status> status;
  std::optional<Handover> handover;
};
LF_RECORD(ControlAnswer, problem, applied, health, metrics, status, handover)

inline constexpr std::size_t kFrameLimit = 256 << 20;
inline constexpr std::size_t kDescriptorsPerMessage = 128;

// Blocking, for sockets with send and receive timeouts. Errors: "timeout", "closed",
// "frame-too-large", errno-*.
Result<void> write_frame(int socket, std::string_view text);
Result<std::string> read_frame(int socket);
// The listening sockets of a hand-over follow its frame.
Result<void> write_descriptors(int socket, const std::vector<int>& descriptors);
Result<std::vector<io::Fd>> read_descriptors(int socket, std::size_t count);
// A connection to the control socket whose every wait ends after `timeout`. Error: "not-running".
Result<io::Fd> connect_control(const std::filesystem::path& socket_path, Millis timeout);

}  // namespace landfall::proxy
