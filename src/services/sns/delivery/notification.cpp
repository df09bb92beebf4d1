#include "services/sns/delivery/notification.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/bytes.h"

namespace landfall::sns {
namespace {

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

std::unexpected<Error> failed() {
  return fail("signing-failed", "a notification cannot be signed", 500);
}

}  // namespace

std::string string_to_sign(const json::object& notification) {
  const json::value* type = notification.if_contains("Type");
  const bool plain = type && *type == "Notification";
  const std::vector<const char*> fields =
      plain ? std::vector<const char*>{"Message",   "MessageId", "Subject",
                                       "Timestamp", "TopicArn",  "Type"}
            : std::vector<const char*>{"Message", "MessageId", "SubscribeURL", "Timestamp",
                                       "Token",   "TopicArn",  "Type"};
  std::string out;
  for (const char* field : fields) {
    const json::value* value = notification.if_contains(field);
    if (!value || !value->is_string()) continue;
    out += fmt::format("{}\n{}\n", field, std::string_view(value->get_string()));
  }
  return out;
}

Result<std::string> sign(const std::string& key_pem, const std::string& text,
                         const std::string& version) {
  const std::unique_ptr<BIO, Free> bio(
      BIO_new_mem_buf(key_pem.data(), static_cast<int>(key_pem.size())));
  const std::unique_ptr<EVP_PKEY, Free> key(
      PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
  const std::unique_ptr<EVP_MD_CTX, Free> context(EVP_MD_CTX_new());
  if (!key || !context) return failed();
  const EVP_MD* digest = version == "2" ? EVP_sha256() : EVP_sha1();
  if (EVP_DigestSignInit(context.get(), nullptr, digest, nullptr, key.get()) != 1) return failed();
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  std::size_t size = 0;
  if (EVP_DigestSign(context.get(), nullptr, &size, bytes, text.size()) != 1) return failed();
  std::string out(size, '\0');
  if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size, bytes,
                     text.size()) != 1) {
    return failed();
  }
  out.resize(size);
  return base64_encode(out);
}

std::string certificate_path(const std::string& id) {
  return fmt::format("/SimpleNotificationService-{}.pem", id);
}

const std::string& text_for(const MessageRecord& message, const std::string& protocol) {
  const auto own = message.texts.find(protocol);
  return own == message.texts.end() ? message.text : own->second;
}

Result<std::string> notification(const Sns& sns, const TopicName& topic, const TopicRecord& record,
                                 const MessageRecord& message, const DeliveryRecord& delivery,
                                 const SigningRecord& signing) {
  const std::string base = base_url(sns, topic.scope, delivery.endpoint);
  json::object out{{"Type", message.type}, {"MessageId", message.id}};
  if (!message.token.empty()) out["Token"] = message.token;
  out["TopicArn"] = topic.arn();
  if (!message.subject.empty()) out["Subject"] = message.subject;
  out["Message"] = text_for(message, delivery.protocol);
  if (!message.token.empty()) {
    out["SubscribeURL"] = fmt::format("{}/?Action=ConfirmSubscription&TopicArn={}&Token={}", base,
                                      percent_encode(topic.arn()), message.token);
  }
  out["Timestamp"] = format_iso8601(message.published, true);
  out["SignatureVersion"] = record.signature_version;
  LF_TRY(signature, sign(signing.sealed_key, string_to_sign(out), record.signature_version));
  out["Signature"] = signature;
  out["SigningCertURL"] = base + certificate_path(signing.id);
  if (message.type == "Notification") {
    out["UnsubscribeURL"] = fmt::format("{}/?Action=Unsubscribe&SubscriptionArn={}", base,
                                        percent_encode(topic.arn() + ":" + delivery.subscription));
    json::object attributes;
    for (const auto& [name, attribute] : message.attributes)
      attributes[name] = json::object{{"Type", attribute.type}, {"Value", attribute.value}};
    if (!attributes.empty()) out["MessageAttributes"] = std::move(attributes);
  }
  return json::serialize(out);
}

}  // namespace landfall::sns
