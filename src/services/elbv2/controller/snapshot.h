// The proxy's configuration, from the records: a pure function.
#pragma once

#include <memory>

#include "proxy/config.h"
#include "services/elbv2/published.h"
#include "services/elbv2/records.h"

namespace landfall::elbv2 {

// Everything of one account and region that a configuration is made of.
struct Inventory {
  std::vector<LoadBalancerRecord> load_balancers;
  std::vector<ListenerRecord> listeners;
  std::vector<RuleRecord> rules;
  std::vector<TargetGroupRecord> target_groups;
  std::map<std::string, std::vector<TargetRecord>> targets;  // by target group id
  // By interface id: network namespaces of the interfaces that are in the kernel.
  std::map<std::string, std::string> namespaces;
  // By ARN: what acm::Port gave; a listener whose certificate is missing is left out.
  std::map<std::string, proxy::Certificate> certificates;
  // By ARN: authorities and revocation files of the trust stores in use.
  std::map<std::string, proxy::MutualTls> trust_stores = {};
  // Which listeners answer at addresses of the host as well.
  std::vector<Published> published = {};
};

struct LogFolders {
  std::string buckets;     // a folder for each bucket
  std::string unfinished;  // for files that are being written
};

// Adds the inventory's load balancers that have nodes, and the target groups they forward to.
void add_to_snapshot(proxy::Snapshot& snapshot, const Inventory& inventory, const LogFolders& logs);

// Where the files of a load balancer's log go: "access_logs" or "connection_logs". They have the
// names and the places in their bucket that AWS gives them. Off: empty.
proxy::LogPlace log_place(const LogFolders& folders, const LoadBalancerRecord& balancer,
                          std::string_view kind);

// Headers and the idle timeout.
void read_listener_attributes(const ListenerRecord& record, proxy::Listener& out);

proxy::Condition to_proxy(const RuleCondition& condition);
proxy::Transform to_proxy(const RuleTransform& transform);
proxy::Action to_proxy(const wire::List<Action>& actions);

}  // namespace landfall::elbv2
