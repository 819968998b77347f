// Frames of driver hosts: golden bytes, limits, and that it does not matter where they are cut.
#include "wire/host_frame.h"

#include <doctest/doctest.h>

#include <vector>

namespace wire = windlass::wire;
namespace base = windlass::base;
using wire::HostFrame;
using wire::HostFrameReader;
using wire::HostFrameType;
using wire::HostSide;

namespace {

using namespace std::string_literals;

std::vector<HostFrame> read_in_pieces(const std::string& stream, std::size_t size,
                                      HostSide sender) {
    HostFrameReader reader{sender};
    std::vector<HostFrame> frames;
    for (std::size_t at = 0; at < stream.size(); at += size) {
        const std::string piece = stream.substr(at, size);
        std::span<const char> input{piece};
        while (true) {
            base::Result<std::optional<HostFrame>> frame = reader.next(input);
            REQUIRE(frame.has_value());
            if (!*frame) break;
            frames.push_back(std::move(**frame));
        }
    }
    return frames;
}

std::string mistake_of(const std::string& stream, HostSide sender = HostSide::host) {
    HostFrameReader reader{sender};
    std::span<const char> input{stream};
    const auto read = reader.next(input);
    REQUIRE(!read.has_value());
    CHECK(read.error().code == base::Errc::data_corrupt);
    CHECK(reader.next(input).error() == read.error());  // and so for ever
    return read.error().message;
}

}  // namespace

TEST_CASE("a frame of a driver host has these bytes") {
    const std::string expected =
        "\x42\x01\x00\x00\x02\x00\x00\x00\x07\x01\x00\x00\x00\x00\x00\x00{}"s;
    CHECK(wire::encode({HostFrameType::ask_sample, 0x107, "{}"}) == expected);
}

TEST_CASE("frames of a driver host are read however they are cut") {
    const std::vector<HostFrame> frames = {{HostFrameType::listing, 1, "{\"devices\":[]}"},
                                           {HostFrameType::sample, 2, std::string(70'000, 'x')},
                                           {HostFrameType::failed, ~std::uint64_t{0}, ""}};
    std::string stream;
    for (const HostFrame& frame : frames) stream += wire::encode(frame);
    for (const std::size_t size :
         {std::size_t{1}, std::size_t{15}, std::size_t{4096}, stream.size()}) {
        CHECK(read_in_pieces(stream, size, HostSide::host) == frames);
    }
}

TEST_CASE("what is no frame of a driver host is refused before anything of it is kept") {
    std::string frame = wire::encode({HostFrameType::sample, 1, ""});
    CHECK(mistake_of(frame, HostSide::daemon).contains("not one that the daemon sends"));
    frame[1] = 9;
    CHECK(mistake_of(frame).contains("no header of version 1"));
    frame[1] = 1;
    frame[0] = 77;
    CHECK(mistake_of(frame).contains("type 77 (unknown)"));
    frame[0] = 2;
    frame[6] = 0x11;
    CHECK(mistake_of(frame).contains("its meta has 1114112 bytes"));
    CHECK(mistake_of("NVRM: API mismatch").contains("no header"));
}
