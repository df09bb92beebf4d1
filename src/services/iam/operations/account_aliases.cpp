// operations: CreateAccountAlias, DeleteAccountAlias, ListAccountAliases
#include "services/iam/entities.h"

namespace landfall::iam {
namespace {

constexpr const char* kAlias = "alias";  // in the account's record

using Facts = std::map<std::string, std::string>;
using Change = std::function<Result<bool>(Facts&)>;

}  // namespace

// An account has one alias: a new one takes the place of the old.
task<Result<CreateAccountAliasResponse>> create_account_alias(Iam& iam, const RequestContext& ctx,
                                                              CreateAccountAliasRequest in) {
  const auto accounts = iam.accounts();
  for (const auto& row : accounts.list()) {
    const auto alias = row.value.find(kAlias);
    if (alias != row.value.end() && alias->second == in.account_alias) {
      co_return errors::entity_already_exists(
          fmt::format("The account alias {} already exists.", in.account_alias));
    }
  }
  const Change set = [alias = in.account_alias](Facts& facts) -> Result<bool> {
    facts[kAlias] = alias;
    return true;
  };
  LF_CO_OK(co_await iam.update(accounts, ctx.scope.account, set));
  co_return CreateAccountAliasResponse{};
}

task<Result<DeleteAccountAliasResponse>> delete_account_alias(Iam& iam, const RequestContext& ctx,
                                                              DeleteAccountAliasRequest in) {
  const Change erase = [alias = in.account_alias](Facts& facts) -> Result<bool> {
    const auto found = facts.find(kAlias);
    if (found == facts.end() || found->second != alias) {
      return errors::no_such_entity(
          fmt::format("The account alias with name {} cannot be found.", alias));
    }
    facts.erase(found);
    return true;
  };
  LF_CO_OK(co_await iam.update(iam.accounts(), ctx.scope.account, erase));
  co_return DeleteAccountAliasResponse{};
}

task<Result<ListAccountAliasesResponse>> list_account_aliases(Iam& iam, const RequestContext& ctx,
                                                              ListAccountAliasesRequest) {
  ListAccountAliasesResponse out{.is_truncated = false};
  out.account_aliases.present = true;
  const auto row = iam.accounts().get(ctx.scope.account);
  if (row && row->value.contains(kAlias)) out.account_aliases.push_back(row->value.at(kAlias));
  co_return out;
}

}  // namespace landfall::iam
