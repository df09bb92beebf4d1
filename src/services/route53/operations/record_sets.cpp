// operations: ChangeResourceRecordSets, ListResourceRecordSets, GetChange, GetDNSSEC
#include <charconv>

#include "services/route53/change_batch.h"
#include "services/route53/service.h"
#include "wire/route53/errors.h"
#include "wire/route53/operations.h"

namespace landfall::route53 {
namespace {

constexpr std::size_t kPage = 300;
constexpr std::size_t kMostRecords = 10'000;

}  // namespace

task<Result<ChangeResourceRecordSetsResponse>> change_resource_record_sets(
    Route53& route53, const RequestContext& ctx, ChangeResourceRecordSetsRequest in) {
  const Tables tables = route53.tables(ctx.scope.account);
  auto guard = co_await route53.writing.enter();
  LF_CO_TRY(zone, find_zone(tables, in.hosted_zone_id));
  RecordSets before;
  for (auto& row : records_of(tables, zone.value)) before[row.id] = std::move(row.value);
  LF_CO_TRY(after, apply_changes(zone.value, before, in.change_batch.changes));
  if (after.size() > kMostRecords)
    co_return errors::invalid_change_batch(fmt::format("The limit is {} records", kMostRecords));
  store::Transaction transaction;
  for (const auto& [key, record] : before)
    if (!after.contains(key)) transaction.operations.push_back(tables.records.remove(key));
  for (const auto& [key, record] : after)
    transaction.operations.push_back(tables.records.put(key, record));
  ChangeResourceRecordSetsResponse out;
  LF_CO_TRY(change, co_await commit(route53, std::move(guard), ctx.scope.account,
                                    std::move(transaction), in.change_batch.comment.value_or("")));
  out.change_info = change;
  co_return out;
}

task<Result<ListResourceRecordSetsResponse>> list_resource_record_sets(
    Route53& route53, const RequestContext& ctx, ListResourceRecordSetsRequest in) {
  const Tables tables = route53.tables(ctx.scope.account);
  LF_CO_TRY(zone, find_zone(tables, in.hosted_zone_id));
  if (in.start_record_type && !in.start_record_name)
    co_return errors::invalid_input("StartRecordType needs StartRecordName");
  std::size_t most = kPage;
  if (in.max_items) {
    const auto& text = *in.max_items;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), most);
    if (error != std::errc() || end != text.data() + text.size() || most == 0)
      co_return errors::invalid_input("MaxItems is not a positive number");
    most = std::min(most, kPage);
  }
  ResourceRecordSet start;
  if (in.start_record_name) {
    LF_CO_TRY(name, normalize_name(*in.start_record_name));
    start.name = name;
    start.type = in.start_record_type.value_or("");
    start.set_identifier = in.start_record_identifier;
  }
  const auto place = [](const ResourceRecordSet& set) {
    return std::tuple(reversed(set.name), set.type, set.set_identifier.value_or(""));
  };
  std::vector<RecordSetRecord> found;
  for (auto& row : records_of(tables, zone.value))
    if (place(row.value.set) >= place(start)) found.push_back(std::move(row.value));
  std::ranges::sort(found, {}, [&](const RecordSetRecord& record) { return place(record.set); });
  ListResourceRecordSetsResponse out;
  out.max_items = std::to_string(most);
  if (found.size() > most) {
    const ResourceRecordSet next = to_shape(found[most]);
    out.is_truncated = true;
    out.next_record_name = next.name;
    out.next_record_type = next.type;
    out.next_record_identifier = next.set_identifier;
    found.erase(found.begin() + std::ptrdiff_t(most), found.end());
  }
  for (const RecordSetRecord& record : found) out.resource_record_sets.push_back(to_shape(record));
  co_return out;
}

task<Result<GetChangeResponse>> get_change(Route53& route53, const RequestContext& ctx,
                                           GetChangeRequest in) {
  const auto row = route53.tables(ctx.scope.account).changes.get(bare_id(in.id));
  if (!row)
    co_return errors::no_such_change(fmt::format("Could not find resource with ID: {}", in.id));
  GetChangeResponse out;
  out.change_info.id = "/change/" + row->value.id;
  out.change_info.status = route53.published >= row->revision ? "INSYNC" : "PENDING";
  out.change_info.submitted_at = row->value.submitted_at;
  if (!row->value.comment.empty()) out.change_info.comment = row->value.comment;
  co_return out;
}

// Zones are not signed, and cannot be: EnableHostedZoneDNSSEC is not served.
task<Result<GetDNSSECResponse>> get_dnssec(Route53& route53, const RequestContext& ctx,
                                           GetDNSSECRequest in) {
  LF_CO_OK(find_zone(route53.tables(ctx.scope.account), in.hosted_zone_id));
  GetDNSSECResponse out;
  out.status.serve_signature = "NOT_SIGNING";
  out.key_signing_keys.present = true;
  co_return out;
}

}  // namespace landfall::route53
