// JSON of the explain API to plain values.
#include "cli/explain_json.h"

#include <boost/json.hpp>

#include "cli/json_fields.h"

namespace windlass::cli {
namespace {

namespace json = boost::json;

base::Error no_explanation() {
    return base::fail(base::Errc::data_corrupt,
                      "the answer is not what a Windlass daemon says of what waits; is `--url` one "
                      "of this version?");
}

std::vector<MemoryHolderState> explained_holders(const json::object& object, std::string_view key) {
    std::vector<MemoryHolderState> holders;
    for_each_object(object, key, [&holders](const json::object& holder) {
        MemoryHolderState state{.kind = read_text(holder, "kind"),
                                .model = read_text(holder, "model"),
                                .worker = read_count(holder, "worker"),
                                .pid = read_count(holder, "pid"),
                                .doing = read_text(holder, "doing"),
                                .bytes = read_count(holder, "bytes"),
                                .since_s = read_number(holder, "since_s"),
                                .makes_room_in_s = read_number(holder, "makes_room_in_s")};
        const json::value* until = holder.if_contains("until");
        if (until != nullptr && until->is_object()) {
            state.until_step = read_text(until->get_object(), "step");
            state.until_s = read_number(until->get_object(), "in_s");
        }
        for_each_object(holder, "processes", [&state](const json::object& process) {
            if (!state.pid) state.pid = read_count(process, "pid");
        });
        holders.push_back(std::move(state));
    });
    return holders;
}

base::Result<ExplanationState> to_explanation(const json::value& value) {
    if (!value.is_object()) return no_explanation();
    const json::object& object = value.get_object();
    ExplanationState state{.subject = read_text(object, "subject"),
                           .sentence = read_text(object, "sentence"),
                           .is_over = read_text(object, "state") == "over"};
    for_each_object(object, "advice", [&state](const json::object& advice) {
        state.advice.push_back({read_text(advice, "command"), read_text(advice, "what")});
    });
    const json::value* memory = object.if_contains("memory");
    if (memory != nullptr && memory->is_object()) {
        state.device = read_text(memory->get_object(), "device");
        state.holders = explained_holders(memory->get_object(), "holders");
    } else {
        state.holders = explained_holders(object, "processes");
    }
    if (state.subject.empty()) return no_explanation();
    return state;
}

}  // namespace

base::Result<ExplanationState> parse_explanation(std::string_view text) {
    boost::system::error_code error;
    const json::value value = json::parse(text, error);
    if (error) return no_explanation();
    return to_explanation(value);
}

base::Result<std::vector<ExplanationState>> parse_explanations(std::string_view text) {
    boost::system::error_code error;
    const json::value value = json::parse(text, error);
    const json::object* object = error ? nullptr : value.if_object();
    const json::value* list = object == nullptr ? nullptr : object->if_contains("explanations");
    if (list == nullptr || !list->is_array()) return no_explanation();
    std::vector<ExplanationState> states;
    for (const json::value& item : list->get_array())
        states.push_back(WL_TRY(to_explanation(item)));
    return states;
}

}  // namespace windlass::cli
