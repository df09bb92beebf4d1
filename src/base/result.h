// Result<T>: a value or an Error. The only way failures of outside input travel; exceptions are for
// our own bugs.
#pragma once

#include <expected>
#include <string>
#include <utility>
#include <vector>

namespace landfall {

// One failure, in the vocabulary of the caller's API. Codes are AWS error codes where the failure
// reaches a client
// ("ClusterNotFoundException"); layers below the services use kebab-case codes of their own
// ("disk-full") which the services translate.
struct Error {
  std::string code;
  std::string message;
  int http_status = 400;  // what the serializer puts on the wire; 5xx means the fault is ours
  // Further members of a modelled error shape, by member name.
  std::vector<std::pair<std::string, std::string>> fields = {};
};

template <class T = void>
using Result = std::expected<T, Error>;

// `return fail("disk-full", "...")` from any function that returns a Result.
inline std::unexpected<Error> fail(std::string code, std::string message, int http_status = 400) {
  return std::unexpected(Error{std::move(code), std::move(message), http_status});
}

// Error of a failed system call: code "errno-ENOSPC", message "<what>: No space left on device".
std::unexpected<Error> fail_errno(std::string_view what, int error_number);

}  // namespace landfall

// LF_TRY(name, expression): binds the value, or returns the error from the enclosing function.
// LF_CO_TRY is the same inside a coroutine; the expression may contain co_await.
#define LF_CONCAT_(a, b) a##b
#define LF_CONCAT(a, b) LF_CONCAT_(a, b)
#define LF_TRY_(tmp, ret, name, ...)                     \
  auto tmp = (__VA_ARGS__);                              \
  if (!tmp) ret std::unexpected(std::move(tmp).error()); \
  auto&& name = *tmp
#define LF_TRY(name, ...) LF_TRY_(LF_CONCAT(lf_result_, __LINE__), return, name, __VA_ARGS__)
#define LF_CO_TRY(name, ...) LF_TRY_(LF_CONCAT(lf_result_, __LINE__), co_return, name, __VA_ARGS__)
// For Result<void>, or when the value is not needed.
#define LF_CHECK_(tmp, ret, ...) \
  if (auto tmp = (__VA_ARGS__); !tmp) ret std::unexpected(std::move(tmp).error())
#define LF_OK(...) LF_CHECK_(LF_CONCAT(lf_result_, __LINE__), return, __VA_ARGS__)
#define LF_CO_OK(...) LF_CHECK_(LF_CONCAT(lf_result_, __LINE__), co_return, __VA_ARGS__)
