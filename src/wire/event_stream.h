// AWS's event stream: messages with headers on one connection, the form of answers that do not end.
// https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html describes the
// bytes.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace landfall::wire {

// Names and values of text; a name is at most 255 bytes, a value 32 KiB.
using EventHeaders = std::vector<std::pair<std::string_view, std::string_view>>;

std::string encode_message(const EventHeaders& headers, std::string_view payload);
// An event with a JSON payload.
std::string encode_event(std::string_view type, std::string_view json);
// The error that ends a stream.
std::string encode_exception(std::string_view type, std::string_view json);

}  // namespace landfall::wire
