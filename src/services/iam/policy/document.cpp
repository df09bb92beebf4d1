#include "services/iam/policy/document.h"

namespace landfall::iam::policy {
namespace {

constexpr std::size_t kMostStatements = 1000;

std::unexpected<Error> malformed(std::string message) {
  return fail("MalformedPolicyDocument", std::move(message));
}

std::string_view view(const json::string& text) { return {text.data(), text.size()}; }

// A string or a list of strings.
Result<std::vector<std::string>> string_list(const json::value& value) {
  std::vector<std::string> out;
  if (value.is_string()) {
    out.emplace_back(view(value.get_string()));
  } else if (value.is_array()) {
    for (const json::value& item : value.get_array()) {
      if (!item.is_string()) return malformed("Syntax errors in policy.");
      out.emplace_back(view(item.get_string()));
    }
  } else {
    return malformed("Syntax errors in policy.");
  }
  return out;
}

Result<void> check_action(std::string_view action) {
  if (action == "*") return {};
  const std::size_t colon = action.find(':');
  if (colon == std::string_view::npos || colon == 0) {
    return malformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.");
  }
  const std::string_view vendor = action.substr(0, colon);
  const bool good_vendor = std::ranges::all_of(vendor, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.';
  });
  if (!good_vendor) return malformed(fmt::format("Vendor {} is not valid", vendor.substr(0, 64)));
  if (action.find(':', colon + 1) != std::string_view::npos) {
    return malformed("Actions/Condition can contain only one colon.");
  }
  return {};
}

Result<void> check_resource(std::string_view resource) {
  if (resource == "*" || resource.starts_with("${") || resource.starts_with("*")) return {};
  if (!resource.starts_with("arn:")) {
    return malformed(
        fmt::format("Resource {} must be in ARN format or \"*\".", resource.substr(0, 256)));
  }
  if (resource.contains('*')) return {};  // a wildcard may stand for the rest
  if (std::ranges::count(resource, ':') < 5) {
    return malformed(fmt::format("The policy failed legacy parsing: resource {} has too few parts.",
                                 resource.substr(0, 256)));
  }
  return {};
}

Result<PrincipalMatch> read_principal(const json::value& value, DocumentKind kind) {
  PrincipalMatch out;
  if (value.is_string()) {
    if (view(value.get_string()) != "*") {
      return malformed(kind == DocumentKind::trust
                           ? fmt::format("AssumeRolepolicy contained an invalid principal: \"{}\"",
                                         view(value.get_string()))
                           : "Invalid principal in policy.");
    }
    out.everyone = true;
    return out;
  }
  if (!value.is_object() || value.get_object().empty()) {
    return malformed("Invalid principal in policy.");
  }
  for (const auto& [key, names] : value.get_object()) {
    const std::string_view type(key.data(), key.size());
    LF_TRY(list, string_list(names));
    for (std::string& name : list) {
      if (type == "AWS" && name == "*") {
        out.everyone = true;
      } else if (type == "AWS") {
        const bool account = name.size() == 12 && std::ranges::all_of(name, [](unsigned char c) {
                               return std::isdigit(c) != 0;
                             });
        if (!account && !name.starts_with("arn:")) {
          return malformed(fmt::format("Invalid principal in policy: \"AWS\":\"{}\"", name));
        }
        out.aws.push_back(std::move(name));
      } else if (type == "Service") {
        if (!name.contains('.')) {
          return malformed(fmt::format("Invalid principal in policy: \"SERVICE\":\"{}\"", name));
        }
        out.service.push_back(std::move(name));
      } else if (type == "Federated") {
        out.federated.push_back(std::move(name));
      } else if (type != "CanonicalUser") {
        return malformed(fmt::format("Invalid principal in policy: \"{}\"", type));
      }
    }
  }
  return out;
}

Result<void> check_sid(const std::string& sid, DocumentKind kind, std::set<std::string>& seen) {
  const bool good = std::ranges::all_of(sid, [&](unsigned char c) {
    return std::isalnum(c) || (kind == DocumentKind::resource && c < 0x80);
  });
  if (!good) {
    return malformed(
        "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular "
        "expression [0-9A-Za-z]*");
  }
  if (!sid.empty() && !seen.insert(sid).second) {
    return malformed("Statement IDs (SID) in a single policy must be unique.");
  }
  return {};
}

const json::value* member(const json::object& object, std::string_view name) {
  return object.if_contains(json::string_view(name.data(), name.size()));
}

Result<void> read_actions(const json::object& object, bool variables, Statement& out) {
  const json::value* action = member(object, "Action");
  const json::value* not_action = member(object, "NotAction");
  if (!action && !not_action) return malformed("Missing required field Action");
  if (action && not_action) return malformed("Statement/policy already has instance of Action");
  out.not_action = not_action != nullptr;
  LF_TRY(list, string_list(action ? *action : *not_action));
  if (list.empty()) return malformed("Policy statement must contain actions.");
  for (const std::string& text : list) {
    LF_OK(check_action(text));
    out.actions.push_back(Pattern::compile(text, variables, true, true));
  }
  return {};
}

Result<void> read_resources(const json::object& object, DocumentKind kind, bool variables,
                            Statement& out) {
  const json::value* resource = member(object, "Resource");
  const json::value* not_resource = member(object, "NotResource");
  if (kind == DocumentKind::trust) {
    if (resource || not_resource) return malformed("Has prohibited field Resource");
    return {};
  }
  if (!resource && !not_resource) {
    if (kind == DocumentKind::resource) return {};
    return malformed("Policy statement must contain resources.");
  }
  if (resource && not_resource)
    return malformed("Statement/policy already has instance of Resource");
  out.not_resource = not_resource != nullptr;
  LF_TRY(list, string_list(resource ? *resource : *not_resource));
  if (list.empty()) return malformed("Policy statement must contain resources.");
  for (const std::string& text : list) {
    if (kind == DocumentKind::identity) LF_OK(check_resource(text));
    out.resources.push_back(Pattern::compile(text, variables));
  }
  return {};
}

Result<void> read_principals(const json::object& object, DocumentKind kind, Statement& out) {
  const json::value* principal = member(object, "Principal");
  const json::value* not_principal = member(object, "NotPrincipal");
  if (kind == DocumentKind::identity) {
    if (principal || not_principal) {
      return malformed("Policy document should not specify a principal.");
    }
    return {};
  }
  if (!principal && !not_principal) return malformed("Missing required field Principal");
  out.not_principal = not_principal != nullptr;
  LF_TRY(read, read_principal(principal ? *principal : *not_principal, kind));
  out.principal = std::move(read);
  return {};
}

Result<Statement> read_statement(const json::value& value, DocumentKind kind, bool variables,
                                 std::set<std::string>& sids) {
  static constexpr std::array<std::string_view, 9> kElements = {
      "Sid",         "Effect",    "Action",       "NotAction", "Resource",
      "NotResource", "Principal", "NotPrincipal", "Condition"};
  if (!value.is_object()) return malformed("Syntax errors in policy.");
  const json::object& object = value.get_object();
  for (const auto& [key, ignored] : object) {
    if (std::ranges::find(kElements, std::string_view(key.data(), key.size())) == kElements.end()) {
      return malformed("Syntax errors in policy.");
    }
  }
  Statement out;
  if (const json::value* sid = member(object, "Sid")) {
    if (!sid->is_string()) return malformed("Syntax errors in policy.");
    out.sid = view(sid->get_string());
    LF_OK(check_sid(out.sid, kind, sids));
  }
  const json::value* effect = member(object, "Effect");
  if (!effect) return malformed("Missing required field Effect");
  if (!effect->is_string()) return malformed("Syntax errors in policy.");
  const std::string_view said = view(effect->get_string());
  if (said != "Allow" && said != "Deny")
    return malformed(fmt::format("Invalid effect: {}", said.substr(0, 64)));
  out.allow = said == "Allow";
  LF_OK(read_actions(object, variables, out));
  LF_OK(read_resources(object, kind, variables, out));
  LF_OK(read_principals(object, kind, out));
  if (const json::value* block = member(object, "Condition")) {
    if (!block->is_object()) return malformed("Syntax errors in policy.");
    for (const auto& [name, keys] : block->get_object()) {
      LF_TRY(compiled,
             Condition::compile(std::string_view(name.data(), name.size()), keys, variables));
      std::ranges::move(compiled, std::back_inserter(out.conditions));
    }
  }
  return out;
}

}  // namespace

void add_keys(const Statement& statement, std::set<std::string>& keys) {
  for (const Pattern& pattern : statement.resources) pattern.add_keys(keys);
  for (const Condition& condition : statement.conditions) condition.add_keys(keys);
}

Result<std::shared_ptr<const Document>> Document::parse(std::string_view text, DocumentKind kind) {
  boost::system::error_code error;
  json::parse_options options;
  options.max_depth = 16;
  const json::value root =
      json::parse(json::string_view(text.data(), text.size()), error, {}, options);
  if (error || !root.is_object()) return malformed("This policy contains invalid Json");
  const json::object& object = root.get_object();
  for (const auto& [key, ignored] : object) {
    if (key != "Version" && key != "Id" && key != "Statement") {
      return malformed("Syntax errors in policy.");
    }
  }
  bool variables = false;
  if (const json::value* version = member(object, "Version")) {
    if (!version->is_string()) return malformed("Syntax errors in policy.");
    const std::string_view said = view(version->get_string());
    if (said != "2012-10-17" && said != "2008-10-17") {
      return malformed("The policy must contain a valid version string.");
    }
    variables = said == "2012-10-17";
  }
  if (const json::value* id = member(object, "Id"); id && !id->is_string()) {
    return malformed("Syntax errors in policy.");
  }
  const json::value* statement = member(object, "Statement");
  if (!statement) return malformed("Missing required field Statement");
  auto document = std::make_shared<Document>();
  std::set<std::string> sids;
  if (!statement->is_array()) {
    LF_TRY(read, read_statement(*statement, kind, variables, sids));
    document->statements_.push_back(std::move(read));
    return document;
  }
  if (statement->get_array().empty()) return malformed("Syntax errors in policy.");
  if (statement->get_array().size() > kMostStatements) return malformed("Too many statements.");
  for (const json::value& item : statement->get_array()) {
    LF_TRY(read, read_statement(item, kind, variables, sids));
    document->statements_.push_back(std::move(read));
  }
  return document;
}

}  // namespace landfall::iam::policy
