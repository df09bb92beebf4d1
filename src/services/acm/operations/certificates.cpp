// operations: DescribeCertificate, GetCertificate, ListCertificates, DeleteCertificate
#include "services/acm/shapes.h"
#include "store/pagination.h"
#include "wire/acm/errors.h"
#include "wire/acm/operations.h"

namespace landfall::acm {
namespace {

bool among(const wire::List<std::string>& wanted, const std::string& value) {
  return wanted.empty() || std::ranges::find(wanted, value) != wanted.end();
}

bool any_among(const wire::List<std::string>& wanted, const wire::List<std::string>& values) {
  return wanted.empty() || std::ranges::any_of(values, [&](const std::string& value) {
           return std::ranges::find(wanted, value) != wanted.end();
         });
}

bool passes(const ListCertificatesRequest& in, const CertificateSummary& summary) {
  if (!among(in.certificate_statuses, summary.status.value_or(""))) return false;
  // Without a filter AWS shows RSA keys up to 2048 bits only.
  // https://docs.aws.amazon.com/acm/latest/APIReference/API_Filters.html
  const std::string key = summary.key_algorithm.value_or("");
  if (!in.includes || in.includes->key_types.empty()) {
    if (key != "RSA_1024" && key != "RSA_2048") return false;
  } else if (!among(in.includes->key_types, key)) {
    return false;
  }
  if (!in.includes) return true;
  return any_among(in.includes->key_usage, summary.key_usages) &&
         any_among(in.includes->extended_key_usage, summary.extended_key_usages) &&
         in.includes->export_option.value_or(*summary.export_option) == *summary.export_option &&
         !in.includes->managed_by;
}

}  // namespace

task<Result<DescribeCertificateResponse>> describe_certificate(Acm& acm, const RequestContext& ctx,
                                                               DescribeCertificateRequest in) {
  LF_CO_TRY(row, find(acm, ctx.scope, in.certificate_arn));
  DescribeCertificateResponse out;
  out.certificate = to_detail(acm, row.value);
  co_return out;
}

task<Result<GetCertificateResponse>> get_certificate(Acm& acm, const RequestContext& ctx,
                                                     GetCertificateRequest in) {
  LF_CO_TRY(row, find(acm, ctx.scope, in.certificate_arn));
  if (!row.value.issued()) {
    co_return errors::request_in_progress(
        fmt::format("The certificate {} is not issued yet", in.certificate_arn));
  }
  GetCertificateResponse out;
  out.certificate = row.value.certificate_pem;
  if (!row.value.chain_pem.empty()) out.certificate_chain = row.value.chain_pem;
  co_return out;
}

task<Result<ListCertificatesResponse>> list_certificates(Acm& acm, const RequestContext& ctx,
                                                         ListCertificatesRequest in) {
  const auto last = store::read_page_token("certificates", in.next_token);
  if (!last) co_return errors::validation("The next token is not valid");
  if (in.sort_by.value_or("CREATED_AT") != "CREATED_AT")
    co_return errors::invalid_args("SortBy must be CREATED_AT");
  std::vector<CertificateSummary> found;
  for (const auto& row : acm.certificates(ctx.scope).list()) {
    CertificateSummary summary = to_summary(acm, row.value);
    if (passes(in, summary)) found.push_back(std::move(summary));
  }
  const bool descending = in.sort_by && in.sort_order.value_or("ASCENDING") == "DESCENDING";
  const auto place = [](const CertificateSummary& summary) {
    return fmt::format("{:015d} {}", to_unix_ms(*summary.created_at), *summary.certificate_arn);
  };
  std::ranges::sort(found, [&](const auto& a, const auto& b) {
    return descending ? place(b) < place(a) : place(a) < place(b);
  });
  std::erase_if(found, [&](const CertificateSummary& summary) {
    if (last->empty()) return false;
    return descending ? place(summary) >= *last : place(summary) <= *last;
  });
  ListCertificatesResponse out;
  out.next_token =
      store::cut_page(found, std::size_t(in.max_items.value_or(1000)), place, "certificates");
  for (CertificateSummary& summary : found)
    out.certificate_summary_list.push_back(std::move(summary));
  co_return out;
}

task<Result<DeleteCertificateResponse>> delete_certificate(Acm& acm, const RequestContext& ctx,
                                                           DeleteCertificateRequest in) {
  LF_CO_TRY(row, find(acm, ctx.scope, in.certificate_arn));
  if (!acm.used_by(row.value).empty()) {
    co_return errors::resource_in_use(fmt::format("Certificate {} in account {} is in use.",
                                                  in.certificate_arn, ctx.scope.account));
  }
  const auto table = acm.certificates(ctx.scope);
  LF_CO_TRY(done, co_await acm.store.commit({{}, {table.remove(row.id)}}));
  (void)done;
  co_return DeleteCertificateResponse{};
}

}  // namespace landfall::acm
