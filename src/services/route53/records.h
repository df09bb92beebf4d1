// What Route 53 keeps, per account: hosted zones and their record sets, in AWS's own shapes.
#pragma once

#include "base/ids.h"
#include "store/table.h"
#include "wire/route53/types.h"

namespace landfall::route53 {

using Tags = std::map<std::string, std::string>;

struct VpcRecord {
  std::string region;
  std::string id;
  auto operator<=>(const VpcRecord&) const = default;
};
LF_RECORD(VpcRecord, region, id)

struct ZoneRecord {
  std::string id;  // "Z0123..."
  std::string account;
  std::string name;  // lower case, with the final dot
  std::string caller_reference;
  std::string comment;
  bool private_zone = false;
  std::vector<VpcRecord> vpcs;  // private zones
  Tags tags;
  TimePoint created_at{};
};
LF_RECORD(ZoneRecord, id, account, name, caller_reference, comment, private_zone, vpcs, tags,
          created_at)

struct RecordSetRecord {
  ResourceRecordSet set;  // name lower case, with the final dot
};
LF_RECORD(RecordSetRecord, set)

struct ChangeRecord {
  std::string id;
  TimePoint submitted_at{};
  std::string comment;
};
LF_RECORD(ChangeRecord, id, submitted_at, comment)

inline constexpr std::string_view kRoot = "/route53/";

struct Tables {
  Tables(store::Store& store, const std::string& account);
  store::Table<ZoneRecord> zones;         // by id
  store::Table<RecordSetRecord> records;  // by record_key()
  store::Table<ChangeRecord> changes;     // by id
};

// "<zone id>/<labels from the right>/<type>/<set identifier>": AWS's own order of record sets.
std::string record_key(const std::string& zone_id, const ResourceRecordSet& set);

// "com.example.www" of "www.example.com.".
std::string reversed(std::string_view name);

// Lower case, with the final dot, escapes (\052) undone. Error: a name that DNS cannot hold.
Result<std::string> normalize_name(std::string_view name);

// "Z123" of "/hostedzone/Z123", of "hostedzone/Z123" and of itself.
std::string bare_id(std::string_view id);

}  // namespace landfall::route53
