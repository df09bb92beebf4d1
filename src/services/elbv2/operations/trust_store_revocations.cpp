// operations: AddTrustStoreRevocations, DescribeTrustStoreRevocations, RemoveTrustStoreRevocations
#include "services/elbv2/bucket_file.h"
#include "services/elbv2/find.h"
#include "services/elbv2/trust_bundle.h"
#include "wire/elbv2/errors.h"
#include "wire/elbv2/operations.h"

namespace landfall::elbv2 {
namespace {

std::unexpected<Error> not_found(std::int64_t id) {
  return errors::revocation_id_not_found(fmt::format("Revocation '{}' not found", id));
}

}  // namespace

task<Result<AddTrustStoreRevocationsResponse>> add_trust_store_revocations(
    Elbv2& elbv2, const RequestContext& ctx, AddTrustStoreRevocationsRequest in) {
  const Tables tables = elbv2.tables(ctx.scope);
  LF_CO_OK(find_trust_store(tables, ctx.scope, in.trust_store_arn));
  if (in.revocation_contents.empty())
    co_return fail("ValidationError", "At least one revocation file must be specified");
  std::vector<RevocationRecord> files;
  for (const RevocationContent& content : in.revocation_contents) {
    auto file =
        co_await read_bucket_file(elbv2,
                                  {content.s3_bucket.value_or(""), content.s3_key.value_or(""),
                                   content.s3_object_version.value_or("")},
                                  kLargestFile);
    if (!file) co_return errors::revocation_content_not_found(file.error().message);
    LF_CO_TRY(entries, check_revocations(*file));
    files.push_back({0, entries, std::move(*file)});
  }
  auto guard = co_await elbv2.writing.enter();
  LF_CO_TRY(row, find_trust_store(tables, ctx.scope, in.trust_store_arn));
  TrustStoreRecord& record = row.value;
  if (tables.revocations.list(record.id + "/").size() + files.size() > kMostRevocationFiles) {
    co_return errors::too_many_trust_store_revocation_entries(
        fmt::format("A trust store can have at most {} revocation files", kMostRevocationFiles));
  }
  store::Transaction transaction;
  AddTrustStoreRevocationsResponse out;
  for (RevocationRecord& file : files) {
    file.id = ++record.last_revocation_id;
    record.revoked_entries += file.entries;
    transaction.operations.push_back(tables.revocations.put(revocation_key(record, file.id), file));
    TrustStoreRevocation& shape = out.trust_store_revocations.emplace_back();
    shape.trust_store_arn = record.arn();
    shape.revocation_id = file.id;
    shape.revocation_type = "CRL";
    shape.number_of_revoked_entries = file.entries;
  }
  if (record.revoked_entries > kMostRevokedEntries) {
    co_return errors::too_many_trust_store_revocation_entries(
        fmt::format("A trust store can have at most {} revocation entries", kMostRevokedEntries));
  }
  transaction.operations.push_back(tables.trust_stores.put(row.id, record));
  LF_CO_OK(co_await commit(elbv2, std::move(guard), std::move(transaction)));
  co_return out;
}

task<Result<DescribeTrustStoreRevocationsResponse>> describe_trust_store_revocations(
    Elbv2& elbv2, const RequestContext& ctx, DescribeTrustStoreRevocationsRequest in) {
  const Tables tables = elbv2.tables(ctx.scope);
  LF_CO_TRY(store, find_trust_store(tables, ctx.scope, in.trust_store_arn));
  std::vector<store::Row<RevocationRecord>> found;
  for (const std::int64_t id : in.revocation_ids) {
    auto row = tables.revocations.get(revocation_key(store.value, id));
    if (!row) co_return not_found(id);
    found.push_back(std::move(*row));
  }
  if (in.revocation_ids.empty()) found = tables.revocations.list(store.value.id + "/");
  DescribeTrustStoreRevocationsResponse out;
  LF_CO_TRY(next, page(found, "trust-store-revocations", in.marker, in.page_size,
                       [](const store::Row<RevocationRecord>& row) { return row.id; }));
  out.next_marker = next;
  out.trust_store_revocations.present = true;
  for (const auto& row : found) {
    DescribeTrustStoreRevocation& shape = out.trust_store_revocations.emplace_back();
    shape.trust_store_arn = store.value.arn();
    shape.revocation_id = row.value.id;
    shape.revocation_type = "CRL";
    shape.number_of_revoked_entries = row.value.entries;
  }
  co_return out;
}

task<Result<RemoveTrustStoreRevocationsResponse>> remove_trust_store_revocations(
    Elbv2& elbv2, const RequestContext& ctx, RemoveTrustStoreRevocationsRequest in) {
  const Tables tables = elbv2.tables(ctx.scope);
  auto guard = co_await elbv2.writing.enter();
  LF_CO_TRY(row, find_trust_store(tables, ctx.scope, in.trust_store_arn));
  store::Transaction transaction;
  const std::set<std::int64_t> ids(in.revocation_ids.begin(), in.revocation_ids.end());
  for (const std::int64_t id : ids) {
    const auto file = tables.revocations.get(revocation_key(row.value, id));
    if (!file) co_return not_found(id);
    row.value.revoked_entries -= file->value.entries;
    transaction.operations.push_back(tables.revocations.remove(file->id));
  }
  transaction.operations.push_back(tables.trust_stores.put(row.id, row.value));
  LF_CO_OK(co_await commit(elbv2, std::move(guard), std::move(transaction)));
  co_return RemoveTrustStoreRevocationsResponse{};
}

}  // namespace landfall::elbv2
