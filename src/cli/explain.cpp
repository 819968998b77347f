// `windlass explain`: why a request or a model waits, and what can be done.
#include <windlass/client.h>

#include "cli/commands.h"
#include "cli/explain_json.h"
#include "cli/explain_text.h"
#include "cli/failure_text.h"

namespace windlass::cli {

CommandOutcome run(const ExplainArguments& arguments) {
    Client client{{.url = arguments.url}};
    const Outcome<std::string> answer = client.explain(arguments.subject);
    if (!answer) return failed(answer.error(), arguments.json);
    if (arguments.json) return {.out = *answer + (answer->ends_with('\n') ? "" : "\n")};
    if (arguments.subject.empty()) {
        const auto states = parse_explanations(*answer);
        if (!states) return failed(states.error(), false);
        return {.out = explanations_text(*states)};
    }
    const auto state = parse_explanation(*answer);
    if (!state) return failed(state.error(), false);
    return {.out = explanation_text(*state)};
}

}  // namespace windlass::cli
