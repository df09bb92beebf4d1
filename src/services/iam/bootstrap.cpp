#include "services/iam/bootstrap.h"

#include "base/check.h"
#include "io/files.h"

namespace landfall::iam {
namespace {

std::string file_text(const RootCredentials& root) {
  return fmt::format(
      "# Root user of account {}: may do everything. Made by Landfall at its first start.\n"
      "[default]\n"
      "aws_access_key_id = {}\n"
      "aws_secret_access_key = {}\n",
      root.account, root.access_key_id, root.secret);
}

std::optional<AccessKeyRecord> root_key(const Iam& iam, const std::string& account) {
  for (const auto& row : iam.access_keys().list()) {
    if (row.value.account == account && row.value.user.empty() && row.value.active)
      return row.value;
  }
  return {};
}

}  // namespace

Result<RootCredentials> read_credentials_file(const std::filesystem::path& file) {
  LF_TRY(text, io::read_file(file, 64 << 10));
  RootCredentials out;
  const auto value_after = [&](std::string_view name) -> std::string {
    const std::size_t at = text.find(name);
    if (at == std::string::npos) return {};
    const std::size_t start = text.find_first_not_of(" =", at + name.size());
    if (start == std::string::npos) return {};
    return text.substr(start, text.find_first_of(" \r\n:", start) - start);
  };
  out.account = value_after("account");
  out.access_key_id = value_after("aws_access_key_id");
  out.secret = value_after("aws_secret_access_key");
  if (out.access_key_id.empty() || out.secret.empty()) {
    return fail("credentials-unreadable",
                fmt::format("{} holds no access key; remove it and restart the server to have it "
                            "written again",
                            file.string()));
  }
  return out;
}

task<Result<RootCredentials>> bootstrap(Iam& iam, std::filesystem::path file,
                                        std::string wanted_account) {
  RootCredentials root;
  if (const auto rows = iam.accounts().list(); !rows.empty()) {
    root.account = rows.front().id;
    if (!wanted_account.empty() && wanted_account != root.account) {
      co_return fail("account-differs",
                     fmt::format("this data folder belongs to account {}, not {}; leave out "
                                 "--account-id, or use another --data-dir",
                                 root.account, wanted_account));
    }
  } else {
    root.account = wanted_account;
    if (root.account.empty()) {
      root.account = std::to_string(1 + iam.random.below(9)) + iam.random.pick("0123456789", 11);
    }
    LF_CO_TRY(made, co_await iam.commit({{iam.accounts().absent(root.account)},
                                         {iam.accounts().put(root.account, {})}}));
    CHECK(made);  // nobody else writes yet
  }
  if (const auto held = root_key(iam, root.account)) {
    LF_CO_TRY(secret, iam.sealer.unseal(held->sealed_secret, "iam/access-key/" + held->id));
    root.access_key_id = held->id;
    root.secret = secret;
  } else {
    root.access_key_id = "AKIA" + iam.random.pick("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16);
    root.secret =
        iam.random.pick("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/+", 40);
    const AccessKeyRecord key{
        .id = root.access_key_id,
        .account = root.account,
        .sealed_secret = iam.sealer.seal(root.secret, "iam/access-key/" + root.access_key_id),
        .created = iam.clock.now()};
    LF_CO_TRY(made, co_await iam.commit({{iam.access_keys().absent(key.id)},
                                         {iam.access_keys().put(key.id, key)}}));
    CHECK(made);
  }
  // The store is the truth: a file that says something else, or nothing, is written anew.
  const auto told = read_credentials_file(file);
  if (!told || told->access_key_id != root.access_key_id || told->secret != root.secret) {
    LF_CO_OK(io::write_file(file, file_text(root), 0600));
  }
  co_return root;
}

}  // namespace landfall::iam
