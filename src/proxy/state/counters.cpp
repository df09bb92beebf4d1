#include "proxy/state/counters.h"

namespace landfall::proxy {

std::string_view count_name(Count count) {
  static constexpr std::array<std::string_view, static_cast<std::size_t>(Count::last)> kNames = {
      "RequestCount",
      "NewConnectionCount",
      "ClosedConnectionCount",
      "RejectedConnectionCount",
      "ProcessedBytes",
      "RuleEvaluations",
      "HTTPCode_ELB_3XX_Count",
      "HTTPCode_ELB_4XX_Count",
      "HTTPCode_ELB_5XX_Count",
      "HTTPCode_ELB_500_Count",
      "HTTPCode_ELB_502_Count",
      "HTTPCode_ELB_503_Count",
      "HTTPCode_ELB_504_Count",
      "HTTPCode_Target_2XX_Count",
      "HTTPCode_Target_3XX_Count",
      "HTTPCode_Target_4XX_Count",
      "HTTPCode_Target_5XX_Count",
      "HTTP_Fixed_Response_Count",
      "HTTP_Redirect_Count",
      "HTTP_Redirect_Url_Limit_Exceeded_Count",
      "TargetConnectionErrorCount",
      "TargetTLSNegotiationErrorCount",
      "ClientTLSNegotiationErrorCount",
      "NonStickyRequestCount",
      "GrpcRequestCount",
      "DesyncMitigationMode_NonCompliant_Request_Count",
      "DroppedInvalidHeaderRequestCount",
      "ForwardedInvalidHeaderRequestCount",
      "UnhealthyRoutingRequestCount",
      "TCP_Client_Reset_Count",
      "TCP_Target_Reset_Count",
      "TCP_ELB_Reset_Count",
      "ELBAuthError",
      "ELBAuthFailure",
      "ELBAuthSuccess",
      "ELBAuthRefreshTokenSuccess",
      "ELBAuthUserClaimsSizeExceeded",
  };
  return kNames[static_cast<std::size_t>(count)];
}

Tally::Tally(unsigned threads)
    : threads_(threads), parts_(new std::atomic<Counters*>[threads * kZones]()) {}

Tally::~Tally() {
  for (unsigned i = 0; i < threads_ * kZones; ++i) delete parts_[i].load();
}

Counters& Tally::make(std::atomic<Counters*>& part) {
  auto* made = new Counters;
  part.store(made, std::memory_order_release);
  return *made;
}

}  // namespace landfall::proxy
