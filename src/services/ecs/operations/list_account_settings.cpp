// operations: ListAccountSettings, PutAccountSetting, PutAccountSettingDefault
// operations: DeleteAccountSetting
#include "base/bytes.h"
#include "services/ecs/service.h"
#include "wire/ecs/errors.h"
#include "wire/ecs/operations.h"

namespace landfall::ecs {
namespace {

// What holds here, and the only values that do: long ARNs and one interface per task are how
// Landfall works.
const std::map<std::string, std::string>& fixed_settings() {
  static const std::map<std::string, std::string> kSettings = {
      {"awsvpcTrunking", "disabled"},
      {"containerInsights", "disabled"},
      {"containerInstanceLongArnFormat", "enabled"},
      {"dualStackIPv6", "disabled"},
      {"fargateFIPSMode", "disabled"},
      {"fargateTaskRetirementWaitPeriod", "7"},
      {"guardDutyActivate", "off"},
      {"serviceLongArnFormat", "enabled"},
      {"tagResourceAuthorization", "on"},
      {"taskLongArnFormat", "enabled"},
  };
  return kSettings;
}

Result<Setting> put(const std::string& name, const std::string& value,
                    const std::string& principal) {
  const auto known = fixed_settings().find(name);
  if (known == fixed_settings().end())
    return errors::invalid_parameter(fmt::format("There is no account setting '{}'.", name));
  if (value != known->second)
    return errors::invalid_parameter(
        fmt::format("Setting {} to '{}' is not supported: it is always '{}' here.", name, value,
                    known->second));
  return Setting{name, value, principal, "user"};
}

std::string principal_of(const RequestContext& ctx, const std::optional<std::string>& asked) {
  return asked.value_or(ctx.principal.arn);
}

}  // namespace

task<Result<ListAccountSettingsResponse>> list_account_settings(Ecs&, const RequestContext& ctx,
                                                                ListAccountSettingsRequest in) {
  ListAccountSettingsResponse out;
  out.settings.present = true;
  for (const auto& [name, value] : fixed_settings()) {
    if ((in.name && *in.name != name) || (in.value && *in.value != value)) continue;
    out.settings.push_back({name, value, principal_of(ctx, in.principal_arn), "user"});
  }
  co_return out;
}

task<Result<PutAccountSettingResponse>> put_account_setting(Ecs&, const RequestContext& ctx,
                                                            PutAccountSettingRequest in) {
  LF_CO_TRY(setting, put(in.name, in.value, principal_of(ctx, in.principal_arn)));
  co_return PutAccountSettingResponse{setting};
}

task<Result<PutAccountSettingDefaultResponse>> put_account_setting_default(
    Ecs&, const RequestContext& ctx, PutAccountSettingDefaultRequest in) {
  LF_CO_TRY(setting,
            put(in.name, in.value, Arn{"aws", "iam", "", ctx.scope.account, "root"}.str()));
  co_return PutAccountSettingDefaultResponse{setting};
}

task<Result<DeleteAccountSettingResponse>> delete_account_setting(Ecs&, const RequestContext& ctx,
                                                                  DeleteAccountSettingRequest in) {
  const auto known = fixed_settings().find(in.name);
  if (known == fixed_settings().end())
    co_return errors::invalid_parameter(fmt::format("There is no account setting '{}'.", in.name));
  co_return DeleteAccountSettingResponse{
      Setting{known->first, known->second, principal_of(ctx, in.principal_arn), "user"}};
}

}  // namespace landfall::ecs
