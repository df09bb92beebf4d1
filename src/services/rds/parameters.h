// DB parameters: what there is, what a group sets, and what of it an instance's server has now.
//
// A static parameter, and a dynamic one set with ApplyMethod "pending-reboot", waits for the next
// start of the server. So does everything after the instance got another group.
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_WorkingWithParamGroups.html
#pragma once

#include "host/postgres/catalogue.h"
#include "services/rds/service.h"

namespace landfall::rds {

using ParameterValues = std::map<std::string, std::string>;

struct ParameterFacts {
  host::PostgresSetting setting;
  bool modifiable = false;
  std::string standard;  // our default, where it is another than the engine's; may be a formula
  bool ours_to_check = false;  // the engine does not know it before its library is loaded
  bool is_static() const { return setting.context == "postmaster"; }
  // "1-100", "0,1"; empty: anything.
  std::string allowed_values() const;
  std::string data_type() const;  // "boolean", "integer", "float", "string"
};

using ParameterCatalogue = std::map<std::string, ParameterFacts>;

// Of a family, "postgres16": of its newest installed version. Error InvalidParameterValue.
task<Result<std::shared_ptr<const ParameterCatalogue>>> parameter_catalogue(Rds& rds,
                                                                            std::string family);

// Is `value` one that the parameter may have? Error InvalidParameterValue in AWS's words.
task<Result<void>> check_parameter(Rds& rds, std::string family, ParameterFacts facts,
                                   std::string value);

// The group's record; none for the default groups.
std::optional<DbParameterGroup> find_parameter_group(Rds& rds, const DbInstance& instance);

// Everything that is not the engine's default. `group`: what find_parameter_group says.
ParameterValues values_at_start(const DbInstance& instance,
                                const std::optional<DbParameterGroup>& group);
// What the running server should have, which was started with instance.started_parameters.
ParameterValues values_now(const DbInstance& instance,
                           const std::optional<DbParameterGroup>& group);
// "in-sync" or "pending-reboot".
std::string apply_status(const DbInstance& instance, const std::optional<DbParameterGroup>& group);

// Our defaults for a version, formulas not evaluated.
ParameterValues standard_values(std::string_view version);

}  // namespace landfall::rds
