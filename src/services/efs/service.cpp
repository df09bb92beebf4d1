#include "services/efs/service.h"

#include "base/log.h"
#include "wire/efs/errors.h"

namespace landfall::efs {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kRoot = "/efs/";
constexpr Millis kCountAgain = std::chrono::minutes(1);
constexpr std::size_t kMostTags = 50;

template <class T>
store::Table<T> table(store::Store& store, const Scope& scope, std::string_view name) {
  return {store, fmt::format("{}{}/{}/{}/", kRoot, scope.account, scope.region, name)};
}

std::string owner_of(std::string_view mount_target) {
  return fmt::format("efs:mount-target/{}", mount_target);
}

// The last part of an ARN, or what is an id already.
std::string_view id_in(std::string_view reference) {
  return reference.substr(reference.rfind('/') + 1);
}

std::string arn(const Scope& scope, std::string_view kind, std::string_view id) {
  return Arn{"aws", "elasticfilesystem", scope.region, scope.account,
             fmt::format("{}/{}", kind, id)}
      .str();
}

// Blocks.
std::int64_t count_bytes(const fs::path& folder) {
  std::int64_t total = 0;
  std::error_code error;
  fs::recursive_directory_iterator it(folder, fs::directory_options::skip_permission_denied, error);
  for (; !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
    std::error_code gone;
    if (it->is_regular_file(gone) && !it->is_symlink(gone)) {
      const auto size = it->file_size(gone);
      if (!gone) total += static_cast<std::int64_t>(size);
    }
  }
  return total;
}

std::set<Scope> scopes_of(store::Store& store) {
  std::set<Scope> out;
  for (const auto& kv : store.range(kRoot)) {
    const std::string_view rest = std::string_view(kv.key).substr(kRoot.size());
    const std::size_t account = rest.find('/'), region = rest.find('/', account + 1);
    if (region != std::string_view::npos)
      out.insert({std::string(rest.substr(0, account)),
                  std::string(rest.substr(account + 1, region - account - 1))});
  }
  return out;
}

// Folders of file systems that have been deleted. Blocks.
void remove_strays(const fs::path& root, const std::set<fs::path>& known) {
  std::error_code ignored;
  for (const auto& account : fs::directory_iterator(root, ignored)) {
    for (const auto& region : fs::directory_iterator(account, ignored)) {
      for (const auto& folder : fs::directory_iterator(region, ignored)) {
        if (known.contains(folder.path())) continue;
        if (auto removed = io::remove_tree(folder.path()); !removed)
          log::warning("efs", "{}: {}", folder.path().string(), removed.error().message);
      }
    }
  }
}

}  // namespace

store::Table<FileSystemRecord> Efs::file_systems(const Scope& scope) const {
  return table<FileSystemRecord>(store, scope, "file-systems");
}
store::Table<MountTargetRecord> Efs::mount_targets(const Scope& scope) const {
  return table<MountTargetRecord>(store, scope, "mount-targets");
}
store::Table<AccessPointRecord> Efs::access_points(const Scope& scope) const {
  return table<AccessPointRecord>(store, scope, "access-points");
}

fs::path Efs::folder_of(const Scope& scope, const std::string& file_system) const {
  return folder / scope.account / scope.region / file_system;
}

std::vector<store::Row<MountTargetRecord>> Efs::targets_of(const Scope& scope,
                                                           const std::string& file_system) const {
  auto rows = mount_targets(scope).list();
  std::erase_if(rows, [&](const auto& row) { return row.value.file_system != file_system; });
  return rows;
}

task<Result<void>> Efs::recover() {
  std::set<fs::path> known;
  for (const Scope& scope : scopes_of(store)) {
    for (const auto& row : file_systems(scope).list()) known.insert(folder_of(scope, row.id));
    for (const auto& row : mount_targets(scope).list()) {
      if (!row.value.deleting && !row.value.interface_id.empty()) continue;
      auto done = row.value.deleting ? co_await disconnect(*this, scope, row.id)
                                     : co_await connect(*this, scope, row.id);
      if (!done) log::warning("efs", "mount target {}: {}", row.id, done.error().message);
    }
  }
  co_await loop.run_blocking(
      [root = folder, known = std::move(known)] { remove_strays(root, known); });
  co_return Result<void>();
}

Result<store::Row<FileSystemRecord>> find_file_system(const Efs& efs, const Scope& scope,
                                                      std::string_view reference) {
  auto row = efs.file_systems(scope).get(id_in(reference));
  if (!row)
    return errors::file_system_not_found(
        fmt::format("File system '{}' does not exist.", id_in(reference)));
  return std::move(*row);
}

Result<store::Row<MountTargetRecord>> find_mount_target(const Efs& efs, const Scope& scope,
                                                        std::string_view id) {
  auto row = efs.mount_targets(scope).get(id);
  if (!row)
    return errors::mount_target_not_found(fmt::format("Mount target '{}' does not exist.", id));
  return std::move(*row);
}

Result<store::Row<AccessPointRecord>> find_access_point(const Efs& efs, const Scope& scope,
                                                        std::string_view reference) {
  auto row = efs.access_points(scope).get(id_in(reference));
  if (!row)
    return errors::access_point_not_found(
        fmt::format("Access point '{}' does not exist.", id_in(reference)));
  return std::move(*row);
}

task<Result<void>> connect(Efs& efs, Scope scope, std::string id) {
  LF_CO_TRY(row, find_mount_target(efs, scope, id));
  const MountTargetRecord& target = row.value;
  ec2::InterfaceRequest request;
  request.scope = scope;
  request.owner = owner_of(id);
  request.subnet_id = target.subnet;
  request.security_group_ids = target.security_groups;
  request.description = fmt::format("EFS mount target for {} ({})", target.file_system, id);
  request.interface_type = "efs";
  if (!target.address.empty()) request.private_address = Ipv4::parse(target.address);
  LF_CO_TRY(interface, co_await efs.ec2.allocate_interface(std::move(request)));
  auto noted =
      co_await efs.mount_targets(scope).update(id, [&](MountTargetRecord& record) -> Result<bool> {
        record.interface_id = interface.id;
        record.address = interface.private_address.str();
        record.security_groups = interface.security_group_ids;
        return true;
      });
  if (!noted) co_return std::unexpected(noted.error());
  co_return Result<void>();
}

task<Result<void>> disconnect(Efs& efs, Scope scope, std::string id) {
  for (const ec2::Interface& interface : efs.ec2.interfaces_of(scope, owner_of(id)))
    LF_CO_OK(co_await efs.ec2.delete_interface(scope, interface.id));
  auto done = co_await efs.store.commit({{}, {efs.mount_targets(scope).remove(id)}});
  if (!done) co_return std::unexpected(done.error());
  co_return Result<void>();
}

wire::List<Tag> to_api(const Tags& tags) {
  wire::List<Tag> out;
  out.present = true;
  for (const auto& [key, value] : tags) out.push_back({key, value});
  return out;
}

Result<void> add_tags(Tags& tags, const wire::List<Tag>& more) {
  for (const Tag& tag : more) {
    if (tag.key.starts_with("aws:"))
      return errors::bad_request("Tag keys that begin with 'aws:' are reserved.");
    tags[tag.key] = tag.value;
  }
  if (tags.size() > kMostTags)
    return errors::bad_request(fmt::format("A resource can have at most {} tags.", kMostTags));
  return {};
}

task<FileSystemDescription> describe(Efs& efs, Scope scope, FileSystemRecord record) {
  Efs::Size& known = efs.sizes[record.id];
  if (const TimePoint now = efs.clock.now(); now - known.at >= kCountAgain || now < known.at) {
    const std::int64_t bytes = co_await efs.loop.run_blocking(
        [folder = efs.folder_of(scope, record.id)] { return count_bytes(folder); });
    efs.sizes[record.id] = {bytes, now};
  }
  const Efs::Size size = efs.sizes[record.id];
  FileSystemDescription out;
  out.owner_id = scope.account;
  out.creation_token = record.creation_token;
  out.file_system_id = record.id;
  out.file_system_arn = arn(scope, "file-system", record.id);
  out.creation_time = record.created_at;
  out.life_cycle_state = "available";
  if (const auto name = record.tags.find("Name"); name != record.tags.end())
    out.name = name->second;
  out.number_of_mount_targets = static_cast<std::int32_t>(efs.targets_of(scope, record.id).size());
  out.size_in_bytes = {.value = size.bytes,
                       .timestamp = size.at,
                       .value_in_ia = 0,
                       .value_in_standard = size.bytes,
                       .value_in_archive = 0};
  out.performance_mode = "generalPurpose";
  out.encrypted = false;
  out.throughput_mode = record.throughput_mode;
  if (!record.availability_zone.empty()) out.availability_zone_name = record.availability_zone;
  out.tags = to_api(record.tags);
  co_return out;
}

MountTargetDescription describe(const Scope& scope, const MountTargetRecord& record) {
  MountTargetDescription out;
  out.owner_id = scope.account;
  out.mount_target_id = record.id;
  out.file_system_id = record.file_system;
  out.subnet_id = record.subnet;
  out.life_cycle_state = record.deleting               ? "deleting"
                         : record.interface_id.empty() ? "creating"
                                                       : "available";
  if (!record.address.empty()) out.ip_address = record.address;
  if (!record.interface_id.empty()) out.network_interface_id = record.interface_id;
  out.availability_zone_name = record.availability_zone;
  out.vpc_id = record.vpc;
  return out;
}

AccessPointDescription describe(const Scope& scope, const AccessPointRecord& record) {
  AccessPointDescription out;
  out.client_token = record.client_token;
  if (const auto name = record.tags.find("Name"); name != record.tags.end())
    out.name = name->second;
  out.tags = to_api(record.tags);
  out.access_point_id = record.id;
  out.access_point_arn = arn(scope, "access-point", record.id);
  out.file_system_id = record.file_system;
  RootDirectory root;
  root.path = record.path;
  if (record.creation)
    root.creation_info =
        CreationInfo{record.creation->uid, record.creation->gid, record.creation->permissions};
  out.root_directory = std::move(root);
  out.owner_id = scope.account;
  out.life_cycle_state = "available";
  return out;
}

}  // namespace landfall::efs
