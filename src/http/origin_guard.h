// Keeps web pages of other sites from driving the daemon through somebody's browser: a name that an
// attacker points at 127.0.0.1 shows in Host, a page of another site in Origin.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/headers.h"
#include "http/reply.h"

namespace windlass::http {

class OriginGuard {
  public:
    // Beside loopback addresses and "localhost", these hosts are let in, with any port.
    explicit OriginGuard(std::vector<std::string> allowed_hosts);

    struct Subject {
        const Headers& headers;
        std::optional<std::string_view> authority;  // of a target in absolute form
        bool http11;                                // only HTTP/1.1 demands a Host
        // What Host says is then of no account. The rule for Host is against a browser that was
        // sent to 127.0.0.1 under a foreign name; no browser can be sent to a Unix socket, its
        // file's mode says who may connect, and its clients put what they like into Host. The rule
        // for Origin stays: a proxy before the socket hands on what a web page asked for.
        bool over_unix_socket = false;
    };
    // 400 for a missing or repeated Host, 403 for a foreign Host or Origin; empty: let it in.
    std::optional<Refusal> check(const Subject& subject) const;

  private:
    std::optional<Refusal> check_host(const Subject& subject) const;
    std::optional<Refusal> check_origin(const Headers& headers) const;
    bool is_own(std::string_view host_and_port) const;

    std::vector<std::string> allowed_hosts_;
};

}  // namespace windlass::http
