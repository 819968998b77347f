// Which of our errors each result of the driver becomes.
#include "guard/cuda_driver.h"

#include <doctest/doctest.h>

#include "guard/driver_use.h"
#include "guard/library.h"

namespace windlass::guard {

using base::Errc;
using driver_abi::CuResult;

TEST_CASE("a result becomes the error that callers act on") {
    const auto code_of = [](int result) {
        return cuda_error(static_cast<CuResult>(result), "cuMemAlloc_v2").code;
    };
    CHECK(code_of(2) == Errc::out_of_memory);
    CHECK(code_of(909) == Errc::transient);
    for (const int sticky : {700, 702, 710, 714, 715, 716, 717, 718, 719, 721, 226, 911, 810})
        CHECK(code_of(sticky) == Errc::context_lost);
    for (const int lost : {214, 220, 999}) CHECK(code_of(lost) == Errc::device_lost);
    for (const int driver : {34, 100, 102, 304, 803})
        CHECK(code_of(driver) == Errc::driver_missing);
    CHECK(code_of(801) == Errc::unsupported);
    CHECK(code_of(800) == Errc::permission_denied);
    for (const int misuse : {1, 3, 101, 201, 400, 12345}) CHECK(code_of(misuse) == Errc::internal);
}

TEST_CASE("an error names the function, the vendor's word and what to do") {
    const base::Error error = cuda_error(CuResult::out_of_memory, "cuMemAlloc_v2");
    CHECK(error.cause == "CUDA_ERROR_OUT_OF_MEMORY");
    CHECK(error.message.find("cuMemAlloc_v2 returned CUDA_ERROR_OUT_OF_MEMORY") == 0);
    CHECK(cuda_error(static_cast<CuResult>(12345), "cuInit").cause == "CUresult 12345");
}

TEST_CASE("a library that is not there is `driver_missing`") {
    const auto library = Library::open("libnobody-has-this.so.7");
    REQUIRE_FALSE(library.has_value());
    CHECK(library.error().code == Errc::driver_missing);
    CHECK(library.error().message.find("libnobody-has-this.so.7") != std::string::npos);
}

TEST_CASE("a library that nobody opened is not found, and not opened; the C library is there") {
    CHECK_FALSE(Library::find_open("libnobody-has-this.so.7").has_value());
    CHECK(Library::find_open("libc.so.6").has_value());
    CHECK_FALSE(has_used_driver());  // by this test
}

}  // namespace windlass::guard
