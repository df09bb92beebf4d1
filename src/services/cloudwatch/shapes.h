// What the operations have in common: records as the API shows them, and back.
#pragma once

#include "services/cloudwatch/queries.h"
#include "store/pagination.h"
#include "wire/cloudwatch/errors.h"
#include "wire/cloudwatch/operations.h"

namespace landfall::cloudwatch {

MetricAlarm to_metric_alarm(const Scope& scope, const AlarmRecord& alarm);
CompositeAlarm to_composite_alarm(const Scope& scope, const AlarmRecord& alarm);
wire::List<Dimension> to_dimensions(const std::map<std::string, std::string>& dimensions);

// Dimensions as a request names them. Error InvalidParameterValue: a name twice.
Result<MetricKey> read_metric(const std::string& space, const std::string& name,
                              const wire::List<Dimension>& dimensions);
// Error InvalidNextToken.
Result<std::string> read_page(std::string_view list, const std::optional<std::string>& token);
Result<std::map<std::string, std::string>> read_tags(const wire::List<Tag>& tags);

}  // namespace landfall::cloudwatch
