// Input of the query and ec2 protocols: form parameters whose names are paths, "Filter.1.Value.2".
// https://smithy.io/2.0/aws/protocols/aws-query-protocol.html, aws-ec2-query-protocol.html
#pragma once

#include "http/message.h"
#include "wire/problems.h"

namespace landfall::wire {

// As read_json; a value that is not of its type is an error in the words of the service.
Result<void> read_form(const Shape& shape, const http::Parameters& parameters, void* out,
                       Problems& problems);

}  // namespace landfall::wire
