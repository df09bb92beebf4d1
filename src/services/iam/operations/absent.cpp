// What Landfall's IAM users never have: console passwords, MFA devices, SSH keys, signing
// certificates. Clients ask for them before they delete a user; the truthful answer is that there
// are none.
//
// operations: ListMFADevices, ListVirtualMFADevices, ListSSHPublicKeys, ListSigningCertificates
// operations: ListServiceSpecificCredentials, ListServerCertificates
// operations: GetLoginProfile, DeleteLoginProfile, GetAccountPasswordPolicy
#include "services/iam/entities.h"

namespace landfall::iam {
namespace {

Result<void> check_user(const Iam& iam, const RequestContext& ctx,
                        const std::optional<std::string>& name) {
  if (name) LF_OK(need<UserKind>(iam, ctx.scope.account, *name));
  return {};
}

std::unexpected<Error> no_login_profile(const std::optional<std::string>& name) {
  return errors::no_such_entity(
      fmt::format("Login Profile for User {} cannot be found.", name.value_or("")));
}

}  // namespace

task<Result<ListMFADevicesResponse>> list_mfa_devices(Iam& iam, const RequestContext& ctx,
                                                      ListMFADevicesRequest in) {
  LF_CO_OK(check_user(iam, ctx, in.user_name));
  co_return ListMFADevicesResponse{.is_truncated = false};
}
task<Result<ListVirtualMFADevicesResponse>> list_virtual_mfa_devices(Iam&, const RequestContext&,
                                                                     ListVirtualMFADevicesRequest) {
  co_return ListVirtualMFADevicesResponse{.is_truncated = false};
}
task<Result<ListSSHPublicKeysResponse>> list_ssh_public_keys(Iam& iam, const RequestContext& ctx,
                                                             ListSSHPublicKeysRequest in) {
  LF_CO_OK(check_user(iam, ctx, in.user_name));
  co_return ListSSHPublicKeysResponse{.is_truncated = false};
}
task<Result<ListSigningCertificatesResponse>> list_signing_certificates(
    Iam& iam, const RequestContext& ctx, ListSigningCertificatesRequest in) {
  LF_CO_OK(check_user(iam, ctx, in.user_name));
  co_return ListSigningCertificatesResponse{.is_truncated = false};
}
task<Result<ListServiceSpecificCredentialsResponse>> list_service_specific_credentials(
    Iam& iam, const RequestContext& ctx, ListServiceSpecificCredentialsRequest in) {
  LF_CO_OK(check_user(iam, ctx, in.user_name));
  co_return ListServiceSpecificCredentialsResponse{.is_truncated = false};
}
task<Result<ListServerCertificatesResponse>> list_server_certificates(
    Iam&, const RequestContext&, ListServerCertificatesRequest) {
  co_return ListServerCertificatesResponse{.is_truncated = false};
}
task<Result<GetLoginProfileResponse>> get_login_profile(Iam& iam, const RequestContext& ctx,
                                                        GetLoginProfileRequest in) {
  LF_CO_OK(check_user(iam, ctx, in.user_name));
  co_return no_login_profile(in.user_name);
}
task<Result<DeleteLoginProfileResponse>> delete_login_profile(Iam& iam, const RequestContext& ctx,
                                                              DeleteLoginProfileRequest in) {
  LF_CO_OK(check_user(iam, ctx, in.user_name));
  co_return no_login_profile(in.user_name);
}
task<Result<GetAccountPasswordPolicyResponse>> get_account_password_policy(
    Iam&, const RequestContext& ctx, GetAccountPasswordPolicyRequest) {
  co_return errors::no_such_entity(
      fmt::format("The Password Policy with domain name {} cannot be found.", ctx.scope.account));
}

}  // namespace landfall::iam
