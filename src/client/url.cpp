// URLs to and from text.
#include "client/url.h"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <sys/un.h>

#include <charconv>
#include <optional>

namespace windlass::client {
namespace {

constexpr std::uint16_t kPort = 7411;  // `listen` of [daemon] by default

base::Error bad_url(const std::string& text, std::string_view why) {
    return base::fail(base::Errc::invalid_input,
                      fmt::format("the URL \"{}\" {}; write one such as http://127.0.0.1:7411 or "
                                  "unix:/run/windlass.sock",
                                  text, why));
}

bool is_address(int family, const std::string& text) {
    in6_addr parsed{};
    return inet_pton(family, text.c_str(), &parsed) == 1;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
    if (text.empty()) return kPort;
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc{} || end != text.data() + text.size() || port == 0) return std::nullopt;
    return port;
}

base::Result<Url> parse_unix_url(const std::string& text, std::string path) {
    constexpr std::size_t kPathMax = sizeof(sockaddr_un::sun_path) - 1;  // the end is a zero byte
    if (!path.starts_with('/')) return bad_url(text, "does not name an absolute path");
    if (path.find('\0') != std::string::npos) return bad_url(text, "has a zero byte");
    if (path.size() > kPathMax) {
        return bad_url(text, fmt::format("names a path of {} bytes, and {} are the most for a Unix "
                                         "socket",
                                         path.size(), kPathMax));
    }
    return Url{.addresses = {std::move(path)}, .host_field = "localhost"};
}

}  // namespace

base::Result<Url> parse_url(const std::string& text) {
    constexpr std::string_view kScheme = "http://";
    constexpr std::string_view kUnixScheme = "unix:";
    if (text.starts_with(kUnixScheme)) {
        return parse_unix_url(text, text.substr(kUnixScheme.size()));
    }
    if (!text.starts_with(kScheme)) return bad_url(text, "does not begin with http:// or unix:");
    std::string_view rest = std::string_view{text}.substr(kScheme.size());
    if (rest.ends_with('/')) rest.remove_suffix(1);
    const bool is_bracketed = rest.starts_with('[');
    if (is_bracketed) rest.remove_prefix(1);
    const std::size_t host_size = rest.find(is_bracketed ? ']' : ':');
    const std::string host{rest.substr(0, host_size)};
    rest.remove_prefix(host.size());
    if (is_bracketed) {
        if (rest.empty()) return bad_url(text, "has a [ without its ]");
        rest.remove_prefix(1);
    }
    if (!rest.empty() && !rest.starts_with(':')) return bad_url(text, "cannot be read");
    const auto port = parse_port(rest.substr(rest.empty() ? 0 : 1));
    if (!port) return bad_url(text, "has a bad port");

    Url url{.addresses = {host}, .port = *port, .host_field = fmt::format("{}:{}", host, *port)};
    if (host == "localhost") {
        url.addresses = {"127.0.0.1", "::1"};
    } else if (is_bracketed && is_address(AF_INET6, host)) {
        url.host_field = fmt::format("[{}]:{}", host, *port);
    } else if (is_bracketed || !is_address(AF_INET, host)) {
        return bad_url(text, "names neither an IP address nor localhost");
    }
    return url;
}

std::string percent_encode(std::string_view text) {
    // RFC 3986 section 2.3.
    constexpr std::string_view kUnreserved =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    std::string encoded;
    for (const char c : text) {
        if (kUnreserved.find(c) != std::string_view::npos) {
            encoded += c;
        } else {
            encoded += fmt::format("%{:02X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
        }
    }
    return encoded;
}

}  // namespace windlass::client
