// The services that a VPC endpoint can lead to: those that answer on Landfall's API.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace landfall::ec2 {

struct EndpointService {
  std::string name;      // "com.amazonaws.us-west-1.logs"
  bool gateway = false;  // has gateway endpoints
  bool interface = true;
  // What the endpoint's addresses are known by inside the VPC with private DNS; "*." is any label.
  std::vector<std::string> private_names;
};

std::vector<EndpointService> endpoint_services(std::string_view region);
// Null: no such service.
const EndpointService* find_service(const std::vector<EndpointService>& services,
                                    std::string_view name);

}  // namespace landfall::ec2
