// What RDS keeps: DB instances, snapshots and subnet groups, per account and region.
#pragma once

#include <map>

#include "base/ids.h"
#include "reconcile/condition.h"
#include "store/table.h"

namespace landfall::rds {

using Tags = std::map<std::string, std::string>;

// What the user wants of a DB instance beyond its settings.
enum class Wanted { running = 0, stopped = 1, deleted = 2 };

// Settings that wait for the maintenance window, as ModifyDBInstance without ApplyImmediately
// leaves them.
struct PendingChanges {
  std::optional<std::string> engine_version;
  std::optional<std::string> instance_class;
  std::optional<int> allocated_storage_gib;
  bool empty() const { return !engine_version && !instance_class && !allocated_storage_gib; }
};
LF_RECORD(PendingChanges, engine_version, instance_class, allocated_storage_gib)

// The data key of encrypted volumes, as KMS encrypted it; see keys.h. Empty: not encrypted.
struct VolumeKey {
  std::string kms_key_arn;
  std::string wrapped;  // base64
  std::string owner;    // resource id of the instance it was made for: its encryption context
  bool empty() const { return wrapped.empty(); }
};
LF_RECORD(VolumeKey, kms_key_arn, wrapped, owner)

// The master password as RDS keeps it in Secrets Manager; see master_secret.h.
struct MasterSecret {
  std::string name;  // "rds!db-<uuid>"; empty: the user keeps the password
  std::string suffix;
  std::string kms_key;              // ARN
  std::string status = "creating";  // "active", "rotating", "impaired"
  std::string version;              // the latest that was written
  bool published = false;           // the server has that one, and Secrets Manager gives it
  bool rotate = false;              // asked for
  TimePoint rotated_at{};
  TimePoint retry_at{};  // with "impaired"
  bool empty() const { return name.empty(); }
};
LF_RECORD(MasterSecret, name, suffix, kms_key, status, version, published, rotate, rotated_at,
          retry_at)

struct DbInstance {
  std::string identifier;   // lower case
  std::string resource_id;  // "db-ABC...": also the volume's, container's and interface's name
  std::string account;
  std::string region;

  std::string engine_version;  // "16.6"
  std::string instance_class;  // "db.t4g.micro"
  int allocated_storage_gib = 0;
  std::string storage_type = "gp2";
  VolumeKey volume_key;
  std::string database;  // made at creation; may be empty
  std::string master_user;
  std::string master_verifier;  // host::scram_verifier; the password itself is nowhere
  MasterSecret master_secret;
  std::vector<MasterSecret> old_secrets;  // to be removed
  int port = 5432;
  std::string subnet_group;
  std::string vpc_id;
  std::string subnet_id;
  std::string availability_zone;
  std::vector<std::string> security_group_ids;
  std::string parameter_group;
  bool publicly_accessible = false;
  bool deletion_protection = false;
  bool copy_tags_to_snapshot = false;
  bool auto_minor_version_upgrade = true;
  int backup_retention_days = 1;
  std::string backup_window;       // "hh24:mi-hh24:mi", UTC
  std::string maintenance_window;  // "ddd:hh24:mi-ddd:hh24:mi", UTC
  Tags tags;
  PendingChanges pending;

  // A read replica: of which instance, by identifier and resource id; to become one of its own.
  std::string replica_source;
  std::string replica_source_id;
  bool promote = false;
  std::string replication = "connecting";  // "replicating", "error"

  Wanted wanted = Wanted::running;
  std::string final_snapshot;    // with Wanted::deleted; empty: none
  std::string restore_snapshot;  // volume snapshot to start from; empty: a new database
  std::int64_t reboots_wanted = 0;
  // Archived segments to replay onto the restored volume, below the instance's state folder; until
  // `restore_until`, or to their end.
  bool restore_segments = false;
  std::string restore_source;   // resource id
  TimePoint restore_base_at{};  // when the snapshot to begin from was begun
  std::optional<TimePoint> restore_until;
  std::vector<std::string> log_exports;  // "postgresql"
  bool keep_backups = false;             // with Wanted::deleted

  // What has been done so far.
  std::string status = "creating";  // in AWS's words
  std::string interface_id;
  std::string endpoint;  // DNS name; empty until the first time available
  std::string private_address;
  std::string public_address;
  std::int64_t reboots_done = 0;
  // What the server was started with, and which settings it has been told to read since.
  std::string started_parameter_group;
  std::map<std::string, std::string> started_parameters;
  std::string loaded_settings;
  TimePoint certificate_issued_at{};
  // Everything before is in the archive, and can be restored to.
  std::optional<TimePoint> latest_restorable_at;
  std::string applied_verifier;  // which password the server knows
  int consecutive_failures = 0;  // of server starts
  bool answered = false;         // since its last start
  TimePoint retry_at{};          // the next start, after a failure
  TimePoint created_at{};
  std::optional<TimePoint> available_at;
  std::optional<TimePoint> last_automated_snapshot;
  // When the key of KMS was found disabled or gone; until StartDBInstance is called.
  std::optional<TimePoint> inaccessible_since;
  reconcile::Conditions conditions;

  Scope scope() const { return {account, region}; }
  bool is_replica() const { return !replica_source_id.empty(); }
  bool encrypted() const { return !volume_key.empty(); }
  std::string arn() const;
};
LF_RECORD(DbInstance, identifier, resource_id, account, region, engine_version, instance_class,
          allocated_storage_gib, storage_type, volume_key, database, master_user, master_verifier,
          master_secret, old_secrets, port, subnet_group, vpc_id, subnet_id, availability_zone,
          security_group_ids, parameter_group, publicly_accessible, deletion_protection,
          copy_tags_to_snapshot, auto_minor_version_upgrade, backup_retention_days, backup_window,
          maintenance_window, tags, pending, replica_source, replica_source_id, promote,
          replication, wanted, final_snapshot, restore_snapshot, reboots_wanted, restore_segments,
          restore_source, restore_base_at, restore_until, log_exports, keep_backups, status,
          interface_id, endpoint, private_address, public_address, reboots_done,
          started_parameter_group, started_parameters, loaded_settings, certificate_issued_at,
          latest_restorable_at, applied_verifier, consecutive_failures, answered, retry_at,
          created_at, available_at, last_automated_snapshot, inaccessible_since, conditions)

struct DbSnapshot {
  std::string identifier;
  std::string account;
  std::string region;
  std::string volume_snapshot;  // of host::Volumes
  bool automated = false;
  std::string status = "creating";
  std::string instance;  // the identifier it was taken of
  std::string instance_resource_id;
  std::string engine_version;
  std::string storage_type;
  VolumeKey volume_key;  // the instance's, or of a copy its own
  std::string master_user;
  std::string master_verifier;
  std::string database;
  std::string vpc_id;
  std::string availability_zone;
  int allocated_storage_gib = 0;
  int port = 5432;
  Tags tags;
  TimePoint instance_created_at{};
  TimePoint created_at{};
  // A copy: which snapshot it is made of, and where that one lies. With status "creating" these say
  // what to do.
  std::string copied_from;    // ARN
  std::string copied_volume;  // of host::Volumes
  VolumeKey copied_key;       // the source's
  TimePoint taken_at{};       // when the first of them was taken; zero: this one is
  // With status "available": what was written before the copy began is in it, and nothing that was
  // written after this.
  std::optional<TimePoint> complete_at;
  std::string failure;  // with status "failed"

  Scope scope() const { return {account, region}; }
  std::string arn() const;
};
LF_RECORD(DbSnapshot, identifier, account, region, volume_snapshot, automated, status, instance,
          instance_resource_id, engine_version, storage_type, volume_key, master_user,
          master_verifier, database, vpc_id, availability_zone, allocated_storage_gib, port, tags,
          instance_created_at, created_at, copied_from, copied_volume, copied_key, taken_at,
          complete_at, failure)

struct DbSubnetGroup {
  std::string name;
  std::string account;
  std::string region;
  std::string description;
  std::string vpc_id;
  std::vector<std::string> subnet_ids;
  Tags tags;
  std::string arn() const;
};
LF_RECORD(DbSubnetGroup, name, account, region, description, vpc_id, subnet_ids, tags)

struct ParameterSetting {
  std::optional<std::string> value;  // none: reset to the default
  bool immediate = false;            // a running server takes it at once
};
LF_RECORD(ParameterSetting, value, immediate)

// A parameter group of the user's own; "default.postgres16" and the like need no record.
struct DbParameterGroup {
  std::string name;
  std::string account;
  std::string region;
  std::string family;  // "postgres16"
  std::string description;
  std::map<std::string, ParameterSetting> parameters;
  Tags tags;
  std::string arn() const;
};
LF_RECORD(DbParameterGroup, name, account, region, family, description, parameters, tags)

// The tables of one account and region.
struct Tables {
  Tables(store::Store& store, const Scope& scope);
  store::Table<DbInstance> instances;
  store::Table<DbSnapshot> snapshots;
  store::Table<DbSubnetGroup> subnet_groups;
  store::Table<DbParameterGroup> parameter_groups;
  // Instances that are gone and whose automated backups were kept, by resource id.
  store::Table<DbInstance> retained_backups;
};

inline constexpr std::string_view kRoot = "/rds/";

// "/rds/<account>/<region>/<table>/<id>" -> scope and id; none for keys of other tables.
struct Key {
  Scope scope;
  std::string id;
};
std::optional<Key> parse_key(std::string_view key, std::string_view table);

}  // namespace landfall::rds
