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
  };
  return kNames[static_cast<std::size_t>(count)];
}

}  // namespace landfall::proxy
