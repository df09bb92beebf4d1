// What SNS keeps, per account and region: topics/<name>, subscriptions/<topic>/<id>,
// messages/<message id>, deliveries/<message id>/<subscription id>; for all: signing.
#pragma once

#include "base/record.h"

namespace landfall::sns {

struct TopicRecord {
  std::string name;
  std::string display_name;
  std::string policy;           // JSON; empty: the default one
  std::string delivery_policy;  // JSON as given; empty: the default one
  std::string signature_version = "1";
  // "HTTPSuccessFeedbackRoleArn" and so on.
  std::map<std::string, std::string> feedback;
  std::map<std::string, std::string> tags;
  TimePoint created{};
};
LF_RECORD(TopicRecord, name, display_name, policy, delivery_policy, signature_version, feedback,
          tags, created)

struct SubscriptionRecord {
  std::string id;  // UUID: the last part of the ARN
  std::string topic;
  std::string owner;     // account
  std::string protocol;  // "http", "https", "cloudwatch-logs"
  std::string endpoint;
  bool confirmed = false;
  bool authenticated = false;  // whoever confirmed it was somebody with credentials
  bool authenticate_on_unsubscribe = false;
  std::string token;
  TimePoint token_expires{};
  bool raw = false;
  std::string filter_policy;  // JSON; empty: none
  std::string filter_scope = "MessageAttributes";
  std::string delivery_policy;  // JSON; empty: the topic's
  TimePoint created{};
};
LF_RECORD(SubscriptionRecord, id, topic, owner, protocol, endpoint, confirmed, authenticated,
          authenticate_on_unsubscribe, token, token_expires, raw, filter_policy, filter_scope,
          delivery_policy, created)

struct AttributeRecord {
  std::string type;   // "String", "String.Array", "Number", "Binary"
  std::string value;  // binary: base64
};
LF_RECORD(AttributeRecord, type, value)

struct MessageRecord {
  std::string id;
  std::string topic;
  // or "SubscriptionConfirmation", "UnsubscribeConfirmation"
  std::string type = "Notification";
  std::string subject;                       // empty: none
  std::string text;                          // for protocols that `texts` does not name
  std::map<std::string, std::string> texts;  // MessageStructure json: by protocol
  std::map<std::string, AttributeRecord> attributes;
  std::string token;  // confirmations
  TimePoint published{};
};
LF_RECORD(MessageRecord, id, topic, type, subject, text, texts, attributes, token, published)

// One message to one subscriber, until it is done. Says itself where to: a subscription that has
// ended is still told so.
struct DeliveryRecord {
  std::string topic;
  std::string subscription;  // id
  std::string protocol;
  std::string endpoint;
  bool raw = false;
  int attempts = 0;  // that failed
  TimePoint next{};  // not before
};
LF_RECORD(DeliveryRecord, topic, subscription, protocol, endpoint, raw, attempts, next)

// The key that signs notifications, and its certificate.
struct SigningRecord {
  std::string id;           // part of the certificate's URL
  std::string certificate;  // PEM
  std::string sealed_key;
};
LF_RECORD(SigningRecord, id, certificate, sealed_key)

}  // namespace landfall::sns
