// A policy document, checked and compiled. Immutable: shared between requests.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
#pragma once

#include <memory>

#include "services/iam/policy/condition.h"

namespace landfall::iam::policy {

// What a document is for decides which elements it must and must not have.
enum class DocumentKind {
  identity,  // user, group, role, managed, boundary and session policies: no Principal, Resource
             // required
  trust,     // of a role: Principal required, no Resource
  resource,  // of a bucket, queue, repository...: Principal required, Resource optional
};

struct PrincipalMatch {
  bool everyone = false;             // "*"
  std::vector<std::string> aws;      // ARNs or account ids
  std::vector<std::string> service;  // "ecs-tasks.amazonaws.com"
  std::vector<std::string> federated;
};

struct Statement {
  std::string sid;
  bool allow = false;
  bool not_action = false;
  std::vector<Pattern> actions;  // lower case
  bool not_resource = false;
  std::vector<Pattern>
      resources;  // empty: any (trust policies, resource policies that leave it out)
  bool not_principal = false;
  std::optional<PrincipalMatch> principal;
  std::vector<Condition> conditions;
};

// The context keys that a statement asks for, in lower case.
void add_keys(const Statement& statement, std::set<std::string>& keys);

class Document {
 public:
  // Error MalformedPolicyDocument, in AWS's words.
  static Result<std::shared_ptr<const Document>> parse(std::string_view text, DocumentKind kind);

  const std::vector<Statement>& statements() const { return statements_; }

 private:
  std::vector<Statement> statements_;
};

}  // namespace landfall::iam::policy
