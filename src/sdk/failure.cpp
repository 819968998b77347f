// Errors of models.
#include "sdk/failure.h"

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <typeinfo>
#include <utility>

#include "base/utf8.h"

namespace windlass::sdk {
namespace {

using worker::ErrorType;

base::Errc to_errc(ErrorType type) {
    using base::Errc;
    switch (type) {
        case ErrorType::invalid_input: return Errc::invalid_input;
        case ErrorType::permission_denied: return Errc::permission_denied;
        case ErrorType::not_found: return Errc::not_found;
        case ErrorType::conflict: return Errc::conflict;
        case ErrorType::queue_full: return Errc::queue_full;
        case ErrorType::unavailable: return Errc::unavailable;
        case ErrorType::out_of_memory: return Errc::out_of_memory;
        case ErrorType::host_out_of_memory: return Errc::host_out_of_memory;
        case ErrorType::transient: return Errc::transient;
        case ErrorType::device_lost: return Errc::device_lost;
        case ErrorType::driver_missing: return Errc::driver_missing;
        case ErrorType::timeout: return Errc::timeout;
        case ErrorType::stalled: return Errc::stalled;
        case ErrorType::cancelled: return Errc::cancelled;
        case ErrorType::worker_lost: return Errc::worker_lost;
        case ErrorType::context_lost: return Errc::context_lost;
        case ErrorType::unsupported: return Errc::unsupported;
        case ErrorType::data_corrupt: return Errc::data_corrupt;
        case ErrorType::internal: return Errc::internal;
    }
    return Errc::internal;  // a number that somebody cast
}

std::string type_name(const std::type_info& type) {
    int status = 0;
    const std::unique_ptr<char, decltype(&std::free)> name{
        abi::__cxa_demangle(type.name(), nullptr, nullptr, &status), &std::free};
    return name ? name.get() : type.name();
}

base::Error describe(base::Errc code, std::string name, std::string_view text) {
    return {.code = code,
            .message = base::to_valid_utf8(text.empty() ? name : name + ": " + std::string{text}),
            .cause = std::move(name)};
}

}  // namespace

base::Error to_error(worker::Error error) {
    base::Error described{.code = to_errc(error.type),
                          .message = base::to_valid_utf8(error.message),
                          .reason = base::to_valid_utf8(error.reason),
                          .cause = base::to_valid_utf8(error.cause)};
    if (error.retry_after) {  // as the protocol bounds it
        described.retry_after = std::clamp<base::Duration>(
            *error.retry_after, base::Duration::zero(), std::chrono::hours{24});
    }
    return described;
}

base::Error describe_current_exception() {
    try {
        std::rethrow_exception(std::current_exception());
    } catch (const std::bad_alloc& error) {
        return describe(base::Errc::host_out_of_memory, type_name(typeid(error)), "");
    } catch (const std::exception& error) {
        return describe(base::Errc::internal, type_name(typeid(error)), error.what());
    } catch (...) {
        const std::type_info* const type = abi::__cxa_current_exception_type();
        return describe(base::Errc::internal, type == nullptr ? "unknown" : type_name(*type), "");
    }
}

}  // namespace windlass::sdk
