// The words of explanations. One function for each thing that can be waited for.
#include "daemon/explain_text.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/rough_time.h"

namespace windlass::daemon {

using http::ExplainedHolder;
using http::ExplainedMemory;
using http::ExplanationStatus;
using http::NextChange;

namespace {

using namespace std::chrono_literals;

std::string bytes_text(const std::optional<base::Bytes>& bytes) {
    return bytes ? base::to_text(*bytes) : "an unknown amount";
}

std::string quoted(const std::string& name) { return "`" + name + "`"; }

std::string ordinal(std::size_t number) {
    const std::size_t last = number % 10;
    const bool is_teen = number % 100 >= 11 && number % 100 <= 13;
    const char* suffix = is_teen || last == 0 || last > 3 ? "th"
                         : last == 1                      ? "st"
                         : last == 2                      ? "nd"
                                                          : "rd";
    return std::to_string(number) + suffix;
}

std::string joined(const std::vector<std::string>& parts) {
    std::string text;
    for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
    return text;
}

// What happens then, after "in 4s".
std::string_view meaning_of(std::string_view step) {
    if (step == "start_timeout")
        return "its process is ended if it has not come up (start_timeout)";
    if (step == "load_timeout") return "its process is ended if it has not loaded (load_timeout)";
    if (step == "offload_timeout")
        return "its process is ended if it has not moved (offload_timeout)";
    if (step == "restore_timeout")
        return "its process is ended if it has not moved (restore_timeout)";
    if (step == "run_timeout") return "the run is ended (run_timeout)";
    if (step == "stall_timeout")
        return "the run is ended, unless it reports progress (stall_timeout)";
    if (step == "offload") return "its weights leave the device if nobody uses it (offload_after)";
    if (step == "unload") return "it is unloaded if nobody uses it (unload_after)";
    if (step == "make_room") return "it is asked to make room";
    if (step == "lease_end") return "the lease is over";
    if (step == "terminate") return "it gets SIGTERM";
    if (step == "kill") return "it gets SIGKILL";
    if (step == "give_up") return "it is set aside, and another process takes its place";
    if (step == "fence") return "what has not come back by then is fenced";
    if (step == "next_try") return "the next try begins";
    if (step == "ask_device") return "the device is asked again";
    if (step == "device_silent") return "the device counts as not answering";
    return "something changes";
}

std::string until_text(const std::optional<NextChange>& until) {
    if (!until) return "";
    return fmt::format("; in {} {}", base::rough_text(until->in), meaning_of(until->step));
}

std::string progress_text(const ExplainedHolder& holder) {
    if (!holder.progress) return "";
    const http::ProgressStatus& progress = *holder.progress;
    std::string text;
    if (progress.phase) text += " " + *progress.phase;
    if (progress.step && progress.total)
        text += fmt::format(" {} of {}", *progress.step, *progress.total);
    return text.empty() ? "" : fmt::format(", at{} {} ago", text, base::rough_text(progress.age));
}

// "r12, r13, r14 and 5 more".
std::string requests_text(const std::vector<std::string>& requests) {
    const auto shown = std::min<std::ptrdiff_t>(3, std::ssize(requests));
    std::string text = joined({requests.begin(), requests.begin() + shown});
    if (requests.size() > 3) text += fmt::format(" and {} more", requests.size() - 3);
    return text;
}

// "running r12 since 4s (r13 sent ahead)", "idle since 3m 2s".
std::string doing_text(const ExplainedHolder& holder) {
    std::string text{holder.doing};
    if (!holder.requests.empty() && holder.kind == "model")
        text += " " + requests_text(holder.requests);
    if (holder.since) text += " since " + base::rough_text(*holder.since);
    text += progress_text(holder);
    if (!holder.sent_ahead.empty())
        text += fmt::format(" ({} sent ahead)", requests_text(holder.sent_ahead));
    return text;
}

std::string worker_text(const ExplainedHolder& holder) {
    if (holder.worker == 0) return "";
    return holder.pid == 0 ? fmt::format("worker {}", holder.worker)
                           : fmt::format("worker {}, pid {}", holder.worker, holder.pid);
}

std::string foreign_text(const ExplainedHolder& holder) {
    std::vector<std::string> names;
    names.reserve(holder.strangers.size());
    for (const http::Stranger& stranger : holder.strangers) {
        names.push_back(fmt::format("pid {}{}", stranger.pid,
                                    stranger.name.empty() ? "" : " (" + stranger.name + ")"));
    }
    const std::string who = names.empty() ? "other programs" : joined(names);
    return fmt::format("{} by {}, not Windlass's", base::to_text(holder.bytes), who);
}

std::string holder_text(const ExplainedHolder& holder) {
    const std::string bytes = base::to_text(holder.bytes);
    if (holder.kind == "foreign") return foreign_text(holder);
    if (holder.kind == "lease") return bytes + " are lent to a client" + until_text(holder.until);
    if (holder.kind == "returning") {
        return fmt::format(
            "{} were those of worker {} of {}, which is gone, and the driver has not "
            "shown them back{}",
            bytes, holder.worker, quoted(holder.model), until_text(holder.until));
    }
    if (holder.kind == "fenced") {
        return fmt::format("{} are fenced: worker {} of {} left them behind", bytes, holder.worker,
                           quoted(holder.model));
    }
    return fmt::format("{} by {} ({}{}{}{}){}", bytes, quoted(holder.model),
                       holder.is_pinned ? "pinned, " : "",
                       holder.is_provisional ? "all there is until its need is measured, " : "",
                       holder.is_parked ? "its weights from a GPU, " : "", doing_text(holder),
                       until_text(holder.until));
}

std::string need_text(const ExplanationStatus& told, const ExplainedMemory& memory) {
    const std::string who = told.model.empty() ? "it" : quoted(told.model);
    if (memory.is_for_run) {
        return fmt::format(
            "{} is loaded, and its first run, whose need nobody knows, waits to be "
            "alone on the device {}",
            who, memory.device);
    }
    const std::string on = memory.device.empty() ? "" : " on the device " + memory.device;
    if (memory.needs_all) return fmt::format("{} needs all of a device{}", who, on);
    if (!memory.required) {
        return fmt::format("nobody knows what {} needs, and it tries alone what is free{}", who,
                           on);
    }
    const char* const source = memory.need_source == "learned"     ? " (learned)"
                               : memory.need_source == "returning" ? " for its weights to come back"
                                                                   : "";
    return fmt::format("{} needs {}{}{}", who, base::to_text(*memory.required), source, on);
}

std::string memory_text(const ExplanationStatus& told, const ExplainedMemory& memory) {
    std::string text = need_text(told, memory);
    if (memory.device.empty()) return text;
    if (memory.free && memory.capacity) {
        text += fmt::format(", which has {} free of {}", base::to_text(*memory.free),
                            base::to_text(*memory.capacity));
    } else {
        text += ", which does not say how much is free";
    }
    if (memory.promised > base::Bytes{}) {
        text += fmt::format(", {} of that kept for those who began to wait before",
                            base::to_text(memory.promised));
    }
    if (memory.missing && *memory.missing > base::Bytes{})
        text += fmt::format(": {} are missing", base::to_text(*memory.missing));
    if (memory.failed_loads > 0)
        text += fmt::format("; {} tries ran out of memory", memory.failed_loads);
    if (memory.is_asked) text += "; the device is being asked how full it is";
    if (memory.is_reserved && !memory.is_for_run)
        text += "; another model's first run waits to be alone there and keeps new loads out";
    text += ". ";
    std::vector<std::string> parts;
    parts.reserve(memory.holders.size());
    for (const ExplainedHolder& holder : memory.holders) parts.push_back(holder_text(holder));
    if (!parts.empty()) {
        text += "Held there: ";
        for (std::size_t i = 0; i < parts.size(); ++i) text += (i == 0 ? "" : "; ") + parts[i];
        text += ". ";
    }
    for (const ExplainedHolder& holder : memory.holders) {
        if (!holder.makes_room_in) continue;
        const bool is_at_work = holder.doing == "running";
        text += fmt::format("In {}{} {} {} make room. ", base::rough_text(*holder.makes_room_in),
                            is_at_work ? " (max_wait)" : "", quoted(holder.model),
                            is_at_work ? "will finish what it has begun and" : "will");
    }
    if (!memory.before.empty()) {
        std::vector<std::string> names;
        names.reserve(memory.before.size());
        for (const std::string& name : memory.before) names.push_back(quoted(name));
        text += fmt::format("{} began to wait before. ", joined(names));
    }
    text.erase(text.find_last_not_of(". ") + 1);  // its sentence ends elsewhere
    return text;
}

// The processes that do what is waited for.
std::string processes_text(const ExplanationStatus& told, std::string_view doing) {
    std::string text;
    for (const ExplainedHolder& process : told.processes) {
        if (!doing.empty() && process.doing != doing) continue;
        if (told.worker != 0 && process.worker != told.worker) continue;
        text += fmt::format("{}{} is {}{}", text.empty() ? "" : "; ", worker_text(process),
                            doing_text(process), until_text(process.until));
    }
    return text;
}

std::string error_text(const ExplanationStatus& told) {
    if (!told.error) return "";
    return fmt::format("; its last error was {}: {}", base::traits(told.error->code).name,
                       told.error->message);
}

std::string busy_text(const ExplanationStatus& told) {
    const std::string running = processes_text(told, "running");
    return fmt::format("every place in {} is taken{}{}", quoted(told.model),
                       running.empty() ? "" : ": ", running);
}

std::string pause_text(const ExplanationStatus& told) {
    const std::string in = told.next ? "in " + base::rough_text(told.next->in) : "soon";
    if (told.breaker == "open") {
        return fmt::format(
            "the workers of {} kept dying and its breaker is open; it is tried again "
            "{}{}",
            quoted(told.model), in, error_text(told));
    }
    return fmt::format("{} failed and is tried again {}{}", quoted(told.model), in,
                       error_text(told));
}

std::string device_text(const ExplanationStatus& told) {
    const std::string next = told.next ? fmt::format("; in {} {}", base::rough_text(told.next->in),
                                                     meaning_of(told.next->step))
                                       : "";
    const bool is_known = told.memory && !told.memory->device.empty();
    return fmt::format("{} of {} answers{}",
                       is_known ? "the device " + told.memory->device : "no device",
                       told.model.empty() ? "the lease" : quoted(told.model), next);
}

std::string cause_text(const ExplanationStatus& told) {
    const std::string_view reason = told.reason;
    if (reason == "memory" && told.memory) return "memory: " + memory_text(told, *told.memory);
    if (reason == "device") return "a device: " + device_text(told);
    if (reason == "busy") return "a place: " + busy_text(told);
    if (reason == "paused") {
        return fmt::format("the end of a pause: {} was paused by an administrator",
                           quoted(told.model));
    }
    if (reason == "backoff") return "a new try: " + pause_text(told);
    if (reason == "retrying") {
        return fmt::format("its next try after a transient error ({} so far){}", told.failed_tries,
                           told.next ? ", in " + base::rough_text(told.next->in) : "");
    }
    if (reason == "store") {
        return fmt::format(
            "the store of jobs, which is asked whether it may begin or is in "
            "trouble{}",
            told.next ? "; it is asked again in " + base::rough_text(told.next->in) : "");
    }
    if (reason == "unkillable") {
        return fmt::format(
            "the end of a process of {}: too many of them hang in the kernel and "
            "survived SIGKILL, so that no other is started",
            quoted(told.model));
    }
    const std::string who = processes_text(told, reason);
    const std::string rest = who.empty() ? "" : ": " + who;
    if (reason == "starting") return fmt::format("{} to start{}", quoted(told.model), rest);
    if (reason == "loading") return fmt::format("{} to load{}", quoted(told.model), rest);
    if (reason == "restoring")
        return fmt::format("the weights of {} to come back{}", quoted(told.model), rest);
    if (reason == "offloading") {
        return fmt::format("the weights of {} to leave, and to come back at once{}",
                           quoted(told.model), rest);
    }
    if (reason == "draining") {
        return fmt::format("{} to finish what it holds, and to start anew{}", quoted(told.model),
                           rest);
    }
    if (reason == "stopping") {
        return fmt::format("the end of a process of {}{}{}", quoted(told.model), rest,
                           error_text(told));
    }
    return std::string{reason};
}

std::string place_text(const ExplanationStatus& told) {
    std::string text;
    if (told.position)
        text += fmt::format(" It is {} of {}.", ordinal(*told.position), told.waiting);
    if (told.wait_limit_in) {
        text += fmt::format(" It is refused in {} if it has not begun.",
                            base::rough_text(*told.wait_limit_in));
    } else if (told.deadline_in) {
        text += fmt::format(" Its time is over in {}.", base::rough_text(*told.deadline_in));
    }
    return text;
}

std::string request_sentence(const ExplanationStatus& told) {
    if (told.state == "running") {
        std::string text = fmt::format("{} runs in {} since {}: ", told.subject, quoted(told.model),
                                       base::rough_text(told.since.value_or(0s))) +
                           processes_text(told, "") + ".";
        if (told.progress_age)
            text += fmt::format(" It last showed progress {} ago.",
                                base::rough_text(*told.progress_age));
        return text + place_text(told);
    }
    const std::string who = told.asked == "call" ? told.subject
                            : told.model.empty()
                                ? fmt::format("{}, a lease,", told.subject)
                                : fmt::format("{}, an administrator's {} of {},", told.subject,
                                              told.asked, quoted(told.model));
    if (told.reason.empty()) return who + " waits for its turn." + place_text(told);
    const std::string since =
        told.since ? fmt::format(" (since {})", base::rough_text(*told.since)) : "";
    return fmt::format("{} waits{} for {}.{}", who, since, cause_text(told), place_text(told));
}

std::string model_sentence(const ExplanationStatus& told) {
    const std::string_view state = told.state == "backoff" ? "in back-off" : told.state;
    std::string text = fmt::format("{} is {}", quoted(told.subject), state);
    if (told.is_paused) text += " and paused";
    const std::string waiting =
        told.waiting == 0 ? ""
        : told.waiting == 1
            ? fmt::format("One request waits for it, {}", told.first)
            : fmt::format("{} requests wait for it, the first is {}", told.waiting, told.first);
    const std::string since =
        told.since ? fmt::format(", since {}", base::rough_text(*told.since)) : "";
    if (told.reason.empty()) {
        const std::string processes = processes_text(told, "");
        text += processes.empty() ? "" : ": " + processes;
        text += ". Nobody waits for it.";
        if (told.state == "cold" && told.error) {
            text += fmt::format(" Its last error was {}: {}.", base::traits(told.error->code).name,
                                told.error->message);
        }
    } else {
        text += ", waiting for " + cause_text(told) + ".";
        if (!waiting.empty()) text += " " + waiting + since + ".";
    }
    if (told.unkillable > 0) {
        text += fmt::format(" {} of its processes hang in the kernel and survived SIGKILL.",
                            told.unkillable);
    }
    return text;
}

void advise_memory(const ExplanationStatus& told, const ExplainedMemory& memory,
                   std::vector<http::Advice>& advice) {
    for (const ExplainedHolder& holder : memory.holders) {
        const bool is_other = holder.kind == "model" && holder.model != told.model;
        if (is_other && holder.doing == "unkillable") {
            advice.push_back({.command = "windlass workers",
                              .what = "names the process that survived SIGKILL; see what it waits "
                                      "for"});
        } else if (is_other) {
            advice.push_back(
                {.command = "windlass models unload " + holder.model,
                 .what = fmt::format(
                     "frees {} {}", base::to_text(holder.bytes),
                     holder.doing == "running" ? "once its runs are over" : "at once")});
        }
        for (const http::Stranger& stranger : holder.strangers) {
            if (stranger.pid <= 1) continue;  // it is no program's to end, or its pid is hidden
            advice.push_back({.command = fmt::format("kill {}", stranger.pid),
                              .what = fmt::format("ends another program that holds {}",
                                                  bytes_text(stranger.bytes))});
        }
        if (holder.kind == "fenced") {
            advice.push_back(
                {.command = "windlass incidents", .what = "tells whose memory did not come back"});
        }
    }
    const bool has_mover = std::ranges::any_of(memory.holders, [](const ExplainedHolder& holder) {
        return holder.makes_room_in.has_value();
    });
    if (has_mover && memory.patience_in && *memory.patience_in > 0s) {
        advice.push_back({.what = "lower `max_wait` of the model to have those at work make room "
                                  "sooner, or `need` if it is too high"});
    }
}

void advise_worker(const ExplanationStatus& told, std::string_view doing, std::string_view what,
                   std::vector<http::Advice>& advice) {
    for (const ExplainedHolder& process : told.processes) {
        if (process.doing != doing || process.worker == 0) continue;
        advice.push_back({.command = fmt::format("windlass workers kill {}", process.worker),
                          .what = std::string{what}});
    }
}

}  // namespace

std::string explain_sentence(const ExplanationStatus& told) {
    return told.kind == "request" ? request_sentence(told) : model_sentence(told);
}

std::vector<http::Advice> explain_advice(const ExplanationStatus& told) {
    std::vector<http::Advice> advice;
    const std::string_view reason = told.reason;
    if (told.state == "running")
        advise_worker(told, "running", "ends it, and whatever else runs in that worker", advice);
    if (reason == "memory" && told.memory) advise_memory(told, *told.memory, advice);
    if (reason == "paused") {
        advice.push_back(
            {.command = "windlass models resume " + told.model, .what = "lets runs begin again"});
    }
    if (reason == "backoff") {
        advice.push_back({.command = "windlass models load " + told.model,
                          .what = "tries at once, when what failed is mended"});
        advice.push_back({.command = "windlass incidents", .what = "tells how its workers ended"});
    }
    if (reason == "busy") {
        advise_worker(told, "running", "ends the runs in that worker, if they hang", advice);
        advice.push_back({.what = "raise `copies` or `concurrency` of the model for more at once"});
    }
    if (reason == "device")
        advice.push_back({.command = "windlass devices", .what = "tells what is wrong with each"});
    if (reason == "starting" || reason == "loading" || reason == "restoring" ||
        reason == "offloading" || reason == "draining" || reason == "stopping")
        advise_worker(told, reason, "ends it at once, if it hangs", advice);
    if (told.incident != 0 && told.is_stuck) {
        advice.push_back({.command = fmt::format("windlass incidents show {}", told.incident),
                          .what = "tells all that is known of its latest trouble"});
    }
    if (told.unkillable > 0) {
        advice.push_back(
            {.command = "windlass workers", .what = "names the processes that survived SIGKILL"});
    }
    return advice;
}

}  // namespace windlass::daemon
