// Claims of the store as input of workers.
#include "daemon/job_input.h"

#include <memory>
#include <utility>

#include "daemon/job_translate.h"

namespace windlass::daemon {

JobInput to_input(core::ModelId model, store::ClaimedJob claimed) {
    JobInput input{.model = model,
                   .job = claimed.head.job,
                   .content_type = std::move(claimed.content_type),
                   .variant = std::move(claimed.head.variant),
                   .body = {},
                   .settings = std::move(claimed.settings),
                   .number = static_cast<std::uint64_t>(claimed.head.attempts)};
    if (!input.settings.empty()) {
        claimed.input = input.settings;
        input.content_type = "application/json";
    }
    input.body = std::make_shared<const std::string>(std::move(claimed.input));
    if (claimed.error) input.last_error = to_error(*claimed.error);
    return input;
}

}  // namespace windlass::daemon
