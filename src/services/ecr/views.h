// Records as the API shows them, and pages of them.
#pragma once

#include "services/ecr/images.h"

namespace landfall::ecr {

Repository repository_view(const Ecr& ecr, const FoundRepository& repository);
ImageDetail image_detail(const FoundRepository& repository, const TaggedImage& image);

// "{imageDigest:'sha256:...', imageTag:'null'}", as AWS writes them into messages.
std::string image_id_text(const ImageIdentifier& id);
std::unexpected<Error> image_missing(const FoundRepository& repository, const ImageIdentifier& id);

// What an image id means in a repository: the image's digest, or why not.
struct ImageIdFailure {
  std::string code;  // of ImageFailure
  std::string reason;
};
std::expected<std::string, ImageIdFailure> resolve_image_id(const Ecr& ecr,
                                                            const FoundRepository& repository,
                                                            const ImageIdentifier& id);

// Tokens hold the last item of the page before. Error InvalidParameterException.
Result<std::string> page_start(const std::optional<std::string>& next_token);
std::string page_token(std::string_view last);

// Errors: InvalidTagParameterException, TooManyTagsException.
Result<void> merge_tags(std::map<std::string, std::string>& into, const wire::List<Tag>& given);

// Changes a repository's record that is there and not being removed.
task<Result<FoundRepository>> change_repository(
    Ecr& ecr, FoundRepository repository, std::function<Result<bool>(RepositoryRecord&)> change);

}  // namespace landfall::ecr
