#include "wire/service.h"

namespace landfall::wire {

const Operation* find_operation(const ServiceModel& service, std::string_view name) {
  const auto found = std::ranges::lower_bound(service.operations, name, {}, &Operation::name);
  return found != service.operations.end() && found->name == name ? &*found : nullptr;
}

const ErrorShape* find_error(const ServiceModel& service, std::string_view name_or_code) {
  // Several shapes may share a code, so a name goes first.
  const auto named = std::ranges::find(service.errors, name_or_code, &ErrorShape::name);
  if (named != service.errors.end()) return &*named;
  const auto coded = std::ranges::find(service.errors, name_or_code, &ErrorShape::code);
  return coded == service.errors.end() ? nullptr : &*coded;
}

Error operation_missing(const ServiceModel& service, std::string_view name) {
  const std::string shown(name.substr(0, 128));
  if (std::ranges::binary_search(service.unserved, name)) {
    return {"NotImplemented",
            fmt::format("Landfall does not implement the operation {} of {}.", shown,
                        service.full_name),
            501};
  }
  // https://docs.aws.amazon.com/AWSEC2/latest/APIReference/CommonErrors.html and the JSON services'
  // behaviour.
  if (service.protocol == Protocol::query || service.protocol == Protocol::ec2) {
    return {"InvalidAction",
            fmt::format("The action {} is not valid for this web service.",
                        shown.empty() ? "(none)" : shown),
            400};
  }
  return {"UnknownOperationException",
          shown.empty() ? "The request names no operation."
                        : fmt::format("{} has no operation {}.", service.full_name, shown),
          400};
}

}  // namespace landfall::wire
