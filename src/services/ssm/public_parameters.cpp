#include "services/ssm/public_parameters.h"

namespace landfall::ssm {
namespace {

using Names = std::map<std::string_view, std::string_view>;

const Names kRegionNames = {
    {"ap-northeast-1", "Asia Pacific (Tokyo)"},
    {"ap-northeast-2", "Asia Pacific (Seoul)"},
    {"ap-northeast-3", "Asia Pacific (Osaka)"},
    {"ap-south-1", "Asia Pacific (Mumbai)"},
    {"ap-southeast-1", "Asia Pacific (Singapore)"},
    {"ap-southeast-2", "Asia Pacific (Sydney)"},
    {"ca-central-1", "Canada (Central)"},
    {"eu-central-1", "Europe (Frankfurt)"},
    {"eu-north-1", "Europe (Stockholm)"},
    {"eu-west-1", "Europe (Ireland)"},
    {"eu-west-2", "Europe (London)"},
    {"eu-west-3", "Europe (Paris)"},
    {"sa-east-1", "South America (Sao Paulo)"},
    {"us-east-1", "US East (N. Virginia)"},
    {"us-east-2", "US East (Ohio)"},
    {"us-west-1", "US West (N. California)"},
    {"us-west-2", "US West (Oregon)"},
};

const Names kServiceNames = {
    {"acm", "AWS Certificate Manager"},
    {"application-autoscaling", "AWS Application Auto Scaling"},
    {"cloudwatch", "Amazon CloudWatch"},
    {"ec2", "Amazon Elastic Compute Cloud (EC2)"},
    {"ecr", "Amazon Elastic Container Registry (ECR)"},
    {"ecs", "Amazon Elastic Container Service (ECS)"},
    {"elb", "Elastic Load Balancing"},
    {"iam", "AWS Identity and Access Management (IAM)"},
    {"kms", "AWS Key Management Service"},
    {"logs", "Amazon CloudWatch Logs"},
    {"rds", "Amazon Relational Database Service (RDS)"},
    {"route53", "Amazon Route 53"},
    {"secretsmanager", "AWS Secrets Manager"},
    {"sns", "Amazon Simple Notification Service (SNS)"},
    {"ssm", "AWS Systems Manager"},
    {"sts", "AWS Security Token Service (STS)"},
};

// How the list of services calls those whose endpoint has another name.
std::string_view public_name(std::string_view endpoint) {
  if (endpoint == "elasticloadbalancing") return "elb";
  if (endpoint == "monitoring") return "cloudwatch";
  return endpoint;
}

}  // namespace

PublicParameters::PublicParameters(const std::vector<Region>& regions,
                                   const std::vector<std::string>& services, TimePoint since) {
  const std::string base = fmt::format("{}global-infrastructure/", kPublicPath);
  const auto add = [&](std::string name, std::string_view value) {
    ParameterRecord parameter{.name = base + name};
    VersionRecord version;
    version.type = "String";
    version.value = value;
    version.modified = since;
    parameter.versions.push_back(std::move(version));
    parameters_.emplace(parameter.name, std::move(parameter));
  };
  const auto add_name = [&](const Names& names, std::string_view key, std::string below) {
    if (const auto found = names.find(key); found != names.end()) add(below, found->second);
  };
  for (const Region& region : regions) {
    const std::string below = "regions/" + region.name;
    add(below, region.name);
    add(below + "/partition", "aws");
    add_name(kRegionNames, region.name, below + "/longName");
    for (const std::string& zone : region.zone_ids) {
      add(below + "/availability-zones/" + zone, zone);
      add("availability-zones/" + zone, zone);
    }
  }
  for (const std::string& endpoint : services) {
    const std::string name(public_name(endpoint));
    add("services/" + name, name);
    add_name(kServiceNames, name, "services/" + name + "/longName");
    for (const Region& region : regions) {
      add(fmt::format("services/{}/regions/{}", name, region.name), region.name);
      add(fmt::format("regions/{}/services/{}", region.name, name), name);
    }
  }
}

const ParameterRecord* PublicParameters::find(const std::string& name) const {
  const auto found = parameters_.find(name);
  return found == parameters_.end() ? nullptr : &found->second;
}

}  // namespace landfall::ssm
