#include "services/acm/keeper.h"

#include "base/log.h"

namespace landfall::acm {
namespace {

constexpr Millis kLookAgain = std::chrono::seconds(2);
constexpr Millis kRenewalPoll = std::chrono::hours(12);
constexpr std::chrono::days kRenewalWindow(60);

}  // namespace

std::vector<std::string> unvalidated(const CertificateRecord& record, const Acm& acm) {
  std::vector<std::string> out;
  for (const std::string& name : record.names) {
    if (!acm.cname_exists) continue;
    ValidationRecord wanted = validation_record(record, name);
    wanted.name.pop_back();  // the final dot
    wanted.value.pop_back();
    const auto exists = acm.cname_exists(record.account, wanted.name, wanted.value);
    if (exists && !*exists) out.push_back(name);
  }
  return out;
}

bool renewal_due(const CertificateRecord& record, TimePoint now) {
  return record.type == "AMAZON_ISSUED" && record.issued() &&
         now + kRenewalWindow >= record.not_after;
}

Keeper::Keeper(Acm& acm)
    : acm_(acm),
      controller_(acm.loop, acm.store, acm.clock, acm.random,
                  {.name = "acm", .sources = {{std::string(kRoot)}}},
                  [this](std::string key) { return reconcile(std::move(key)); }) {}

task<Result<reconcile::Requeue>> Keeper::reconcile(std::string key) {
  const auto kept = acm_.store.get(key);
  if (!kept) co_return reconcile::Requeue{};
  const auto read = record::from_text<CertificateRecord>(kept->value);
  if (!read) co_return reconcile::Requeue{};
  CertificateRecord certificate = *read;
  const bool pending = certificate.status == "PENDING_VALIDATION";
  if (!pending && !renewal_due(certificate, acm_.clock.now()))
    co_return reconcile::Requeue{kRenewalPoll};
  if (!unvalidated(certificate, acm_).empty()) {
    // AWS gives up after three days.
    if (pending && acm_.clock.now() - certificate.created_at > std::chrono::hours(72)) {
      certificate.status = "VALIDATION_TIMED_OUT";
      LF_CO_TRY(done,
                co_await acm_.store.commit(
                    {{{key, kept->mod_revision}},
                     {acm_.certificates(certificate.scope()).put(certificate.id, certificate)}}));
      (void)done;
      co_return reconcile::Requeue{};
    }
    co_return reconcile::Requeue{pending ? kLookAgain : kRenewalPoll};
  }
  LF_CO_OK(co_await issue(acm_, certificate));
  // Changed meanwhile: the change leads here again.
  LF_CO_TRY(done, co_await acm_.store.commit(
                      {{{key, kept->mod_revision}},
                       {acm_.certificates(certificate.scope()).put(certificate.id, certificate)}}));
  if (done.succeeded)
    log::info("acm", "{} is issued for {}", certificate.arn(), certificate.domain);
  co_return reconcile::Requeue{};
}

}  // namespace landfall::acm
