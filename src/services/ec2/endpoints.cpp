#include "services/ec2/endpoints.h"

#include "base/bytes.h"

namespace landfall::ec2 {
namespace {

// "com.amazonaws.us-west-1.ecr.api" -> "ecr.api"
std::string_view short_name(std::string_view service, std::string_view region) {
  return service.substr(std::string_view("com.amazonaws.").size() + region.size() + 1);
}

}  // namespace

std::vector<std::string> endpoint_names(const Tables& tables, const EndpointRecord& endpoint) {
  const std::string& region = tables.scope.region;
  std::string service(short_name(endpoint.service, region));
  // "ecr.api" is api.ecr in names.
  if (const auto dot = service.find('.'); dot != service.npos)
    service = service.substr(dot + 1) + "." + service.substr(0, dot);
  const std::string first = fmt::format("{}-{}", endpoint.id, sha256_hex(endpoint.id).substr(0, 8));
  const std::string rest = fmt::format("{}.{}.vpce.amazonaws.com", service, region);
  std::vector<std::string> out = {fmt::format("{}.{}", first, rest)};
  for (const EndpointSubnetRecord& place : endpoint.subnets)
    out.push_back(fmt::format("{}-{}.{}", first, place.zone, rest));
  return out;
}

std::string endpoint_policy() {
  return R"({"Version":"2008-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]})";
}

}  // namespace landfall::ec2
