// Host and Origin against the list of our own names.
#include "http/origin_guard.h"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <netinet/in.h>

#include <algorithm>

namespace windlass::http {
namespace {

// "localhost:7411" -> "localhost", "[::1]:80" -> "::1". Empty when it has another form.
std::optional<std::string_view> host_of(std::string_view text) {
    std::string_view host;
    std::string_view rest;
    if (text.starts_with('[')) {
        const std::size_t end = text.find(']');
        if (end == std::string_view::npos) return std::nullopt;
        host = text.substr(1, end - 1);
        rest = text.substr(end + 1);
        if (host.find(':') == std::string_view::npos) return std::nullopt;
    } else {
        host = text.substr(0, text.find(':'));
        rest = text.substr(host.size());
    }
    if (host.empty() || (!rest.empty() && rest.front() != ':')) return std::nullopt;
    if (!rest.empty()) rest.remove_prefix(1);
    if (rest.size() > 5 || rest.find_first_not_of("0123456789") != std::string_view::npos) {
        return std::nullopt;
    }
    return host;
}

bool is_loopback_address(const std::string& host) {
    in_addr v4{};
    if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return ntohl(v4.s_addr) >> 24 == 127;
    in6_addr v6{};
    if (inet_pton(AF_INET6, host.c_str(), &v6) != 1) return false;
    const in6_addr loopback = IN6ADDR_LOOPBACK_INIT;
    return std::equal(std::begin(v6.s6_addr), std::end(v6.s6_addr), std::begin(loopback.s6_addr));
}

// "example.com." is the same host as "example.com".
std::string_view without_root_dot(std::string_view host) {
    return host.ends_with('.') ? host.substr(0, host.size() - 1) : host;
}

std::string_view without_brackets(std::string_view host) {
    const bool bracketed = host.starts_with('[') && host.ends_with(']');
    return bracketed ? host.substr(1, host.size() - 2) : host;
}

Refusal forbidden(std::string message) {
    return Refusal{403, base::fail(base::Errc::permission_denied, std::move(message))};
}

Refusal malformed(std::string message) {
    return Refusal{400, base::fail(base::Errc::invalid_input, std::move(message))};
}

}  // namespace

OriginGuard::OriginGuard(std::vector<std::string> allowed_hosts)
    : allowed_hosts_(std::move(allowed_hosts)) {
    allowed_hosts_.emplace_back("localhost");
    for (std::string& host : allowed_hosts_) {
        host = std::string{without_root_dot(without_brackets(host))};
    }
}

bool OriginGuard::is_own(std::string_view host_and_port) const {
    const std::optional<std::string_view> host = host_of(host_and_port);
    if (!host) return false;
    if (is_loopback_address(std::string{*host})) return true;
    return std::ranges::any_of(allowed_hosts_, [&](const std::string& allowed) {
        return equal_ignoring_case(allowed, without_root_dot(*host));
    });
}

std::optional<Refusal> OriginGuard::check(const Subject& subject) const {
    if (auto refusal = check_host(subject)) return refusal;
    return check_origin(subject.headers);
}

std::optional<Refusal> OriginGuard::check_host(const Subject& subject) const {
    const std::size_t count = subject.headers.count("Host");
    if (count > 1) return malformed("the request has more than one Host header; send one");
    if (count == 0 && subject.http11) {
        return malformed(
            "the request has no Host header, which HTTP/1.1 demands; send \"Host: localhost\"");
    }
    if (subject.over_unix_socket) return std::nullopt;
    const auto host = subject.authority ? subject.authority : subject.headers.find("Host");
    if (!host || is_own(*host)) return std::nullopt;  // no browser speaks HTTP/1.0 without a Host
    return forbidden(fmt::format(
        "the host \"{}\" is not one that this daemon answers to; use localhost or a loopback "
        "address, or add the host to allowed_hosts under [daemon]",
        *host));
}

std::optional<Refusal> OriginGuard::check_origin(const Headers& headers) const {
    const std::size_t count = headers.count("Origin");
    if (count == 0) return std::nullopt;
    const std::string_view origin = headers.find("Origin").value_or("");
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (count == 1 && equal_ignoring_case(origin.substr(0, scheme.size()), scheme) &&
            is_own(origin.substr(scheme.size()))) {
            return std::nullopt;
        }
    }
    return forbidden(fmt::format(
        "a web page of \"{}\" may not use this daemon; call it from a server of yours, or add the "
        "page's host to allowed_hosts under [daemon]",
        origin));
}

}  // namespace windlass::http
