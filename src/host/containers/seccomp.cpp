#include "host/containers/seccomp.h"

#include "base/record.h"

namespace landfall::host {
namespace {

bool names_any(const json::object& condition, const char* key, const auto& matches) {
  const json::value* list = condition.if_contains(key);
  if (!list || !list->is_array()) return false;
  return std::ranges::any_of(list->get_array(), [&](const json::value& item) {
    return item.is_string() && matches(std::string(item.get_string()));
  });
}

bool has(const json::object& condition, const char* key) {
  const json::value* list = condition.if_contains(key);
  return list && list->is_array() && !list->get_array().empty();
}

const json::object* condition_of(const json::object& rule, const char* key) {
  const json::value* found = rule.if_contains(key);
  return found && found->is_object() ? &found->get_object() : nullptr;
}

json::array architectures(std::string_view architecture) {
  if (architecture == "amd64") return {"SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"};
  if (architecture == "arm64") return {"SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"};
  return {};
}

}  // namespace

Result<json::object> seccomp_filter(std::string_view profile,
                                    const std::set<std::string>& capabilities,
                                    std::string_view architecture) {
  boost::system::error_code error;
  const json::value parsed = json::parse(json::string_view(profile.data(), profile.size()), error);
  const json::value* rules =
      !error && parsed.is_object() ? parsed.get_object().if_contains("syscalls") : nullptr;
  if (!rules || !rules->is_array()) {
    return fail("profile-invalid", "the system call profile cannot be read", 500);
  }
  const auto is_here = [&](const std::string& name) { return name == architecture; };
  const auto is_held = [&](const std::string& name) { return capabilities.contains(name); };
  json::array kept;
  for (const json::value& item : rules->get_array()) {
    if (!item.is_object()) continue;
    const json::object& rule = item.get_object();
    if (const json::object* only = condition_of(rule, "includes")) {
      if (has(*only, "arches") && !names_any(*only, "arches", is_here)) continue;
      if (has(*only, "caps") && !names_any(*only, "caps", is_held)) continue;
    }
    if (const json::object* except = condition_of(rule, "excludes")) {
      if (names_any(*except, "arches", is_here) || names_any(*except, "caps", is_held)) continue;
    }
    json::object out;
    for (const char* key : {"names", "action", "errnoRet"}) {
      if (const json::value* found = rule.if_contains(key); found && !found->is_null()) {
        out[key] = *found;
      }
    }
    if (has(rule, "args")) out["args"] = rule.at("args");
    kept.push_back(std::move(out));
  }
  json::object out;
  out["defaultAction"] = parsed.get_object().contains("defaultAction")
                             ? parsed.get_object().at("defaultAction")
                             : json::value("SCMP_ACT_ERRNO");
  if (const json::value* number = parsed.get_object().if_contains("defaultErrnoRet")) {
    out["defaultErrnoRet"] = *number;
  }
  out["architectures"] = architectures(architecture);
  out["syscalls"] = std::move(kept);
  return out;
}

}  // namespace landfall::host
