// What the operations have in common: records by name, pages of lists, and the generated types made
// from records.
#pragma once

#include "services/iam/service.h"
#include "store/pagination.h"
#include "wire/context.h"
#include "wire/iam/errors.h"
#include "wire/iam/operations.h"

namespace landfall::iam {

struct UserKind {
  using Record = UserRecord;
  static constexpr std::string_view kWord = "user";
  static constexpr std::size_t kInlineBytes = 2048;
  static auto table(const Iam& iam, const std::string& account) { return iam.users(account); }
};
struct GroupKind {
  using Record = GroupRecord;
  static constexpr std::string_view kWord = "group";
  static constexpr std::size_t kInlineBytes = 5120;
  static auto table(const Iam& iam, const std::string& account) { return iam.groups(account); }
};
struct RoleKind {
  using Record = RoleRecord;
  static constexpr std::string_view kWord = "role";
  static constexpr std::size_t kInlineBytes = 10'240;
  static auto table(const Iam& iam, const std::string& account) { return iam.roles(account); }
};
struct InstanceProfileKind {
  using Record = InstanceProfileRecord;
  static constexpr std::string_view kWord = "instance profile";
  static auto table(const Iam& iam, const std::string& account) {
    return iam.instance_profiles(account);
  }
};

std::unexpected<Error> no_such(std::string_view kind, std::string_view name);

// The record, or NoSuchEntity.
template <class Kind>
Result<typename Kind::Record> need(const Iam& iam, const std::string& account,
                                   const std::string& name) {
  auto row = Kind::table(iam, account).get(key_of(name));
  if (!row) return no_such(Kind::kWord, name);
  return std::move(row->value);
}

// How often a change of several records starts again when another request came between.
inline constexpr int kMostAttempts = 16;

// Changes the record, or NoSuchEntity. `edit` may run more than once; false: nothing to write.
template <class Kind>
task<Result<void>> edit(Iam& iam, std::string account, std::string name,
                        std::function<Result<bool>(typename Kind::Record&)> change) {
  auto done = co_await iam.update(Kind::table(iam, account), key_of(name), std::move(change));
  if (done) co_return Result<void>();
  if (done.error().code == "not-found") co_return no_such(Kind::kWord, name);
  if (done.error().code == "conflict") {
    co_return errors::concurrent_modification(
        "The request was rejected because multiple requests to change this object were submitted "
        "simultaneously.");
  }
  co_return std::unexpected(std::move(done.error()));
}

// One page of a list that is sorted by its first members, which are also what the marker names.
template <class T>
struct Page {
  wire::List<T> items;
  bool truncated = false;
  std::optional<std::string> marker;
};
template <class T>
Result<Page<T>> page_of(std::string_view list, std::vector<std::pair<std::string, T>> all,
                        const std::optional<std::string>& marker,
                        const std::optional<std::int32_t>& most) {
  auto after = store::read_page_token(list, marker);
  if (!after) return fail("ValidationError", "Invalid Marker.");
  if (!after->empty()) std::erase_if(all, [&](const auto& item) { return item.first <= *after; });
  Page<T> out;
  out.marker = store::cut_page(
      all, std::size_t(most.value_or(100)), [](const auto& item) { return item.first; }, list);
  out.truncated = out.marker.has_value();
  out.items.present = true;
  for (auto& [id, item] : all) out.items.push_back(std::move(item));
  return out;
}

// Documents travel percent-encoded.
std::string encoded_document(std::string_view document);
// Characters that count against a quota: all but white space.
std::size_t document_size(std::string_view document);
// A document for IAM to keep: checked, or MalformedPolicyDocument.
Result<void> check_identity_document(const std::string& document);
// As above for a trust policy; the users and roles it names must exist.
Result<void> check_trust_document(const Iam& iam, const std::string& document);

Result<void> check_tags(const wire::List<Tag>& tags, std::size_t held = 0);
// Keys ignore case; a tag that is there gets the new value. False: nothing changed.
Result<bool> merge_tags(std::vector<TagRecord>& held, const wire::List<Tag>& added);
Result<bool> take_tags(std::vector<TagRecord>& held, const wire::List<std::string>& keys);
std::vector<TagRecord> to_records(const wire::List<Tag>& tags);
wire::List<Tag> to_tags(const std::vector<TagRecord>& tags);

// "AdministratorAccess" of its ARN.
AttachedPolicy to_attached(const std::string& arn);
User to_user(const UserRecord& user, const std::string& account);
Group to_group(const GroupRecord& group, const std::string& account);
Role to_role(const RoleRecord& role, const std::string& account);
InstanceProfile to_instance_profile(const Iam& iam, const InstanceProfileRecord& profile,
                                    const std::string& account);

// "/" or "/division/team/"; ValidationError otherwise. Absent is "/".
Result<void> check_path(const std::optional<std::string>& path);
bool is_below(std::string_view path, const std::optional<std::string>& prefix);

}  // namespace landfall::iam
