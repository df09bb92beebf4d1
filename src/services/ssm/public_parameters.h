// Public parameters: what AWS publishes below /aws/service/ for everybody. Here, what is true of
// this installation: its regions, their zones and its services. Machine images are not among them.
// https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-public-parameters.html
#pragma once

#include "services/ssm/records.h"

namespace landfall::ssm {

inline constexpr std::string_view kPublicPath = "/aws/service/";

struct Region {
  std::string name;
  std::vector<std::string> zone_ids;
};

class PublicParameters {
 public:
  // `services`: as their endpoints are called ("ecs"). `since`: when all of it was said last.
  PublicParameters(const std::vector<Region>& regions, const std::vector<std::string>& services,
                   TimePoint since);
  PublicParameters() = default;  // none

  const ParameterRecord* find(const std::string& name) const;
  // By name.
  const std::map<std::string, ParameterRecord>& all() const { return parameters_; }

 private:
  std::map<std::string, ParameterRecord> parameters_;
};

}  // namespace landfall::ssm
