// operations: Encrypt, Decrypt, ReEncrypt, GenerateDataKey, GenerateDataKeyWithoutPlaintext
// operations: GenerateRandom
#include "services/kms/shapes.h"

namespace landfall::kms {
namespace {

constexpr const char* kAlgorithm = "SYMMETRIC_DEFAULT";

std::string random_bytes(Random& random, std::size_t size) {
  std::string out(size, '\0');
  random.fill(std::span(reinterpret_cast<unsigned char*>(out.data()), out.size()));
  return out;
}

std::unexpected<Error> dry_run() {
  return errors::dry_run_operation(
      "The request would have succeeded, but the DryRun option is set.");
}

struct DataKey {
  std::string plaintext;
  Encrypted encrypted;
};

template <class In>
task<Result<DataKey>> make_data_key(Kms& kms, const RequestContext& ctx, In in,
                                    std::string action) {
  if (in.key_spec.has_value() == in.number_of_bytes.has_value()) {
    co_return fail("ValidationException", "Please specify either number of bytes or key spec.");
  }
  const std::size_t size =
      in.key_spec ? (*in.key_spec == "AES_128" ? 16 : 32) : std::size_t(*in.number_of_bytes);
  LF_CO_TRY(row, co_await kms.find(ctx.scope, in.key_id));
  const Context context = to_context(in.encryption_context);
  LF_CO_OK(kms.authorize(ctx, row.value, action, context));
  LF_CO_OK(check_usable(ctx.scope, row.value));
  if (in.dry_run.value_or(false)) co_return dry_run();
  DataKey out;
  out.plaintext = random_bytes(kms.random, size);
  LF_CO_TRY(encrypted, kms.encrypt(ctx.scope, row.value, out.plaintext, context));
  out.encrypted = std::move(encrypted);
  co_return out;
}

// The id of a key that a request names as well as the blob does; empty: it names none.
task<Result<std::string>> named_key(Kms& kms, Scope scope, std::optional<std::string> reference) {
  if (!reference) co_return std::string();
  LF_CO_TRY(row, co_await kms.find(scope, *reference));
  co_return row.id;
}

}  // namespace

task<Result<EncryptResponse>> encrypt(Kms& kms, const RequestContext& ctx, EncryptRequest in) {
  LF_CO_TRY(row, co_await kms.find(ctx.scope, in.key_id));
  const Context context = to_context(in.encryption_context);
  LF_CO_OK(kms.authorize(ctx, row.value, "kms:Encrypt", context));
  LF_CO_OK(check_usable(ctx.scope, row.value));
  if (in.dry_run.value_or(false)) co_return dry_run();
  LF_CO_TRY(made, kms.encrypt(ctx.scope, row.value, in.plaintext, context));
  co_return EncryptResponse{
      .ciphertext_blob = made.blob, .key_id = made.key_arn, .encryption_algorithm = kAlgorithm};
}

task<Result<DecryptResponse>> decrypt(Kms& kms, const RequestContext& ctx, DecryptRequest in) {
  if (in.recipient) {
    co_return errors::unsupported_operation("Attestation documents are not supported here.");
  }
  if (!in.ciphertext_blob) {
    co_return fail("ValidationException", "Please specify the ciphertext.");
  }
  LF_CO_TRY(row, kms.key_of(ctx.scope, *in.ciphertext_blob));
  const Context context = to_context(in.encryption_context);
  LF_CO_OK(kms.authorize(ctx, row.value, "kms:Decrypt", context));
  LF_CO_TRY(expected, co_await named_key(kms, ctx.scope, in.key_id));
  LF_CO_TRY(made, kms.decrypt(ctx.scope, *in.ciphertext_blob, context, expected));
  if (in.dry_run.value_or(false)) co_return dry_run();
  co_return DecryptResponse{.key_id = made.key_arn,
                            .plaintext = made.plaintext,
                            .encryption_algorithm = kAlgorithm,
                            .key_material_id = made.material_id};
}

task<Result<ReEncryptResponse>> re_encrypt(Kms& kms, const RequestContext& ctx,
                                           ReEncryptRequest in) {
  if (!in.ciphertext_blob) {
    co_return fail("ValidationException", "Please specify the ciphertext.");
  }
  LF_CO_TRY(from, kms.key_of(ctx.scope, *in.ciphertext_blob));
  const Context source = to_context(in.source_encryption_context);
  LF_CO_OK(kms.authorize(ctx, from.value, "kms:ReEncryptFrom", source));
  LF_CO_TRY(to, co_await kms.find(ctx.scope, in.destination_key_id));
  const Context destination = to_context(in.destination_encryption_context);
  LF_CO_OK(kms.authorize(ctx, to.value, "kms:ReEncryptTo", destination));
  LF_CO_TRY(expected, co_await named_key(kms, ctx.scope, in.source_key_id));
  LF_CO_TRY(opened, kms.decrypt(ctx.scope, *in.ciphertext_blob, source, expected));
  LF_CO_TRY(made, kms.encrypt(ctx.scope, to.value, opened.plaintext, destination));
  if (in.dry_run.value_or(false)) co_return dry_run();
  co_return ReEncryptResponse{.ciphertext_blob = made.blob,
                              .source_key_id = opened.key_arn,
                              .key_id = made.key_arn,
                              .source_encryption_algorithm = kAlgorithm,
                              .destination_encryption_algorithm = kAlgorithm,
                              .source_key_material_id = opened.material_id,
                              .destination_key_material_id = made.material_id};
}

task<Result<GenerateDataKeyResponse>> generate_data_key(Kms& kms, const RequestContext& ctx,
                                                        GenerateDataKeyRequest in) {
  if (in.recipient) {
    co_return errors::unsupported_operation("Attestation documents are not supported here.");
  }
  LF_CO_TRY(made, co_await make_data_key(kms, ctx, std::move(in), "kms:GenerateDataKey"));
  co_return GenerateDataKeyResponse{.ciphertext_blob = made.encrypted.blob,
                                    .plaintext = made.plaintext,
                                    .key_id = made.encrypted.key_arn,
                                    .key_material_id = made.encrypted.material_id};
}

task<Result<GenerateDataKeyWithoutPlaintextResponse>> generate_data_key_without_plaintext(
    Kms& kms, const RequestContext& ctx, GenerateDataKeyWithoutPlaintextRequest in) {
  LF_CO_TRY(made,
            co_await make_data_key(kms, ctx, std::move(in), "kms:GenerateDataKeyWithoutPlaintext"));
  co_return GenerateDataKeyWithoutPlaintextResponse{.ciphertext_blob = made.encrypted.blob,
                                                    .key_id = made.encrypted.key_arn,
                                                    .key_material_id = made.encrypted.material_id};
}

task<Result<GenerateRandomResponse>> generate_random(Kms& kms, const RequestContext&,
                                                     GenerateRandomRequest in) {
  if (in.recipient || in.custom_key_store_id) {
    co_return errors::unsupported_operation("Only NumberOfBytes is supported here.");
  }
  if (!in.number_of_bytes) {
    co_return fail("ValidationException", "Please specify the number of bytes.");
  }
  co_return GenerateRandomResponse{.plaintext =
                                       random_bytes(kms.random, std::size_t(*in.number_of_bytes))};
}

}  // namespace landfall::kms
