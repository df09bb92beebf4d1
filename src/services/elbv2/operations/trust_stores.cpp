// operations: CreateTrustStore, DescribeTrustStores, ModifyTrustStore, DeleteTrustStore
// operations: DescribeTrustStoreAssociations
// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/mutual-authentication.html
#include "services/elbv2/bucket_file.h"
#include "services/elbv2/find.h"
#include "services/elbv2/trust_bundle.h"
#include "wire/elbv2/errors.h"
#include "wire/elbv2/operations.h"

namespace landfall::elbv2 {
namespace {

constexpr std::size_t kMostTrustStores = 20;

TrustStore to_shape(const TrustStoreRecord& record) {
  TrustStore out;
  out.name = record.name;
  out.trust_store_arn = record.arn();
  out.status = "ACTIVE";
  out.number_of_ca_certificates = record.number_of_authorities;
  out.total_revoked_entries = record.revoked_entries;
  return out;
}

// The bundle at a place of a bucket. Errors: CaCertificatesBundleNotFound,
// InvalidCaCertificatesBundle.
task<Result<void>> read_bundle(Elbv2& elbv2, BucketPlace place, TrustStoreRecord& record) {
  auto file = co_await read_bucket_file(elbv2, std::move(place), kLargestFile);
  if (!file) co_return errors::ca_certificates_bundle_not_found(file.error().message);
  LF_CO_TRY(count, check_authorities(*file));
  record.authorities = std::move(*file);
  record.number_of_authorities = count;
  co_return Result<void>();
}

std::vector<std::string> users_of(const Tables& tables, const std::string& arn) {
  std::vector<std::string> out;
  for (const auto& row : tables.listeners.list())
    if (row.value.trust_store == arn) out.push_back(row.value.arn());
  return out;
}

}  // namespace

task<Result<CreateTrustStoreResponse>> create_trust_store(Elbv2& elbv2, const RequestContext& ctx,
                                                          CreateTrustStoreRequest in) {
  TrustStoreRecord record;
  record.name = in.name;
  record.id = elbv2.new_id();
  record.account = ctx.scope.account;
  record.region = ctx.scope.region;
  LF_CO_TRY(tags, read_tags(in.tags));
  record.tags = std::move(tags);
  LF_CO_OK(
      co_await read_bundle(elbv2,
                           {in.ca_certificates_bundle_s3_bucket, in.ca_certificates_bundle_s3_key,
                            in.ca_certificates_bundle_s3_object_version.value_or("")},
                           record));
  const Tables tables = elbv2.tables(ctx.scope);
  auto guard = co_await elbv2.writing.enter();
  if (tables.trust_stores.get(record.name)) {
    co_return errors::duplicate_trust_store_name(
        fmt::format("A trust store with the name '{}' already exists", record.name));
  }
  if (tables.trust_stores.list().size() >= kMostTrustStores) {
    co_return errors::too_many_trust_stores(
        fmt::format("A region can have at most {} trust stores", kMostTrustStores));
  }
  LF_CO_OK(co_await commit(
      elbv2, std::move(guard),
      {{tables.trust_stores.absent(record.name)}, {tables.trust_stores.put(record.name, record)}}));
  CreateTrustStoreResponse out;
  out.trust_stores.push_back(to_shape(record));
  co_return out;
}

task<Result<DescribeTrustStoresResponse>> describe_trust_stores(Elbv2& elbv2,
                                                                const RequestContext& ctx,
                                                                DescribeTrustStoresRequest in) {
  const Tables tables = elbv2.tables(ctx.scope);
  std::vector<TrustStoreRow> found;
  for (const std::string& arn : in.trust_store_arns) {
    LF_CO_TRY(row, find_trust_store(tables, ctx.scope, arn));
    found.push_back(std::move(row));
  }
  for (const std::string& name : in.names) {
    auto row = tables.trust_stores.get(name);
    if (!row)
      co_return errors::trust_store_not_found(fmt::format("Trust store '{}' not found", name));
    found.push_back(std::move(*row));
  }
  if (in.trust_store_arns.empty() && in.names.empty()) found = tables.trust_stores.list();
  DescribeTrustStoresResponse out;
  LF_CO_TRY(next, page(found, "trust-stores", in.marker, in.page_size,
                       [](const TrustStoreRow& row) { return row.id; }));
  out.next_marker = next;
  out.trust_stores.present = true;
  for (const TrustStoreRow& row : found) out.trust_stores.push_back(to_shape(row.value));
  co_return out;
}

task<Result<ModifyTrustStoreResponse>> modify_trust_store(Elbv2& elbv2, const RequestContext& ctx,
                                                          ModifyTrustStoreRequest in) {
  const Tables tables = elbv2.tables(ctx.scope);
  LF_CO_OK(find_trust_store(tables, ctx.scope, in.trust_store_arn));
  TrustStoreRecord fresh;
  LF_CO_OK(
      co_await read_bundle(elbv2,
                           {in.ca_certificates_bundle_s3_bucket, in.ca_certificates_bundle_s3_key,
                            in.ca_certificates_bundle_s3_object_version.value_or("")},
                           fresh));
  auto guard = co_await elbv2.writing.enter();
  LF_CO_TRY(row, find_trust_store(tables, ctx.scope, in.trust_store_arn));
  row.value.authorities = std::move(fresh.authorities);
  row.value.number_of_authorities = fresh.number_of_authorities;
  LF_CO_OK(
      co_await commit(elbv2, std::move(guard), {{}, {tables.trust_stores.put(row.id, row.value)}}));
  ModifyTrustStoreResponse out;
  out.trust_stores.push_back(to_shape(row.value));
  co_return out;
}

task<Result<DeleteTrustStoreResponse>> delete_trust_store(Elbv2& elbv2, const RequestContext& ctx,
                                                          DeleteTrustStoreRequest in) {
  const Tables tables = elbv2.tables(ctx.scope);
  auto guard = co_await elbv2.writing.enter();
  LF_CO_TRY(row, find_trust_store(tables, ctx.scope, in.trust_store_arn));
  if (const auto users = users_of(tables, in.trust_store_arn); !users.empty()) {
    co_return errors::trust_store_in_use(fmt::format(
        "Trust store '{}' is currently in use by listener '{}'", in.trust_store_arn, users[0]));
  }
  store::Transaction transaction;
  transaction.operations.push_back(tables.trust_stores.remove(row.id));
  for (const auto& file : tables.revocations.list(row.value.id + "/"))
    transaction.operations.push_back(tables.revocations.remove(file.id));
  LF_CO_OK(co_await commit(elbv2, std::move(guard), std::move(transaction)));
  co_return DeleteTrustStoreResponse{};
}

task<Result<DescribeTrustStoreAssociationsResponse>> describe_trust_store_associations(
    Elbv2& elbv2, const RequestContext& ctx, DescribeTrustStoreAssociationsRequest in) {
  const Tables tables = elbv2.tables(ctx.scope);
  LF_CO_OK(find_trust_store(tables, ctx.scope, in.trust_store_arn));
  std::vector<std::string> users = users_of(tables, in.trust_store_arn);
  DescribeTrustStoreAssociationsResponse out;
  LF_CO_TRY(next, page(users, "trust-store-associations", in.marker, in.page_size,
                       [](const std::string& arn) { return arn; }));
  out.next_marker = next;
  out.trust_store_associations.present = true;
  for (std::string& arn : users)
    out.trust_store_associations.emplace_back().resource_arn = std::move(arn);
  co_return out;
}

}  // namespace landfall::elbv2
