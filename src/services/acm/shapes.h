// Records as the API describes them, and tags.
#pragma once

#include "services/acm/service.h"
#include "wire/acm/types.h"

namespace landfall::acm {

CertificateDetail to_detail(const Acm& acm, const CertificateRecord& record);
CertificateSummary to_summary(const Acm& acm, const CertificateRecord& record);

// Adds or changes. Errors: InvalidTagException, TooManyTagsException.
Result<void> add_tags(Tags& tags, const wire::List<Tag>& added);

}  // namespace landfall::acm
