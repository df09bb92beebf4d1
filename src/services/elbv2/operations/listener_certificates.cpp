// operations: AddListenerCertificates, RemoveListenerCertificates, DescribeListenerCertificates
#include "services/elbv2/find.h"
#include "services/elbv2/listener_settings.h"
#include "wire/elbv2/errors.h"
#include "wire/elbv2/operations.h"

namespace landfall::elbv2 {
namespace {

constexpr std::size_t kMostCertificates = 25;  // beside the default one

Result<void> check_secure(const ListenerRecord& listener) {
  if (listener.secure()) return {};
  return fail("ValidationError",
              fmt::format("A {} listener has no certificates", listener.protocol));
}

}  // namespace

task<Result<AddListenerCertificatesResponse>> add_listener_certificates(
    Elbv2& elbv2, const RequestContext& ctx, AddListenerCertificatesRequest in) {
  const Tables tables = elbv2.tables(ctx.scope);
  auto guard = co_await elbv2.writing.enter();
  LF_CO_TRY(row, find_listener(tables, ctx.scope, in.listener_arn));
  ListenerRecord& listener = row.value;
  LF_CO_OK(check_secure(listener));
  AddListenerCertificatesResponse out;
  for (const Certificate& certificate : in.certificates) {
    if (certificate.is_default)
      co_return fail("ValidationError", "IsDefault cannot be set when certificates are added");
    const std::string arn = certificate.certificate_arn.value_or("");
    LF_CO_OK(check_certificate(elbv2, ctx.scope, arn));
    if (std::ranges::find(listener.certificates, arn) == listener.certificates.end())
      listener.certificates.push_back(arn);
    Certificate& added = out.certificates.emplace_back();
    added.certificate_arn = arn;
    added.is_default = false;
  }
  if (listener.certificates.size() > kMostCertificates) {
    co_return errors::too_many_certificates(
        fmt::format("A listener can have at most {} certificates", kMostCertificates));
  }
  LF_CO_OK(
      co_await commit(elbv2, std::move(guard), {{}, {tables.listeners.put(row.id, listener)}}));
  co_return out;
}

task<Result<RemoveListenerCertificatesResponse>> remove_listener_certificates(
    Elbv2& elbv2, const RequestContext& ctx, RemoveListenerCertificatesRequest in) {
  const Tables tables = elbv2.tables(ctx.scope);
  auto guard = co_await elbv2.writing.enter();
  LF_CO_TRY(row, find_listener(tables, ctx.scope, in.listener_arn));
  ListenerRecord& listener = row.value;
  LF_CO_OK(check_secure(listener));
  for (const Certificate& certificate : in.certificates) {
    const std::string arn = certificate.certificate_arn.value_or("");
    const bool there = std::erase(listener.certificates, arn) > 0;
    if (!there && arn == listener.certificate) {
      co_return errors::operation_not_permitted(
          "The default certificate cannot be removed from a listener");
    }
  }
  LF_CO_OK(
      co_await commit(elbv2, std::move(guard), {{}, {tables.listeners.put(row.id, listener)}}));
  co_return RemoveListenerCertificatesResponse{};
}

task<Result<DescribeListenerCertificatesResponse>> describe_listener_certificates(
    Elbv2& elbv2, const RequestContext& ctx, DescribeListenerCertificatesRequest in) {
  LF_CO_TRY(row, find_listener(elbv2.tables(ctx.scope), ctx.scope, in.listener_arn));
  std::vector<Certificate> found;
  const auto add = [&](const std::string& arn, bool is_default) {
    Certificate& certificate = found.emplace_back();
    certificate.certificate_arn = arn;
    certificate.is_default = is_default;
  };
  if (!row.value.certificate.empty()) add(row.value.certificate, true);
  for (const std::string& arn : row.value.certificates) add(arn, false);
  DescribeListenerCertificatesResponse out;
  LF_CO_TRY(next, page(found, "listener-certificates", in.marker, in.page_size,
                       [](const Certificate& certificate) {
                         return (*certificate.is_default ? "0" : "1") +
                                certificate.certificate_arn.value_or("");
                       }));
  out.next_marker = next;
  for (Certificate& certificate : found) out.certificates.push_back(std::move(certificate));
  co_return out;
}

}  // namespace landfall::elbv2
