// A snapshot made ready for use: rules compiled, groups and targets joined with their lasting
// state. Immutable; all threads read the same one.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "proxy/config.h"
#include "proxy/engine/header_edits.h"
#include "proxy/protocol.h"
#include "proxy/rules/condition.h"
#include "proxy/rules/transform.h"
#include "proxy/state/counters.h"
#include "proxy/state/namespace.h"
#include "proxy/state/targets.h"

namespace landfall::proxy {

class TlsContexts;
class CookieSeal;
class Gate;
class OidcGate;
class GateKeeper;
class AccessLog;
class ConnectionLog;
class HealthCheckLog;
class LogSource;
class LogWriter;

// What a load balancer keeps beyond its snapshots.
struct BalancerState {
  explicit BalancerState(unsigned threads) : tally(threads) {}
  // The number of a zone in the tallies; given once, as counters outlive configurations.
  unsigned zone(const std::string& name);

  Tally tally;
  // Only for who applies configurations and reads metrics.
  std::vector<std::string> zones;
  std::map<std::string, std::shared_ptr<Tally>> groups;  // by target group id
};

struct CompiledGroup {
  TargetGroup spec;
  std::shared_ptr<GroupState> state;
  // Deregistered targets that may still finish what is in flight: until when, unix ms.
  std::vector<std::pair<std::shared_ptr<TargetState>, std::int64_t>> draining;
  std::vector<std::shared_ptr<TargetState>> registered;
  std::uint64_t digest = 0;  // in cookies
  bool tls = false;          // to the targets
  bool used = false;         // some rule forwards to it
};

struct CompiledAction {
  Action spec;
  struct Choice {
    const CompiledGroup* group;
    std::shared_ptr<Tally> tally;  // of the group under this load balancer
    unsigned upto;                 // cumulative weight
  };
  std::vector<Choice> choices;  // of those with a weight
  unsigned total_weight = 0;
  std::shared_ptr<const Gate> gate;  // absent: everybody may pass
  const CompiledGroup* find(std::string_view group_id) const;
};

struct CompiledRule {
  int priority = 0;
  std::vector<CompiledCondition> conditions;
  CompiledAction action;
  std::unique_ptr<const CompiledTransforms> transforms;  // absent: none
};

struct CompiledBalancer {
  LoadBalancer spec;  // without listeners
  std::shared_ptr<BalancerState> state;
  std::shared_ptr<AccessLog> access_log;                            // absent: off
  std::shared_ptr<ConnectionLog> connection_log;                    // absent: off
  std::shared_ptr<HealthCheckLog> health_check_log;                 // absent: off
  std::vector<std::shared_ptr<const NetworkNamespace>> namespaces;  // per node
  std::vector<unsigned> zones;                                      // per node, its number
  std::vector<std::pair<const CompiledGroup*, std::shared_ptr<Tally>>> groups;  // in use
};

struct CompiledListener {
  Listener spec;
  std::uint32_t slot = 0;
  const CompiledBalancer* balancer = nullptr;
  std::vector<CompiledRule> rules;
  std::vector<std::shared_ptr<const OidcGate>> logins;  // of its rules
  std::shared_ptr<TlsContexts> tls;
  bool secure = false;                                      // https or tls
  bool pass_through = false;                                // tcp or tls: no HTTP
  std::unique_ptr<const ResponseEdits> response_edits;      // absent: none
  std::unique_ptr<const ReservedHeaders> reserved_headers;  // absent: none
};

struct CompiledConfig {
  Snapshot snapshot;
  std::vector<std::unique_ptr<CompiledBalancer>> balancers;
  std::map<std::string, std::unique_ptr<CompiledGroup>> groups;
  // By the slot that the registry gave the listener's id; holes are null.
  std::vector<std::unique_ptr<CompiledListener>> listeners;
  std::shared_ptr<const CookieSeal> seal;
  std::vector<ListenerProblem> problems;

  const CompiledListener* listener(std::uint32_t slot) const {
    return slot < listeners.size() ? listeners[slot].get() : nullptr;
  }
};

// Finds again what earlier snapshots made. Used by one thread.
class Registry {
 public:
  explicit Registry(unsigned threads);
  ~Registry();

  // Error "snapshot-invalid": a rule names a group that is not there, two things have one id.
  // Listeners that cannot be used are left out and named in `problems`.
  Result<std::shared_ptr<const CompiledConfig>> compile(Snapshot snapshot);

  unsigned threads() const { return threads_; }
  // Ends the calls to identity providers; before the workers stop.
  void stop_calls();

 private:
  Result<void> add_groups(CompiledConfig& out);
  Result<void> add_balancer(CompiledConfig& out, LoadBalancer& spec);
  Result<std::unique_ptr<CompiledListener>> compile_listener(CompiledConfig& out,
                                                             CompiledBalancer& balancer,
                                                             Listener spec);
  Result<CompiledAction> compile_action(CompiledConfig& out, CompiledBalancer& balancer,
                                        const Action& spec);
  Result<std::shared_ptr<const CookieSeal>> cookie_seal(const std::string& key_text);
  std::uint32_t slot_of(const std::string& listener_id);
  void open_logs(CompiledBalancer& balancer);
  // The one that `spec` had before, if its files go to the same place.
  template <class Log, class... More>
  std::shared_ptr<Log> open_log(const CompiledBalancer& balancer, const LogPlace& place,
                                std::map<std::string, std::shared_ptr<Log>>& known, More... more);

  unsigned threads_;
  std::map<std::string, std::uint32_t> listener_slots_;
  std::map<std::string, std::shared_ptr<BalancerState>> balancers_;
  std::map<std::string, std::shared_ptr<GroupState>> groups_;
  // By group, target id, address and port.
  std::map<std::string, std::shared_ptr<TargetState>> targets_;
  std::map<std::string, std::shared_ptr<const NetworkNamespace>> namespaces_;
  std::unique_ptr<LogWriter> log_writer_;
  std::map<std::string, std::shared_ptr<AccessLog>> access_logs_;
  std::map<std::string, std::shared_ptr<ConnectionLog>> connection_logs_;
  std::map<std::string, std::shared_ptr<HealthCheckLog>> health_check_logs_;
  std::string random_cookie_key_;
  std::unique_ptr<GateKeeper> gate_keeper_;
};

}  // namespace landfall::proxy
