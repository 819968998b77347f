// Typed values out of header fields.
#include "http/request_fields.h"

#include <fmt/core.h>

#include <algorithm>

namespace windlass::http {
namespace {

constexpr std::size_t kNameSizeMax = 64;            // design.md section 8: names of models
constexpr std::size_t kContentTypeSizeMax = 1'024;  // far above any registered type; fits a frame

base::Error bad_field(std::string_view name, std::string_view value, std::string_view advice) {
    return base::fail(base::Errc::invalid_input,
                      fmt::format("the header {} has the value \"{}\"; {}", name, value, advice));
}

bool is_name(std::string_view text) {
    constexpr std::string_view kBytes =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    return !text.empty() && text.size() <= kNameSizeMax &&
           text.find_first_not_of(kBytes) == std::string_view::npos;
}

}  // namespace

base::Result<std::optional<std::string_view>> find_single(const Headers& headers,
                                                          std::string_view name) {
    const std::optional<std::string_view> value = headers.find(name);
    if (value && headers.count(name) > 1) {
        return base::fail(base::Errc::invalid_input,
                          fmt::format("the header {} is there more than once; send it once", name));
    }
    return value;
}

base::Result<std::optional<base::Duration>> read_duration(const Headers& headers,
                                                          std::string_view name,
                                                          ZeroDuration zero) {
    const auto value = WL_TRY(find_single(headers, name));
    if (!value) return std::nullopt;
    const std::optional<base::Duration> duration = base::parse_duration(*value);
    if (!duration) {
        return bad_field(name, *value,
                         fmt::format("write a number with its unit, such as \"{}: 1500ms\", "
                                     "\"30s\", \"5m\" or \"2h\"",
                                     name));
    }
    if (zero == ZeroDuration::refused && duration->count() == 0) {
        return bad_field(name, *value,
                         fmt::format("it must be more than 0, such as \"{}: 30s\"", name));
    }
    return duration;
}

base::Result<std::optional<unsigned>> read_priority(const Headers& headers) {
    constexpr std::string_view kName = "X-Windlass-Priority";
    const auto value = WL_TRY(find_single(headers, kName));
    if (!value) return std::nullopt;
    if (value->size() != 1 || value->front() < '0' || value->front() > '9') {
        return bad_field(kName, *value,
                         "write one digit from 0 (first) to 9 (last), such as "
                         "\"X-Windlass-Priority: 4\"");
    }
    return static_cast<unsigned>(value->front() - '0');
}

base::Result<std::optional<std::string>> read_variant(const Headers& headers) {
    constexpr std::string_view kName = "X-Windlass-Variant";
    const auto value = WL_TRY(find_single(headers, kName));
    if (!value) return std::nullopt;
    if (!is_name(*value)) {
        return bad_field(kName, *value,
                         "write the name of a variant of the model, up to 64 of A-Z a-z 0-9 . _ -, "
                         "such as \"X-Windlass-Variant: fp16\"");
    }
    return std::string{*value};
}

base::Result<std::string> read_content_type(const Headers& headers) {
    constexpr std::string_view kName = "Content-Type";
    const auto value = WL_TRY(find_single(headers, kName));
    if (!value) return std::string{};
    const bool printable = std::ranges::all_of(*value, [](char c) { return c >= ' ' && c <= '~'; });
    if (!printable || value->size() > kContentTypeSizeMax) {
        return base::fail(
            base::Errc::invalid_input,
            fmt::format("the header {} must be at most {} printable ASCII characters, "
                        "such as \"{}: application/json\"",
                        kName, kContentTypeSizeMax, kName));
    }
    return std::string{*value};
}

}  // namespace windlass::http
