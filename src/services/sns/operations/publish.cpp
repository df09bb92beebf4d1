// operations: Publish, PublishBatch
#include <set>

#include "base/bytes.h"
#include "services/sns/shapes.h"

namespace landfall::sns {
namespace {

// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
constexpr std::size_t kMostBytes = 262'144;
constexpr std::size_t kMostSubject = 100;
constexpr std::size_t kMostEntries = 10;

std::unexpected<Error> wrong(std::string message) {
  return errors::invalid_parameter("Invalid parameter: " + std::move(message));
}

Result<AttributeRecord> read_attribute(const std::string& name,
                                       const MessageAttributeValue& value) {
  const auto invalid = [&](std::string_view what) {
    return errors::invalid_parameter_value(
        fmt::format("The message attribute '{}' {}", name, what));
  };
  const std::string& type = value.data_type;
  if (name.empty() || name.size() > 256 || !std::ranges::all_of(name, [](unsigned char c) {
        return std::isalnum(c) || c == '_' || c == '-' || c == '.';
      })) {
    return invalid("has an invalid name");
  }
  if (type.starts_with("Binary")) {
    if (!value.binary_value || value.binary_value->empty())
      return invalid(
          "must contain a non-empty message attribute value for message attribute type "
          "'Binary'.");
    return AttributeRecord{type, base64_encode(*value.binary_value)};
  }
  if (!type.starts_with("String") && !type.starts_with("Number")) {
    return invalid(
        "has an invalid message attribute type, the set of supported type prefixes is Binary, "
        "Number, and String.");
  }
  if (!value.string_value || value.string_value->empty()) {
    return invalid(fmt::format(
        "must contain a non-empty message attribute value for message attribute type '{}'.", type));
  }
  boost::system::error_code error;
  const json::value parsed = json::parse(*value.string_value, error);
  if (type.starts_with("Number") && (error || !parsed.is_number()))
    return invalid("could not be cast to number.");
  if (type == "String.Array" && (error || !parsed.is_array()))
    return invalid("is not a JSON array.");
  return AttributeRecord{type, *value.string_value};
}

Result<void> read_texts(const std::string& message, MessageRecord& out) {
  boost::system::error_code error;
  const json::value parsed = json::parse(message, error);
  if (error || !parsed.is_object())
    return wrong("Message Structure - JSON message body failed to parse");
  for (const auto& [protocol, text] : parsed.get_object()) {
    if (!text.is_string()) continue;
    out.texts[std::string(std::string_view(protocol))] = text.get_string().c_str();
  }
  const auto plain = out.texts.find("default");
  if (plain == out.texts.end())
    return wrong("Message Structure - No default entry in JSON message body");
  out.text = plain->second;
  out.texts.erase(plain);
  return {};
}

// What Publish and an entry of PublishBatch have in common.
template <class In>
Result<MessageRecord> read_message(const In& in) {
  if (in.message_deduplication_id) {
    return wrong(
        "MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that "
        "is not valid for this topic type");
  }
  if (in.message.empty()) return wrong("Empty message");
  MessageRecord out;
  if (in.subject) {
    const bool printable =
        std::ranges::all_of(*in.subject, [](unsigned char c) { return c >= 0x20 && c < 0x7f; });
    if (in.subject->empty() || in.subject->size() > kMostSubject || !printable ||
        in.subject->front() == ' ') {
      return wrong("Subject");
    }
    out.subject = *in.subject;
  }
  std::size_t bytes = in.message.size();
  for (const auto& [name, value] : in.message_attributes) {
    LF_TRY(attribute, read_attribute(name, value));
    bytes += name.size() + attribute.type.size() + attribute.value.size();
    out.attributes[name] = std::move(attribute);
  }
  if (bytes > kMostBytes) return wrong("Message too long");
  if (in.message_structure && *in.message_structure != "json") return wrong("MessageStructure");
  out.text = in.message;
  if (in.message_structure) LF_OK(read_texts(in.message, out));
  return out;
}

Result<void> check_entries(const PublishBatchRequest& in) {
  if (in.publish_batch_request_entries.empty())
    return errors::empty_batch_request("The batch request doesn't contain any entries.");
  if (in.publish_batch_request_entries.size() > kMostEntries) {
    return errors::too_many_entries_in_batch_request(
        "The batch request contains more entries than permissible (more than 10).");
  }
  std::set<std::string> ids;
  std::size_t bytes = 0;
  for (const auto& entry : in.publish_batch_request_entries) {
    const bool good = !entry.id.empty() && entry.id.size() <= 80 &&
                      std::ranges::all_of(entry.id, [](unsigned char c) {
                        return std::isalnum(c) || c == '-' || c == '_';
                      });
    if (!good) {
      return errors::invalid_batch_entry_id(
          "The Id of a batch entry in a batch request doesn't abide by the specification.");
    }
    if (!ids.insert(entry.id).second) {
      return errors::batch_entry_ids_not_distinct(
          "Two or more batch entries in the request have the same Id.");
    }
    bytes += entry.message.size();
  }
  if (bytes > kMostBytes) {
    return errors::batch_request_too_long(
        "The length of all the batch messages put together is more than the limit.");
  }
  return {};
}

}  // namespace

task<Result<PublishResponse>> publish(Sns& sns, const RequestContext& ctx, PublishRequest in) {
  if (in.phone_number) co_return wrong("PhoneNumber Reason: text messages are not served here");
  if (!in.topic_arn && !in.target_arn)
    co_return wrong("TopicArn or TargetArn Reason: no value for required parameter");
  if (in.topic_arn && in.target_arn)
    co_return wrong("TopicArn or TargetArn Reason: only one of them may be given");
  const std::string arn = in.topic_arn ? *in.topic_arn : *in.target_arn;
  LF_CO_OK(sns.open(ctx, "Publish", arn));
  LF_CO_TRY(topic, parse_topic(arn));
  LF_CO_TRY(message, read_message(in));
  LF_CO_TRY(id, co_await sns.publish(topic, std::move(message)));
  co_return PublishResponse{.message_id = id};
}

task<Result<PublishBatchResponse>> publish_batch(Sns& sns, const RequestContext& ctx,
                                                 PublishBatchRequest in) {
  LF_CO_OK(sns.open(ctx, "Publish", in.topic_arn));
  LF_CO_TRY(topic, parse_topic(in.topic_arn));
  LF_CO_OK(check_entries(in));
  PublishBatchResponse out;
  out.successful.present = out.failed.present = true;
  for (const auto& entry : in.publish_batch_request_entries) {
    auto message = read_message(entry);
    Result<std::string> id;
    if (message) {
      id = co_await sns.publish(topic, std::move(*message));
    } else {
      id = std::unexpected(message.error());
    }
    if (id) {
      out.successful.push_back({.id = entry.id, .message_id = *id});
    } else {
      out.failed.push_back({.id = entry.id,
                            .code = id.error().code,
                            .message = id.error().message,
                            .sender_fault = id.error().http_status < 500});
    }
  }
  co_return out;
}

}  // namespace landfall::sns
