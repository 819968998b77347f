// The only file that knows the JSON library of the worker channel.
#include <fmt/core.h>
#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/assert.h"
#include "base/digits.h"
#include "wire/bytes_max.h"
#include "wire/frame.h"
#include "wire/frame_meta.h"

namespace windlass::wire {
namespace {

namespace json = boost::json;
using base::Errc;
using base::Result;

constexpr std::size_t kHeaderTextSizeMax = 256;
// Cut so that even if each character is escaped to six bytes, message, cause and traceback together
// stay below kMetaSizeMax.
constexpr std::size_t kErrorTextsSizeMax = (kMetaSizeMax - 512) / 6;

struct LevelName {
    base::log::Level level;
    std::string_view name;
};
constexpr auto kLevels = std::to_array<LevelName>({
    {base::log::Level::debug, "debug"},
    {base::log::Level::info, "info"},
    {base::log::Level::warning, "warning"},
    {base::log::Level::error, "error"},
});

// Reads the keys of one meta and remembers the first thing that is wrong with it.
class MetaReader {
  public:
    MetaReader(FrameType type, std::string_view text) : type_(type) {
        json::error_code parse_error;
        json::value value = json::parse(text.empty() ? "{}" : text, parse_error);
        if (parse_error) {
            reject("is not JSON: " + parse_error.message());
        } else if (!value.is_object()) {
            reject("is not a JSON object");
        } else {
            object_ = std::move(value.get_object());
        }
    }

    // What stands under `key`, with the mistakes of both in one.
    std::optional<MetaReader> find_object(std::string_view key) {
        json::value* const value = object_.if_contains(key);
        if (value == nullptr || value->is_null()) return std::nullopt;
        if (!value->is_object()) {
            reject(fmt::format("has an \"{}\" that is not an object", key));
            return std::nullopt;
        }
        return MetaReader{type_, std::move(value->get_object())};
    }
    void take_mistake(const MetaReader& part) {
        if (!error_) error_ = part.error_;
    }

    std::optional<std::string> find_string(std::string_view key) {
        const json::value* const value = object_.if_contains(key);
        if (value == nullptr || value->is_null()) return std::nullopt;
        if (!value->is_string()) {
            reject(fmt::format("has a \"{}\" that is not a string", key));
            return std::nullopt;
        }
        return std::string{std::string_view{value->get_string()}};
    }

    std::optional<std::uint64_t> find_number(std::string_view key, std::uint64_t max) {
        const json::value* const value = object_.if_contains(key);
        if (value == nullptr || value->is_null()) return std::nullopt;
        const std::optional<std::uint64_t> number = as_whole(*value);
        if (!number || *number > max) {
            reject(fmt::format("has a \"{}\" that is not a number from 0 to {}", key, max));
            return std::nullopt;
        }
        return number;
    }

    // Seconds as a decimal, from 0 to a day; a wait beyond that helps nobody.
    std::optional<base::Duration> find_seconds(std::string_view key) {
        const json::value* const value = object_.if_contains(key);
        if (value == nullptr || value->is_null()) return std::nullopt;
        const double seconds = value->is_number() ? value->to_number<double>() : -1;
        if (!(seconds >= 0 && seconds <= 86'400)) {
            reject(fmt::format("has a \"{}\" that is not a number from 0 to 86400", key));
            return std::nullopt;
        }
        return base::Duration{static_cast<std::int64_t>(seconds * 1e9)};
    }

    std::string get_string(std::string_view key) { return get(key, find_string(key)); }
    std::uint64_t get_number(std::string_view key, std::uint64_t max) {
        return get(key, find_number(key, max));
    }
    bool get_bool(std::string_view key) {
        const json::value* const value = object_.if_contains(key);
        if (value != nullptr && value->is_bool()) return value->get_bool();
        reject(fmt::format("has no \"{}\" that is true or false", key));
        return false;
    }

    std::optional<bool> find_bool(std::string_view key) {
        const json::value* const value = object_.if_contains(key);
        if (value == nullptr || value->is_null()) return std::nullopt;
        return get_bool(key);
    }

    void reject(std::string_view why) {
        if (error_) return;
        error_ = base::fail(Errc::data_corrupt,
                            fmt::format("the meta of a `{}` frame {}", to_text(type_), why));
    }

    template <class Meta>
    Result<Meta> finish(Meta meta) {
        if (error_) return *error_;
        return meta;
    }

  private:
    MetaReader(FrameType type, json::object object) : type_(type), object_(std::move(object)) {}

    template <class Value>
    Value get(std::string_view key, const std::optional<Value>& value) {
        if (!value) reject(fmt::format("lacks \"{}\"", key));
        return value.value_or(Value{});
    }

    static std::optional<std::uint64_t> as_whole(const json::value& value) {
        if (value.is_uint64()) return value.get_uint64();
        if (value.is_int64() && value.get_int64() >= 0) {
            return static_cast<std::uint64_t>(value.get_int64());
        }
        if (!value.is_double()) return std::nullopt;
        const double number = std::floor(value.get_double());
        if (!(number >= 0 && number < 0x1p64)) return std::nullopt;
        return static_cast<std::uint64_t>(number);
    }

    FrameType type_;
    json::object object_;
    std::optional<base::Error> error_;
};

constexpr std::uint64_t kAnyNumber = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t kAnyNumber32 = std::numeric_limits<std::uint32_t>::max();
// 31 years: no duration of the protocol is longer, and in nanoseconds it still fits.
constexpr std::uint64_t kDurationMaxMs = 1'000'000'000'000;
constexpr std::uint64_t kDurationMaxUs = kDurationMaxMs * 1000;

std::uint64_t to_whole_milliseconds(base::Duration duration) {
    WL_ASSERT(duration >= base::Duration::zero());
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

std::optional<base::Bytes> find_bytes(MetaReader& meta, std::string_view key) {
    const std::optional<std::uint64_t> count = meta.find_number(key, kBytesMax);
    if (!count) return std::nullopt;
    return base::Bytes{*count};
}

base::Error read_error(MetaReader& meta) {
    base::Error error;
    const std::string type = meta.get_string("type");
    error.message = meta.get_string("message");
    error.cause = meta.find_string("cause").value_or("");
    error.traceback = meta.find_string("traceback").value_or("");
    error.reason = meta.find_string("reason").value_or("");
    error.retry_after = meta.find_seconds("retry_after_s");
    if (const std::optional<Errc> code = base::find_errc(type)) {
        error.code = *code;
    } else {
        error.code = Errc::internal;
        error.cause = type;
    }
    return error;
}

// The longest front part of at most `size` bytes that does not end within a UTF-8 character.
std::string_view cut(std::string_view text, std::size_t size) {
    if (text.size() <= size) return text;
    while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U) --size;
    return text.substr(0, size);
}

std::string print(const json::object& object) { return json::serialize(object); }

// Each request has one `run` and one `result`, whose metadata are nearly always as plain as this;
// then they are written and read without the library.
constexpr std::string_view kBeginContentType = R"({"content_type":")";
constexpr std::size_t kRunOrderSizeUsual = 64;  // without the content type

bool needs_no_escape(std::string_view text) {
    const auto is_plain = [](char c) { return c != '"' && c != '\\'; };
    return is_header_text(text) && std::ranges::all_of(text, is_plain);
}

std::optional<std::string_view> find_lone_content_type(std::string_view text) {
    constexpr std::string_view kEnd = R"("})";
    if (!text.starts_with(kBeginContentType) || !text.ends_with(kEnd)) return std::nullopt;
    if (text.size() < kBeginContentType.size() + kEnd.size()) return std::nullopt;
    text.remove_prefix(kBeginContentType.size());
    text.remove_suffix(kEnd.size());
    return needs_no_escape(text) ? std::optional{text} : std::nullopt;
}

// Of an attempt's error as much as fits beside the rest; what a traceback told is in the log.
constexpr std::size_t kLastErrorTextMax = 4'096;

json::object error_object(const base::Error& error) {
    json::object object{{"type", base::traits(error.code).name},
                        {"message", cut(error.message, kLastErrorTextMax)}};
    if (!error.cause.empty()) object["cause"] = cut(error.cause, kLastErrorTextMax);
    return object;
}

}  // namespace

bool is_header_text(std::string_view text) {
    const auto is_printable = [](char c) { return c >= ' ' && c <= '~'; };
    return !text.empty() && text.size() <= kHeaderTextSizeMax &&
           std::ranges::all_of(text, is_printable);
}

std::string to_json(const Hello& hello) {
    json::object object{{"protocol", hello.protocol},
                        {"sdk", hello.sdk},
                        {"pid", hello.pid},
                        {"runtime", hello.runtime},
                        {"can_offload", hello.can_offload}};
    if (hello.used_driver) object["used_driver"] = *hello.used_driver;
    return print(object);
}

std::string to_json(const Loaded& loaded) {
    json::object object;
    if (loaded.http_port) object["http_port"] = *loaded.http_port;
    if (loaded.http_socket) object["http_socket"] = *loaded.http_socket;
    return print(object);
}

std::string to_json(const Answer& answer) {
    json::object object{{"content_type", answer.content_type}};
    if (answer.peak) object["peak_bytes"] = answer.peak->count();
    if (answer.reserved) object["reserved_bytes"] = answer.reserved->count();
    return print(object);
}

std::string to_json(const Progress& progress) {
    json::object object;
    if (progress.step) object["step"] = *progress.step;
    if (progress.total) object["total"] = *progress.total;
    if (progress.phase) object["phase"] = *progress.phase;
    return print(object);
}

std::string to_json(const RecallAnswer& answer) { return print({{"recalled", answer.recalled}}); }

std::string to_json(const Moved& moved) {
    WL_ASSERT(moved.duration >= base::Duration::zero());
    json::object object{
        {"duration_us",
         std::chrono::duration_cast<std::chrono::microseconds>(moved.duration).count()}};
    if (moved.before) object["before_bytes"] = moved.before->count();
    if (moved.after) object["after_bytes"] = moved.after->count();
    return print(object);
}

std::string to_json(const LogLine& line) {
    const auto row = std::ranges::find(kLevels, line.level, &LevelName::level);
    WL_ASSERT(row != kLevels.end());
    json::object object{{"level", row->name}, {"message", line.message}};
    if (!line.hook.empty()) {
        object["hook"] = line.hook;
        object["cause"] = line.cause;
        object["traceback"] = line.traceback;
    }
    return print(object);
}

std::string to_json(const LoadOrder& order) {
    WL_ASSERT(order.body_max.count() <= kAnyNumber32);
    return print({{"model", order.model},
                  {"device", order.device},
                  {"uuid", order.uuid},
                  {"concurrency", order.concurrency},
                  {"body_max", order.body_max.count()},
                  {"heartbeat_ms", to_whole_milliseconds(order.heartbeat)}});
}

std::string to_json(const RunOrder& order) {
    const std::optional<Attempt>& attempt = order.attempt;
    const base::Error* const error =
        attempt && attempt->error.has_value() ? &*attempt->error : nullptr;
    if (needs_no_escape(order.content_type) && !order.variant && error == nullptr) {
        std::string text;
        text.reserve(kRunOrderSizeUsual + order.content_type.size());
        text.append(kBeginContentType).append(order.content_type).append(R"(","timeout_ms":)");
        base::append_digits(text, to_whole_milliseconds(order.timeout));
        if (attempt) base::append_digits(text.append(R"(,"attempt":)"), attempt->number);
        if (attempt && attempt->free) {
            base::append_digits(text.append(R"(,"free_bytes":)"), attempt->free->count());
        }
        text.push_back('}');
        return text;
    }
    json::object object{{"content_type", order.content_type},
                        {"timeout_ms", to_whole_milliseconds(order.timeout)}};
    if (order.variant) object["variant"] = *order.variant;
    if (attempt) object["attempt"] = attempt->number;
    if (attempt && attempt->free) object["free_bytes"] = attempt->free->count();
    if (error != nullptr) object["error"] = error_object(*error);
    return print(object);
}

std::string to_json(const base::Error& error) {
    std::size_t room = kErrorTextsSizeMax;
    const auto fit = [&room](std::string_view text) {
        const std::string_view kept = cut(text, room);
        room -= kept.size();
        return kept;
    };
    json::object object{{"type", base::traits(error.code).name}, {"message", fit(error.message)}};
    if (!error.cause.empty()) object["cause"] = fit(error.cause);
    if (!error.traceback.empty()) object["traceback"] = fit(error.traceback);
    if (!error.reason.empty()) object["reason"] = fit(error.reason);
    if (error.retry_after)
        object["retry_after_s"] = base::to_milliseconds(*error.retry_after) / 1e3;
    return print(object);
}

Result<Hello> parse_hello(std::string_view text) {
    MetaReader meta{FrameType::hello, text};
    Hello hello;
    hello.protocol = static_cast<std::uint32_t>(meta.get_number("protocol", kAnyNumber32));
    hello.sdk = meta.get_string("sdk");
    hello.pid = static_cast<int>(meta.get_number("pid", std::numeric_limits<int>::max()));
    hello.runtime = meta.get_string("runtime");
    hello.can_offload = meta.find_bool("can_offload").value_or(false);
    hello.used_driver = meta.find_bool("used_driver");
    return meta.finish(std::move(hello));
}

Result<Loaded> parse_loaded(std::string_view text) {
    MetaReader meta{FrameType::loaded, text};
    Loaded loaded;
    if (const auto port =
            meta.find_number("http_port", std::numeric_limits<std::uint16_t>::max())) {
        loaded.http_port = static_cast<std::uint16_t>(*port);
        if (*port == 0) meta.reject("has an \"http_port\" of 0");
    }
    loaded.http_socket = meta.find_string("http_socket");
    if (loaded.http_socket && !loaded.http_socket->starts_with('/')) {
        meta.reject("has an \"http_socket\" that is no absolute path");
    }
    if (loaded.http_port && loaded.http_socket) {
        meta.reject("has both an \"http_port\" and an \"http_socket\"");
    }
    return meta.finish(std::move(loaded));
}

Result<Answer> parse_answer(std::string_view text) {
    if (const auto content_type = find_lone_content_type(text)) {
        return Answer{.content_type = std::string{*content_type}};
    }
    MetaReader meta{FrameType::result, text};
    Answer answer{.content_type = meta.get_string("content_type")};
    answer.peak = find_bytes(meta, "peak_bytes");
    answer.reserved = find_bytes(meta, "reserved_bytes");
    if (!is_header_text(answer.content_type)) {
        meta.reject(
            fmt::format("has a \"content_type\" that is not 1 to {} printable ASCII"
                        " characters",
                        kHeaderTextSizeMax));
    }
    return meta.finish(std::move(answer));
}

Result<Progress> parse_progress(std::string_view text) {
    MetaReader meta{FrameType::progress, text};
    Progress progress;
    progress.step = meta.find_number("step", kAnyNumber);
    progress.total = meta.find_number("total", kAnyNumber);
    progress.phase = meta.find_string("phase");
    return meta.finish(std::move(progress));
}

Result<RecallAnswer> parse_recall_answer(std::string_view text) {
    MetaReader meta{FrameType::recalled, text};
    const RecallAnswer answer{.recalled = meta.get_bool("recalled")};
    return meta.finish(answer);
}

Result<Moved> parse_moved(FrameType type, std::string_view text) {
    MetaReader meta{type, text};
    Moved moved;
    moved.duration = std::chrono::microseconds{meta.get_number("duration_us", kDurationMaxUs)};
    moved.before = find_bytes(meta, "before_bytes");
    moved.after = find_bytes(meta, "after_bytes");
    return meta.finish(moved);
}

Result<LogLine> parse_log_line(std::string_view text) {
    MetaReader meta{FrameType::log, text};
    LogLine line{.message = meta.get_string("message")};
    const std::string level = meta.find_string("level").value_or("info");
    const auto row = std::ranges::find(kLevels, level, &LevelName::name);
    if (row != kLevels.end()) line.level = row->level;
    line.hook = meta.find_string("hook").value_or("");
    if (!line.hook.empty()) {
        line.cause = meta.find_string("cause").value_or("");
        line.traceback = meta.find_string("traceback").value_or("");
    }
    return meta.finish(std::move(line));
}

Result<LoadOrder> parse_load_order(std::string_view text) {
    MetaReader meta{FrameType::load, text};
    LoadOrder order;
    order.model = meta.get_string("model");
    order.device = meta.get_string("device");
    order.uuid = meta.find_string("uuid").value_or("");
    order.concurrency = static_cast<std::uint32_t>(meta.get_number("concurrency", kAnyNumber32));
    order.body_max = base::Bytes{meta.get_number("body_max", kAnyNumber32)};
    order.heartbeat = std::chrono::milliseconds{meta.get_number("heartbeat_ms", kDurationMaxMs)};
    return meta.finish(std::move(order));
}

Result<RunOrder> parse_run_order(std::string_view text) {
    MetaReader meta{FrameType::run, text};
    RunOrder order;
    order.content_type = meta.get_string("content_type");
    order.variant = meta.find_string("variant");
    order.timeout = std::chrono::milliseconds{meta.get_number("timeout_ms", kDurationMaxMs)};
    if (const auto number = meta.find_number("attempt", kAnyNumber)) {
        order.attempt = Attempt{.number = *number, .free = find_bytes(meta, "free_bytes")};
        if (auto error = meta.find_object("error")) {
            order.attempt->error = read_error(*error);
            meta.take_mistake(*error);
        }
    }
    return meta.finish(std::move(order));
}

Result<void> check_settings(std::string_view text) {
    MetaReader meta{FrameType::settings, text};
    const Result<bool> checked = meta.finish(true);
    if (!checked) return checked.error();
    return {};
}

Result<RemoteError> parse_error(std::string_view text) {
    MetaReader meta{FrameType::error, text};
    RemoteError remote{.error = read_error(meta)};
    return meta.finish(std::move(remote));
}

}  // namespace windlass::wire
