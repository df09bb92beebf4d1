#include "services/ec2/endpoint_services.h"

#include <fmt/format.h>

namespace landfall::ec2 {

std::vector<EndpointService> endpoint_services(std::string_view region) {
  std::vector<EndpointService> out;
  const auto add = [&](std::string_view service, std::vector<std::string> hosts,
                       bool gateway = false, bool interface = true) {
    for (std::string& host : hosts) host += fmt::format(".{}.amazonaws.com", region);
    out.push_back({fmt::format("com.amazonaws.{}.{}", region, service), gateway, interface,
                   std::move(hosts)});
  };
  add("dynamodb", {"dynamodb"}, true, false);
  add("ec2", {"ec2"});
  add("ecr.api", {"api.ecr"});
  add("ecr.dkr", {"*.dkr.ecr"});
  add("ecs", {"ecs"});
  add("elasticloadbalancing", {"elasticloadbalancing"});
  add("kms", {"kms"});
  add("logs", {"logs"});
  add("monitoring", {"monitoring"});
  add("rds", {"rds"});
  add("s3", {"s3", "*.s3"}, true);
  add("secretsmanager", {"secretsmanager"});
  add("ssm", {"ssm"});
  add("sts", {"sts"});
  return out;
}

const EndpointService* find_service(const std::vector<EndpointService>& services,
                                    std::string_view name) {
  for (const EndpointService& service : services)
    if (service.name == name) return &service;
  return nullptr;
}

}  // namespace landfall::ec2
