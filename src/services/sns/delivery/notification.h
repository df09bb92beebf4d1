// What subscribers are sent, and its signature.
// https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
#pragma once

#include "services/sns/service.h"

namespace landfall::sns {

// The fields that are signed, by name and in order, one line each.
// https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
std::string string_to_sign(const json::object& notification);
// base64; version "1" is SHA-1, "2" SHA-256. Error "signing-failed".
Result<std::string> sign(const std::string& key_pem, const std::string& text,
                         const std::string& version);

std::string certificate_path(const std::string& id);  // "/SimpleNotificationService-....pem"

// The text for a protocol: its own where the message has one.
const std::string& text_for(const MessageRecord& message, const std::string& protocol);
// The signed JSON.
Result<std::string> notification(const Sns& sns, const TopicName& topic, const TopicRecord& record,
                                 const MessageRecord& message, const DeliveryRecord& delivery,
                                 const SigningRecord& signing);

}  // namespace landfall::sns
