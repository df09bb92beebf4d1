#include "services/iam/entities.h"

#include "base/bytes.h"
#include "services/iam/policy/document.h"

namespace landfall::iam {
namespace {

constexpr std::size_t kMostTags = 50;

std::optional<AttachedPermissionsBoundary> to_boundary(const std::string& arn) {
  if (arn.empty()) return {};
  return AttachedPermissionsBoundary{.permissions_boundary_type = "Policy",
                                     .permissions_boundary_arn = arn};
}

bool principal_exists(const Iam& iam, const std::string& name) {
  const auto arn = Arn::parse(name);
  if (!arn || arn->service != "iam" || !iam.accounts().get(arn->account)) return true;
  const std::string key = key_of(last_part(name));
  if (arn->resource.starts_with("user/")) {
    const auto row = iam.users(arn->account).get(key);
    return row && arn_of(arn->account, "user", row->value.path, row->value.name) == name;
  }
  if (arn->resource.starts_with("role/")) {
    const auto row = iam.roles(arn->account).get(key);
    return row && arn_of(arn->account, "role", row->value.path, row->value.name) == name;
  }
  return arn->resource == "root";
}

}  // namespace

std::unexpected<Error> no_such(std::string_view kind, std::string_view name) {
  if (kind == "instance profile") {
    return errors::no_such_entity(fmt::format("Instance Profile {} cannot be found.", name));
  }
  return errors::no_such_entity(fmt::format("The {} with name {} cannot be found.", kind, name));
}

std::string encoded_document(std::string_view document) { return percent_encode(document); }

std::size_t document_size(std::string_view document) {
  return std::size_t(std::ranges::count_if(
      document, [](char c) { return c != ' ' && c != '\n' && c != '\r' && c != '\t'; }));
}

Result<void> check_identity_document(const std::string& document) {
  LF_OK(policy::Document::parse(document, policy::DocumentKind::identity));
  return {};
}

Result<void> check_trust_document(const Iam& iam, const std::string& document) {
  LF_TRY(parsed, policy::Document::parse(document, policy::DocumentKind::trust));
  for (const policy::Statement& statement : parsed->statements()) {
    if (!statement.principal) continue;
    for (const std::string& name : statement.principal->aws) {
      if (!principal_exists(iam, name)) {
        return errors::malformed_policy_document(
            fmt::format("Invalid principal in policy: \"AWS\":\"{}\"", name));
      }
    }
  }
  return {};
}

Result<void> check_tags(const wire::List<Tag>& tags, std::size_t held) {
  if (tags.size() + held > kMostTags) {
    return errors::limit_exceeded("The number of tags has reached the maximum limit.");
  }
  std::set<std::string> seen;
  for (const Tag& tag : tags) {
    if (tag.key.starts_with("aws:")) {
      return errors::invalid_input("Tag keys must not start with aws:.");
    }
    if (!seen.insert(key_of(tag.key)).second) {
      return errors::invalid_input(
          "Duplicate tag keys found. Please note that Tag keys are case insensitive.");
    }
  }
  return {};
}

std::vector<TagRecord> to_records(const wire::List<Tag>& tags) {
  std::vector<TagRecord> out;
  for (const Tag& tag : tags) out.push_back({tag.key, tag.value});
  return out;
}

wire::List<Tag> to_tags(const std::vector<TagRecord>& tags) {
  wire::List<Tag> out;
  for (const TagRecord& tag : tags) out.push_back(Tag{.key = tag.key, .value = tag.value});
  return out;
}

AttachedPolicy to_attached(const std::string& arn) {
  return {.policy_name = std::string(last_part(arn)), .policy_arn = arn};
}

User to_user(const UserRecord& user, const std::string& account) {
  return {.path = user.path,
          .user_name = user.name,
          .user_id = user.id,
          .arn = arn_of(account, "user", user.path, user.name),
          .create_date = user.created,
          .permissions_boundary = to_boundary(user.boundary),
          .tags = to_tags(user.tags)};
}

Group to_group(const GroupRecord& group, const std::string& account) {
  return {.path = group.path,
          .group_name = group.name,
          .group_id = group.id,
          .arn = arn_of(account, "group", group.path, group.name),
          .create_date = group.created};
}

Role to_role(const RoleRecord& role, const std::string& account) {
  Role out{.path = role.path,
           .role_name = role.name,
           .role_id = role.id,
           .arn = arn_of(account, "role", role.path, role.name),
           .create_date = role.created,
           .assume_role_policy_document = encoded_document(role.trust),
           .max_session_duration = role.longest_session_seconds,
           .permissions_boundary = to_boundary(role.boundary),
           .tags = to_tags(role.tags)};
  if (!role.description.empty()) out.description = role.description;
  return out;
}

InstanceProfile to_instance_profile(const Iam& iam, const InstanceProfileRecord& profile,
                                    const std::string& account) {
  InstanceProfile out{.path = profile.path,
                      .instance_profile_name = profile.name,
                      .instance_profile_id = profile.id,
                      .arn = arn_of(account, "instance-profile", profile.path, profile.name),
                      .create_date = profile.created,
                      .tags = to_tags(profile.tags)};
  out.roles.present = true;
  if (const auto role = iam.roles(account).get(key_of(profile.role));
      role && !profile.role.empty()) {
    out.roles.push_back(to_role(role->value, account));
  }
  return out;
}

Result<void> check_path(const std::optional<std::string>& path) {
  if (!path) return {};
  const bool good = path->starts_with('/') && path->ends_with('/') &&
                    std::ranges::all_of(*path, [](char c) { return c >= '!' && c <= '~'; });
  if (good) return {};
  return fail("ValidationError",
              "The specified value for path is invalid. It must begin and end with / and contain "
              "only alphanumeric characters and/or / characters.");
}

bool is_below(std::string_view path, const std::optional<std::string>& prefix) {
  return !prefix || path.starts_with(*prefix);
}

Result<bool> merge_tags(std::vector<TagRecord>& held, const wire::List<Tag>& added) {
  for (const Tag& tag : added) {
    std::erase_if(held, [&](const TagRecord& old) { return key_of(old.key) == key_of(tag.key); });
  }
  LF_OK(check_tags(added, held.size()));
  for (const Tag& tag : added) held.push_back({tag.key, tag.value});
  return true;
}

Result<bool> take_tags(std::vector<TagRecord>& held, const wire::List<std::string>& keys) {
  const auto gone = std::erase_if(held, [&](const TagRecord& tag) {
    return std::ranges::any_of(keys,
                               [&](const auto& key) { return key_of(key) == key_of(tag.key); });
  });
  return gone > 0;
}

}  // namespace landfall::iam
