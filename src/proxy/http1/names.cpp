#include "proxy/http1/head.h"
#include "proxy/http1/scan.h"

namespace landfall::proxy::http1 {

Name name_of(std::string_view name) {
  const auto is = [&](std::string_view lower_name, Name known) {
    return equals_lower(name, lower_name) ? known : Name::other;
  };
  // The length decides nearly always, so at most two comparisons are made.
  switch (name.size()) {
    case 2:
      return is("te", Name::te);
    case 4:
      return is("host", Name::host);
    case 6:
      switch (lower(name[0])) {
        case 'c':
          return is("cookie", Name::cookie);
        case 'e':
          return is("expect", Name::expect);
        case 's':
          return is("server", Name::server);
        default:
          return Name::other;
      }
    case 7:
      return lower(name[0]) == 't' ? is("trailer", Name::trailer) : is("upgrade", Name::upgrade);
    case 10:
      switch (lower(name[0])) {
        case 'c':
          return is("connection", Name::connection);
        case 'k':
          return is("keep-alive", Name::keep_alive);
        case 's':
          return is("set-cookie", Name::set_cookie);
        case 'u':
          return is("user-agent", Name::user_agent);
        default:
          return Name::other;
      }
    case 14:
      return lower(name[0]) == 'c' ? is("content-length", Name::content_length)
                                   : is("http2-settings", Name::http2_settings);
    case 15:
      return lower(name[2]) == 'a' ? is("x-amzn-trace-id", Name::x_amzn_trace_id)
                                   : is("x-forwarded-for", Name::x_forwarded_for);
    case 16:
      return lower(name[0]) == 'p' ? is("proxy-connection", Name::proxy_connection)
                                   : is("x-forwarded-port", Name::x_forwarded_port);
    case 17:
      return lower(name[0]) == 't' ? is("transfer-encoding", Name::transfer_encoding)
                                   : is("x-forwarded-proto", Name::x_forwarded_proto);
    default:
      return Name::other;
  }
}

std::string_view reason_text(Reason reason) {
  switch (reason) {
    case Reason::none:
      return "-";
    case Reason::ambiguous_uri:
      return "AmbiguousUri";
    case Reason::bad_content_length:
      return "BadContentLength";
    case Reason::bad_header:
      return "BadHeader";
    case Reason::bad_method:
      return "BadMethod";
    case Reason::bad_transfer_encoding:
      return "BadTransferEncoding";
    case Reason::bad_uri:
      return "BadUri";
    case Reason::bad_version:
      return "BadVersion";
    case Reason::both_te_cl_present:
      return "BothTeClPresent";
    case Reason::duplicate_content_length:
      return "DuplicateContentLength";
    case Reason::empty_header:
      return "EmptyHeader";
    case Reason::get_head_zero_content_length:
      return "GetHeadZeroContentLength";
    case Reason::multiple_content_length:
      return "MultipleContentLength";
    case Reason::multiple_transfer_encoding_chunked:
      return "MultipleTransferEncodingChunked";
    case Reason::non_compliant_header:
      return "NonCompliantHeader";
    case Reason::non_compliant_version:
      return "NonCompliantVersion";
    case Reason::space_in_uri:
      return "SpaceInUri";
    case Reason::suspicious_header:
      return "SuspiciousHeader";
    case Reason::undefined_content_length_semantics:
      return "UndefinedContentLengthSemantics";
    case Reason::undefined_transfer_encoding_semantics:
      return "UndefinedTransferEncodingSemantics";
  }
  return "-";
}

std::string_view severity_text(Severity severity) {
  switch (severity) {
    case Severity::compliant:
      return "Compliant";
    case Severity::acceptable:
      return "Acceptable";
    case Severity::ambiguous:
      return "Ambiguous";
    case Severity::severe:
      return "Severe";
  }
  return "-";
}

}  // namespace landfall::proxy::http1
