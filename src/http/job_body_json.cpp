// First the whole body is checked to be JSON, then its members are cut out of it.
#include "http/job_body_json.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <boost/json/basic_parser_impl.hpp>
#include <optional>
#include <span>
#include <string>

#include "base/nearest_word.h"
#include "base/utf8.h"
#include "http/base64.h"
#include "http/job_fields.h"

namespace windlass::http {
namespace {

using boost::json::string_view;
using boost::system::error_code;

constexpr std::size_t kDepthMax = 512;  // of nested arrays and objects; the parser is recursive
constexpr unsigned kBudgetMax = 1'000;  // attempts beyond any sense

constexpr std::string_view kFields[] = {
    "model",       "input",         "input_base64", "content_type", "variant",
    "priority",    "tenant",        "key",          "run_at",       "deadline",
    "run_timeout", "stall_timeout", "max_failures", "max_crashes"};

// Keeps nothing: a large input costs no second copy.
struct Checker {
    // NOLINTBEGIN(readability-identifier-naming): the names that the parser looks for
    static constexpr std::size_t max_object_size = SIZE_MAX;
    static constexpr std::size_t max_array_size = SIZE_MAX;
    static constexpr std::size_t max_key_size = SIZE_MAX;
    static constexpr std::size_t max_string_size = SIZE_MAX;
    // NOLINTEND(readability-identifier-naming)

    // NOLINTBEGIN(readability-convert-member-functions-to-static): the parser calls them so
    bool on_document_begin(error_code&) { return true; }
    bool on_document_end(error_code&) { return true; }
    bool on_object_begin(error_code&) { return true; }
    bool on_object_end(std::size_t, error_code&) { return true; }
    bool on_array_begin(error_code&) { return true; }
    bool on_array_end(std::size_t, error_code&) { return true; }
    bool on_key_part(string_view, std::size_t, error_code&) { return true; }
    bool on_key(string_view, std::size_t, error_code&) { return true; }
    bool on_string_part(string_view, std::size_t, error_code&) { return true; }
    bool on_string(string_view, std::size_t, error_code&) { return true; }
    bool on_number_part(string_view, error_code&) { return true; }
    bool on_int64(std::int64_t, string_view, error_code&) { return true; }
    bool on_uint64(std::uint64_t, string_view, error_code&) { return true; }
    bool on_double(double, string_view, error_code&) { return true; }
    bool on_bool(bool, error_code&) { return true; }
    bool on_null(error_code&) { return true; }
    bool on_comment_part(string_view, error_code&) { return true; }
    bool on_comment(string_view, error_code&) { return true; }
    // NOLINTEND(readability-convert-member-functions-to-static)
};

base::Error bad(std::string message) {
    return base::fail(base::Errc::invalid_input, std::move(message));
}

base::Result<void> check_json(std::string_view body) {
    boost::json::parse_options options;
    options.max_depth = kDepthMax;
    boost::json::basic_parser<Checker> parser{options};
    error_code error;
    const std::size_t read = parser.write_some(false, body.data(), body.size(), error);
    if (!error && read < body.size()) error = boost::json::error::extra_data;
    if (!error) return {};
    return bad(
        fmt::format("the body is not JSON: {} near byte {}; send an object, such as "
                    R"({{"model": "mine", "input": {{"text": "ahoy"}}}})",
                    error.message(), read));
}

constexpr bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// Goes through a text that is known to be JSON.
class Cursor {
  public:
    explicit Cursor(std::string_view text) : rest_(text) { skip_spaces(); }

    bool take(char c) {
        if (!rest_.starts_with(c)) return false;
        rest_.remove_prefix(1);
        skip_spaces();
        return true;
    }
    // One value of any kind, as it is written.
    std::string_view take_value() {
        std::size_t depth = 0;
        std::size_t size = 0;
        do {
            const char c = rest_[size];
            if (c == '"') {
                size += string_size(size);
                continue;
            }
            if (c == '{' || c == '[') ++depth;
            if (c == '}' || c == ']') --depth;
            ++size;
            // A number or a word goes on to the next mark.
            if (depth == 0 && c != '}' && c != ']') {
                while (size < rest_.size() && !is_space(rest_[size]) && rest_[size] != ',' &&
                       rest_[size] != '}') {
                    ++size;
                }
            }
        } while (depth > 0);
        const std::string_view value = rest_.substr(0, size);
        rest_.remove_prefix(size);
        skip_spaces();
        return value;
    }

  private:
    std::size_t string_size(std::size_t begin) const {
        std::size_t end = rest_.find('"', begin + 1);
        while (is_escaped(end)) end = rest_.find('"', end + 1);
        return end + 1 - begin;
    }
    // By an odd number of backslashes before it.
    bool is_escaped(std::size_t quote) const {
        std::size_t begin = quote;
        while (rest_[begin - 1] == '\\') --begin;
        return (quote - begin) % 2 != 0;
    }
    void skip_spaces() {
        while (!rest_.empty() && is_space(rest_.front())) rest_.remove_prefix(1);
    }

    std::string_view rest_;
};

struct Member {
    std::string key;
    std::string_view value;  // as it is written

    bool is_null() const { return value == "null"; }
};

base::Result<std::string> read_text(const Member& member) {
    if (!member.value.starts_with('"')) {
        return bad(fmt::format("{} has the value {}; write it as a string, in quotes", member.key,
                               base::to_valid_utf8(member.value.substr(0, 100))));
    }
    if (!member.value.contains('\\')) {
        return std::string{member.value.substr(1, member.value.size() - 2)};
    }
    const boost::json::value text = boost::json::parse({member.value.data(), member.value.size()});
    return std::string{std::string_view{text.get_string()}};
}

base::Result<unsigned> read_number(const Member& member, unsigned low, unsigned high) {
    unsigned number = 0;
    for (const char c : member.value) {
        const bool is_digit = c >= '0' && c <= '9';
        number =
            is_digit && number <= high ? number * 10 + static_cast<unsigned>(c - '0') : high + 1;
    }
    if (number >= low && number <= high) return number;
    return bad(fmt::format("{} has the value {}; write a whole number from {} to {}", member.key,
                           base::to_valid_utf8(member.value.substr(0, 100)), low, high));
}

base::Result<void> read_limit_into(std::optional<base::Duration>& field, const Member& member) {
    const std::string text = WL_TRY(read_text(member));
    field = WL_TRY(read_limit(member.key, text));
    return {};
}

base::Result<void> read_label_into(std::string& field, const Member& member, std::size_t size_max) {
    field = WL_TRY(read_text(member));
    return check_label(member.key, field, size_max);
}

base::Result<void> read_moment_into(std::optional<std::int64_t>& field, const Member& member,
                                    std::int64_t now_ms) {
    const std::string text = WL_TRY(read_text(member));
    field = WL_TRY(read_moment(member.key, text, now_ms));
    return {};
}

base::Error unknown_field(const std::string& key) {
    const auto nearest = base::nearest_word(key, kFields);
    const std::string shown = base::to_valid_utf8(key.substr(0, 100));
    if (nearest) {
        return bad(fmt::format("a job has no field \"{}\"; did you mean \"{}\"?", shown, *nearest));
    }
    std::string known;
    for (const std::string_view field : kFields) known.append(known.empty() ? "" : ", ") += field;
    return bad(
        fmt::format("a job has no field \"{}\"; it has {}. What is meant for the model "
                    "belongs into \"input\"",
                    shown, known));
}

// What a body says beside the fields of a submission.
struct Source {
    bool is_json = false;    // there was `input`
    bool is_base64 = false;  // there was `input_base64`
};

base::Result<void> read_input(const Member& member, JobSubmission& submission, Source& source) {
    if (member.key == "input") {
        source.is_json = true;
        submission.body = member.value;
        return {};
    }
    source.is_base64 = true;
    const std::string text = WL_TRY(read_text(member));
    auto bytes = decode_base64(text);
    if (!bytes) {
        return bad(
            "input_base64 is not base64 (RFC 4648, with + and /, padded with =); send "
            "large inputs as they are to POST /api/models/MODEL/jobs");
    }
    submission.body = std::move(*bytes);
    return {};
}

base::Result<void> read_variant_into(JobSubmission& submission, const Member& member) {
    submission.variant = WL_TRY(read_text(member));
    return check_name(member.key, *submission.variant);
}

base::Result<void> read_member(const Member& member, std::int64_t now_ms, JobSubmission& job,
                               Source& source) {
    const std::string& key = member.key;
    if (std::ranges::find(kFields, key) == std::end(kFields)) return unknown_field(key);
    if (key == "input") return read_input(member, job, source);
    if (member.is_null()) return {};  // as if it was not there
    if (key == "input_base64") return read_input(member, job, source);
    if (key == "model") return read_label_into(job.model, member, kKeySizeMax);
    if (key == "content_type") return read_label_into(job.content_type, member, kKeySizeMax);
    if (key == "variant") return read_variant_into(job, member);
    if (key == "tenant") return read_label_into(job.tenant, member, kTenantSizeMax);
    if (key == "key") return read_label_into(job.key, member, kKeySizeMax);
    if (key == "run_at") return read_moment_into(job.run_at_ms, member, now_ms);
    if (key == "deadline") return read_moment_into(job.deadline_ms, member, now_ms);
    if (key == "run_timeout") return read_limit_into(job.run_timeout, member);
    if (key == "stall_timeout") return read_limit_into(job.stall_timeout, member);
    if (key == "priority") job.priority = WL_TRY(read_number(member, 0, 9));
    if (key == "max_failures") job.max_failures = WL_TRY(read_number(member, 1, kBudgetMax));
    if (key == "max_crashes") job.max_crashes = WL_TRY(read_number(member, 1, kBudgetMax));
    return {};
}

base::Result<void> check_whole(JobSubmission& job, const Source& source, std::int64_t now_ms) {
    if (job.model.empty()) {
        return bad(R"(the job names no model; add "model": "NAME")");
    }
    if (source.is_json == source.is_base64) {
        return bad(source.is_json
                       ? "the job has input and input_base64; give one of them"
                       : "the job has no input; add \"input\" with any JSON value (null, if the "
                         "model wants none), or \"input_base64\" with \"content_type\"");
    }
    if (source.is_json && !job.content_type.empty()) {
        return bad("content_type goes with input_base64; \"input\" is always application/json");
    }
    if (source.is_json) job.content_type = "application/json";
    return check_moments(job, now_ms);
}

}  // namespace

base::Result<JobSubmission> read_submission(std::string_view body, std::int64_t now_ms) {
    WL_TRY(check_json(body));
    Cursor cursor{body};
    if (!cursor.take('{')) {
        return bad(R"(the body is JSON, but no object; send {"model": "NAME", "input": ...})");
    }
    JobSubmission submission;
    Source source;
    std::vector<std::string> seen;
    while (!cursor.take('}')) {
        const Member name{.key = "a key", .value = cursor.take_value()};
        Member member{.key = {}, .value = {}};
        member.key = WL_TRY(read_text(name));
        cursor.take(':');
        member.value = cursor.take_value();
        cursor.take(',');
        if (std::ranges::find(seen, member.key) != seen.end()) {
            return bad(fmt::format("the job has the field \"{}\" twice; give it once",
                                   base::to_valid_utf8(member.key.substr(0, 100))));
        }
        WL_TRY(read_member(member, now_ms, submission, source));
        seen.push_back(std::move(member.key));
    }
    WL_TRY(check_whole(submission, source, now_ms));
    return submission;
}

}  // namespace windlass::http
