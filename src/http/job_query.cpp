// Parameters of the paths of jobs.
#include "http/job_query.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <string>

#include "http/query_parameters.h"

namespace windlass::http {
namespace {

base::Result<void> read_states(const std::string& value, std::vector<JobState>& states) {
    std::string_view rest = value;
    for (;;) {
        const std::string_view name = rest.substr(0, rest.find(','));
        const auto state = find_job_state(name);
        if (!state) {
            return bad_parameter("state", value,
                                 "write one or more of scheduled, available, held, running, "
                                 "succeeded, failed and cancelled, with commas between them");
        }
        if (std::ranges::find(states, *state) == states.end()) states.push_back(*state);
        if (name.size() == rest.size()) return {};
        rest.remove_prefix(name.size() + 1);
    }
}

// Whether it was one of a filter's.
base::Result<bool> read_filter_part(std::string_view name, std::string& value, JobFilter& filter) {
    if (name == "state") {
        WL_TRY(read_states(value, filter.states));
        return true;
    }
    std::string* const field = name == "model"    ? &filter.model
                               : name == "tenant" ? &filter.tenant
                               : name == "key"    ? &filter.key
                                                  : nullptr;
    if (field == nullptr) return false;
    if (value.empty()) return bad_parameter(name, value, "leave it out, or say which one");
    *field = std::move(value);
    return true;
}

base::Result<std::size_t> read_count(std::string_view name, const std::string& value) {
    std::size_t number = 0;
    const char* const end = value.data() + value.size();
    const auto [stop, error] = std::from_chars(value.data(), end, number);
    if (error == std::errc{} && stop == end && number >= 1 && number <= JobQuery::kLimitMax) {
        return number;
    }
    return bad_parameter(name, value, fmt::format("write 1 to {}", JobQuery::kLimitMax));
}

}  // namespace

base::Result<JobQuery> read_job_query(std::string_view query) {
    JobQuery read;
    WL_TRY(
        take_parameters(query, [&](std::string_view name, std::string value) -> base::Result<void> {
            if (WL_TRY(read_filter_part(name, value, read.filter))) return {};
            if (name == "after") {
                read.after = std::move(value);
            } else if (name == "limit") {
                read.limit = WL_TRY(read_count(name, value));
            } else {
                return bad_parameter(name, value,
                                     "it may be state, model, tenant, key, after or limit");
            }
            return {};
        }));
    return read;
}

base::Result<JobFilter> read_job_filter(std::string_view query) {
    JobFilter filter;
    bool is_all = false;
    WL_TRY(
        take_parameters(query, [&](std::string_view name, std::string value) -> base::Result<void> {
            if (WL_TRY(read_filter_part(name, value, filter))) return {};
            if (name != "all") {
                return bad_parameter(name, value, "it may be state, model, tenant, key or all=1");
            }
            is_all = WL_TRY(read_switch(name, value));
            return {};
        }));
    if (filter == JobFilter{} && !is_all) {
        return base::fail(base::Errc::invalid_input,
                          "this would be done to every job; say which ones with state, model, "
                          "tenant or key, or add all=1 if you mean all of them");
    }
    return filter;
}

base::Result<base::Duration> read_job_wait(std::string_view query) {
    base::Duration wait{};
    WL_TRY(take_parameters(
        query, [&](std::string_view name, const std::string& value) -> base::Result<void> {
            const auto read = base::parse_duration(value);
            if (name == "wait" && read && *read <= kJobWaitMax) {
                wait = *read;
                return {};
            }
            return bad_parameter(name, value,
                                 "it may be wait, with how long the job may take to be over before "
                                 "it is answered as it is: 500ms, 30s, at most 1h");
        }));
    return wait;
}

base::Result<std::optional<base::Duration>> read_queue_query(std::string_view query) {
    bool in_detail = false;
    std::optional<base::Duration> since;
    WL_TRY(take_parameters(
        query, [&](std::string_view name, const std::string& value) -> base::Result<void> {
            if (name == "detailed") {
                in_detail = WL_TRY(read_switch(name, value));
                return {};
            }
            since = base::parse_duration(value);
            if (name == "since" && since && since->count() > 0) return {};
            return bad_parameter(name, value,
                                 "it may be detailed=1, and with it since, with how far back its "
                                 "numbers reach: 10m, 24h, 7d");
        }));
    if (since && !in_detail) {
        return base::fail(base::Errc::invalid_input,
                          "since is for the numbers that detailed=1 adds; give both");
    }
    if (in_detail && !since) since = kReportUsual;
    return since;
}

base::Result<void> refuse_parameters(std::string_view query) {
    return take_parameters(query, [](std::string_view name, const std::string& value) {
        return base::Result<void>{bad_parameter(name, value, "this path has no parameters")};
    });
}

}  // namespace windlass::http
