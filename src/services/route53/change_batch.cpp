#include "services/route53/change_batch.h"

#include "services/route53/rdata.h"

namespace landfall::route53 {
namespace {

std::unexpected<Error> bad(std::string message) {
  return fail("InvalidChangeBatch", std::move(message));
}

std::string shown(const ResourceRecordSet& set) {
  return fmt::format(
      "[name='{}', type='{}'{}]", set.name, set.type,
      set.set_identifier ? fmt::format(", set-identifier='{}'", *set.set_identifier) : "");
}

Result<void> check_routing(const ResourceRecordSet& set) {
  if (set.region || set.geo_location || set.failover || set.cidr_routing_config ||
      set.geo_proximity_location || set.health_check_id || set.traffic_policy_instance_id) {
    return bad(
        "Landfall's DNS routes simply, by weight, or gives several values; it has no health "
        "checks, and none of the policies that need a client's place");
  }
  const bool routed = set.weight || set.multi_value_answer.value_or(false);
  if (routed != set.set_identifier.has_value()) {
    return bad(routed ? "Missing field 'SetIdentifier'"
                      : "SetIdentifier is for weighted and multivalue record sets");
  }
  if (set.weight && set.multi_value_answer)
    return bad("A record set has either Weight or MultiValueAnswer");
  if (set.weight && (*set.weight < 0 || *set.weight > 255))
    return bad("Weight must be between 0 and 255");
  return {};
}

Result<void> check_values(const ResourceRecordSet& set) {
  if (set.alias_target) {
    if (!set.resource_records.empty() || set.ttl)
      return bad("An alias record set has neither TTL nor resource records");
    if (set.type != "A" && set.type != "AAAA" && set.type != "CNAME" && set.type != "TXT" &&
        set.type != "MX") {
      return bad(fmt::format("A record set of type {} cannot be an alias", set.type));
    }
    if (set.weight && set.alias_target->evaluate_target_health)
      return bad("Landfall's DNS does not evaluate the health of weighted aliases");
    return {};
  }
  if (set.resource_records.empty()) return bad("No resource records");
  if (!set.ttl) return bad("Missing field 'TTL'");
  if (*set.ttl < 0 || *set.ttl > 2147483647) return bad("TTL is out of range");
  if (set.type == "CNAME" && set.resource_records.size() > 1)
    return bad("A CNAME record set has one resource record");
  for (const ResourceRecord& record : set.resource_records)
    if (auto encoded = encode_value(set.type, record.value); !encoded)
      return std::unexpected(encoded.error());
  return {};
}

Result<ResourceRecordSet> read_set(const ZoneRecord& zone, ResourceRecordSet set) {
  LF_TRY(name, normalize_name(set.name));
  set.name = name;
  if (name != zone.name && !name.ends_with("." + zone.name)) {
    return bad(fmt::format("RRSet with DNS name {} is not permitted in zone {}", name, zone.name));
  }
  if (!type_number(set.type))
    return bad(fmt::format("Landfall's DNS does not serve records of type {}", set.type));
  LF_OK(check_routing(set));
  LF_OK(check_values(set));
  if (set.alias_target) {
    LF_TRY(target, normalize_name(set.alias_target->dns_name));
    set.alias_target->dns_name = target;
  }
  if (set.type == "CNAME" && name == zone.name) {
    return bad(
        fmt::format("RRSet of type CNAME with DNS name {} is not permitted at apex in zone "
                    "{}",
                    name, zone.name));
  }
  return set;
}

bool is_apex_authority(const ZoneRecord& zone, const ResourceRecordSet& set) {
  return set.name == zone.name && (set.type == "NS" || set.type == "SOA");
}

bool same_values(const ResourceRecordSet& a, const ResourceRecordSet& b) {
  return record::encode(a) == record::encode(b);
}

Result<void> apply_one(const ZoneRecord& zone, RecordSets& records, const Change& change) {
  LF_TRY(set, read_set(zone, change.resource_record_set));
  const std::string key = record_key(zone.id, set);
  const auto found = records.find(key);
  if (change.action == "CREATE") {
    if (found != records.end()) {
      return bad(
          fmt::format("Tried to create resource record set {} but it already exists", shown(set)));
    }
    records[key].set = std::move(set);
  } else if (change.action == "UPSERT") {
    records[key].set = std::move(set);
  } else {
    if (found == records.end()) {
      return bad(
          fmt::format("Tried to delete resource record set {} but it was not found", shown(set)));
    }
    if (!same_values(found->second.set, set)) {
      return bad(
          fmt::format("Tried to delete resource record set {} but the values provided do "
                      "not match the current values",
                      shown(set)));
    }
    if (is_apex_authority(zone, set)) {
      return bad(fmt::format("A HostedZone must contain exactly one {} record of the zone itself",
                             set.type));
    }
    records.erase(found);
  }
  return {};
}

// What must hold of the zone as a whole: a CNAME stands alone, and record sets of one name and type
// are all of one routing policy.
Result<void> check_zone(const RecordSets& records) {
  std::map<std::string, std::set<std::string>> types;
  std::map<std::pair<std::string, std::string>, std::set<int>> policies;
  for (const auto& [key, record] : records) {
    const ResourceRecordSet& set = record.set;
    types[set.name].insert(set.type);
    policies[{set.name, set.type}].insert(set.weight ? 1 : set.multi_value_answer ? 2 : 0);
  }
  for (const auto& [name, of_name] : types) {
    if (of_name.contains("CNAME") && of_name.size() > 1) {
      return bad(
          fmt::format("RRSet of type CNAME with DNS name {} is not permitted because a "
                      "conflicting RRSet with the same DNS name already exists",
                      name));
    }
  }
  for (const auto& [place, kinds] : policies) {
    if (kinds.size() > 1) {
      return bad(
          fmt::format("RRSet with DNS name {}, type {} cannot be created as other RRSets "
                      "exist with the same name and type and another routing policy",
                      place.first, place.second));
    }
  }
  return {};
}

}  // namespace

Result<RecordSets> apply_changes(const ZoneRecord& zone, RecordSets records,
                                 const wire::List<Change>& changes) {
  std::vector<std::string> problems;
  for (const Change& change : changes) {
    if (auto done = apply_one(zone, records, change); !done)
      problems.push_back(done.error().message);
  }
  if (problems.empty()) {
    if (auto whole = check_zone(records); !whole) problems.push_back(whole.error().message);
  }
  if (!problems.empty()) return bad(fmt::format("[{}]", fmt::join(problems, ", ")));
  return records;
}

}  // namespace landfall::route53
