// `windlass models`: what there is, and what is done with one by hand.
#include <windlass/client.h>

#include <utility>

#include "cli/commands.h"
#include "cli/failure_text.h"
#include "cli/model_text.h"
#include "cli/waiting_display.h"

namespace windlass::cli {
namespace {

Outcome<std::string> ask_models(const ModelsArguments& arguments) {
    Client client{{.url = arguments.url}};
    switch (arguments.action) {
        case ModelsAction::list: return client.models();
        case ModelsAction::show: return client.model(arguments.model);
        case ModelsAction::load: {
            if (arguments.no_wait) return client.prefetch(arguments.model);
            const WaitingDisplay display{arguments.url, arguments.model};
            return client.load(arguments.model, arguments.timeout);
        }
        case ModelsAction::offload: {
            const WaitingDisplay display{arguments.url, arguments.model};
            return client.offload(arguments.model, arguments.timeout);
        }
        case ModelsAction::unload: {
            const WaitingDisplay display{arguments.url, arguments.model};
            if (arguments.force) return client.unload_at_once(arguments.model, arguments.timeout);
            return client.unload(arguments.model, arguments.timeout);
        }
        case ModelsAction::restart: {
            const WaitingDisplay display{arguments.url, arguments.model};
            return client.restart(arguments.model, arguments.timeout);
        }
        case ModelsAction::pause: return client.pause(arguments.model);
        case ModelsAction::resume: return client.resume(arguments.model);
    }
    std::unreachable();
}

}  // namespace

CommandOutcome run(const ModelsArguments& arguments) {
    const Outcome<std::string> answer = ask_models(arguments);
    if (!answer) return failed(answer.error(), arguments.json);
    if (arguments.json) return {.out = *answer + (answer->ends_with('\n') ? "" : "\n")};
    if (arguments.action == ModelsAction::list) {
        const auto models = parse_models(*answer);
        if (!models) return failed(models.error(), false);
        return {.out = models_table(*models)};
    }
    const auto model = parse_model(*answer);
    if (!model) return failed(model.error(), false);
    return {.out = arguments.action == ModelsAction::show ? model_details(*model)
                                                          : model_line(*model)};
}

}  // namespace windlass::cli
