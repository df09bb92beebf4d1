// What a task's programs may ask of the machine they run on, at 169.254.170.2 in their VPC: the
// credentials of the task's role, and metadata about the task.
// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4-fargate.html
// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html
//
// Who asks is told by the network, as on AWS: the VPC that the connection came in at and the
// address it came from. A task gets answers about itself alone, even when it knows another's path.
#pragma once

#include <map>

#include "http/server.h"
#include "services/ecs/fargate.h"

namespace landfall::ecs {

class Agent {
 public:
  explicit Agent(Fargate& fargate);

  // To be given to ec2::Port::add_listener.
  ec2::VpcListener listener();
  task<void> stop() { return server_.stop(Millis(200)); }

  // One request that came from `address` inside `vpc_id`.
  task<http::Response> answer(std::string vpc_id, std::string address, std::string path);

 private:
  struct Asker {
    Scope scope;
    store::Row<TaskRecord> row;
    const TaskRecord& task() const { return row.value; }
  };
  struct Issued {
    iam::RoleCredentials credentials;
    TimePoint renew_at{};
  };

  task<void> handle(http::Request request, http::ResponseWriter& out);
  std::optional<Asker> find_asker(const std::string& vpc_id, const std::string& address);
  std::optional<Asker> read(const std::string& key) const;
  task<http::Response> credentials(Asker asker);
  http::Response metadata(const Asker& asker, const TaskContainer& container,
                          std::string_view what);

  Fargate& fargate_;
  http::Server server_;
  std::map<std::string, std::string> vpcs_;  // network namespace -> VPC
  // Where a task was seen last, by VPC and address: the store's key. Checked at every use.
  std::map<std::pair<std::string, std::string>, std::string> seen_;
  std::map<std::string, Issued> issued_;  // by task id
};

}  // namespace landfall::ecs
