#include "services/iam/holders.h"

namespace landfall::iam {
namespace {

void add(Holder& out, const Iam& iam, const EntityPolicies& policies, std::string_view kind,
         const std::string& name) {
  for (const auto& [policy, document] : policies.inline_policies) {
    out.policies.push_back(
        {{.holder_kind = std::string(kind), .holder = name, .name = policy}, document});
  }
  for (const std::string& arn : policies.attached) {
    // A policy that has vanished allows nothing.
    auto document = iam.managed_document(arn);
    out.policies.push_back(
        {{.managed_arn = arn, .holder_kind = std::string(kind), .holder = name, .name = {}},
         document.value_or("{}")});
  }
}

std::vector<std::pair<std::string, std::string>> pairs(const std::vector<TagRecord>& tags) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const TagRecord& tag : tags) out.emplace_back(tag.key, tag.value);
  return out;
}

std::optional<Holder> find_group_holder(const Iam& iam, const std::string& account,
                                        const std::string& group) {
  const auto row = iam.groups(account).get(key_of(group));
  if (!row) return {};
  Holder out;
  out.principal = {.account = account,
                   .arn = arn_of(account, "group", row->value.path, row->value.name),
                   .user_id = row->value.id,
                   .name = row->value.name};
  add(out, iam, row->value.policies, "group", row->value.name);
  return out;
}

}  // namespace

std::string PolicySource::id() const {
  return managed_arn.empty() ? fmt::format("{}_{}_{}", holder_kind, holder, name)
                             : std::string(last_part(managed_arn));
}

std::string PolicySource::text() const {
  return managed_arn.empty()
             ? fmt::format("the inline policy {} of {} {}", name, holder_kind, holder)
             : managed_arn;
}

std::optional<Holder> find_user_holder(const Iam& iam, const std::string& account,
                                       const std::string& user) {
  const auto row = iam.users(account).get(key_of(user));
  if (!row) return {};
  const UserRecord& record = row->value;
  Holder out;
  out.principal = {.kind = Principal::Kind::user,
                   .account = account,
                   .arn = arn_of(account, "user", record.path, record.name),
                   .user_id = record.id,
                   .name = record.name};
  add(out, iam, record.policies, "user", record.name);
  for (const std::string& name : record.groups) {
    if (const auto group = iam.groups(account).get(key_of(name))) {
      add(out, iam, group->value.policies, "group", group->value.name);
    }
  }
  out.boundary_arn = record.boundary;
  out.tags = pairs(record.tags);
  return out;
}

std::optional<Holder> find_role_holder(const Iam& iam, const std::string& account,
                                       const std::string& role) {
  const auto row = iam.roles(account).get(key_of(role));
  if (!row) return {};
  const RoleRecord& record = row->value;
  Holder out;
  out.principal = {.kind = Principal::Kind::assumed_role,
                   .account = account,
                   .user_id = record.id,
                   .name = record.name,
                   .role_arn = arn_of(account, "role", record.path, record.name)};
  add(out, iam, record.policies, "role", record.name);
  out.boundary_arn = record.boundary;
  out.tags = pairs(record.tags);
  return out;
}

std::optional<Holder> find_holder(const Iam& iam, const std::string& text) {
  const auto arn = Arn::parse(text);
  if (!arn || arn->service != "iam") return {};
  const std::string name(last_part(text));
  std::optional<Holder> found;
  if (arn->resource.starts_with("user/")) found = find_user_holder(iam, arn->account, name);
  if (arn->resource.starts_with("group/")) found = find_group_holder(iam, arn->account, name);
  if (arn->resource.starts_with("role/")) found = find_role_holder(iam, arn->account, name);
  if (!found) return {};
  // The path counts.
  const Principal& who = found->principal;
  const std::string& own = who.role_arn.empty() ? who.arn : who.role_arn;
  if (own != text) return {};
  return found;
}

}  // namespace landfall::iam
