// Frames: golden bytes, limits, and that it does not matter where the stream was cut.
#include "wire/frame.h"

#include <doctest/doctest.h>

#include <random>
#include <vector>

namespace wire = windlass::wire;
namespace base = windlass::base;
using wire::Frame;
using wire::FrameReader;
using wire::FrameType;
using wire::Side;

namespace {

constexpr std::uint32_t kBodyMax = 1 << 20;

std::string bytes(std::initializer_list<int> values) {
    std::string text;
    for (const int value : values) text.push_back(static_cast<char>(value));
    return text;
}

// What a reader makes of `pieces`, up to the first error.
struct Reading {
    std::vector<Frame> frames;
    std::string error;  // empty when there was none
};

Reading read_all(FrameReader& reader, std::span<const std::string> pieces) {
    Reading reading;
    for (const std::string& piece : pieces) {
        std::span<const char> input{piece};
        while (true) {
            base::Result<std::optional<Frame>> result = reader.next(input);
            if (!result) {
                CHECK(result.error().code == base::Errc::data_corrupt);
                reading.error = result.error().message;
                return reading;
            }
            std::optional<Frame>& frame = *result;
            if (!frame) break;
            reading.frames.push_back(std::move(*frame));
        }
        CHECK(input.empty());
    }
    return reading;
}

Reading read_one(const std::string& stream, std::uint32_t body_max = kBodyMax,
                 Side sender = Side::worker) {
    FrameReader reader{sender, body_max};
    return read_all(reader, std::span{&stream, 1});
}

std::vector<Frame> sample_frames() {
    return {
        {FrameType::hello, 0, R"({"protocol":1})", ""},
        {FrameType::heartbeat, 0, "", ""},
        {FrameType::result, 17, R"({"content_type":"text/plain"})", "seven"},
        {FrameType::result, 0xFFFF'FFFF'FFFF'FFFF, "{}", std::string(300, '\0')},
        {FrameType::error, 18, R"({"type":"internal","message":""})", ""},
    };
}

std::string stream_of(std::span<const Frame> frames) {
    std::string stream;
    for (const Frame& frame : frames) stream += wire::encode(frame);
    return stream;
}

}  // namespace

TEST_CASE("a frame has exactly the bytes of the protocol") {
    const std::string golden =
        bytes({66,   1,    0,    0,    2,    0,    0,    0,   3,   0,   0,   0,  0x08,
               0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01, '{', '}', 'a', 'b', 'c'});
    const Frame frame{FrameType::run, 0x0102'0304'0506'0708, "{}", "abc"};
    CHECK(wire::encode(frame) == golden);
    CHECK(wire::encode_head(FrameType::run, frame.id, "{}", 3) + "abc" == golden);
    CHECK(read_one(golden, kBodyMax, Side::daemon).frames == std::vector{frame});

    const std::string sizes = wire::encode_head(FrameType::result, 1, "", 0x0A0B0C0D);
    CHECK(sizes == bytes({4, 1, 0, 0, 0, 0, 0, 0, 0x0D, 0x0C, 0x0B, 0x0A, 1, 0, 0, 0, 0, 0, 0, 0}));
}

TEST_CASE("every type of the protocol has its number, name and sender") {
    CHECK(wire::to_text(FrameType{1}) == "hello");
    CHECK(wire::to_text(FrameType{13}) == "log");
    CHECK(wire::to_text(FrameType{65}) == "load");
    CHECK(wire::to_text(FrameType{71}) == "stop");
    int from_worker = 0;
    int from_daemon = 0;
    for (int value = 0; value < 256; ++value) {
        const auto type = static_cast<FrameType>(value);
        const std::optional<Side> sender = wire::find_sender(type);
        CHECK((wire::to_text(type) == "unknown") == !sender.has_value());
        from_worker += sender == Side::worker ? 1 : 0;
        from_daemon += sender == Side::daemon ? 1 : 0;
        CHECK(sender.has_value() == ((value >= 1 && value <= 14) || (value >= 65 && value <= 71)));
    }
    CHECK(from_worker == 14);
    CHECK(from_daemon == 7);
}

TEST_CASE("a stream cut in two at any byte gives the same frames") {
    const std::vector<Frame> frames = sample_frames();
    const std::string stream = stream_of(frames);
    for (std::size_t at = 0; at <= stream.size(); ++at) {
        FrameReader reader{Side::worker, kBodyMax};
        const std::vector<std::string> pieces{stream.substr(0, at), stream.substr(at)};
        const Reading reading = read_all(reader, pieces);
        CAPTURE(at);
        CHECK(reading.frames == frames);
        CHECK(reading.error.empty());
        CHECK(reader.is_between_frames());
    }
}

TEST_CASE("a stream that comes byte by byte gives the same frames") {
    const std::vector<Frame> frames = sample_frames();
    std::vector<std::string> pieces;
    for (const char byte : stream_of(frames)) pieces.emplace_back(1, byte);
    FrameReader reader{Side::worker, kBodyMax};
    CHECK(read_all(reader, pieces).frames == frames);
}

TEST_CASE("the reader knows whether an end of the stream would cut a frame") {
    const std::string stream = wire::encode({FrameType::result, 1, "{}", "body"});
    for (std::size_t size = 0; size <= stream.size(); ++size) {
        FrameReader reader{Side::worker, kBodyMax};
        const std::string piece = stream.substr(0, size);
        std::span<const char> input{piece};
        REQUIRE(reader.next(input).has_value());
        CHECK(reader.is_between_frames() == (size == 0 || size == stream.size()));
    }
}

TEST_CASE("a body of the largest size passes and one byte more does not") {
    const std::string fits(kBodyMax, 'x');
    CHECK(read_one(wire::encode({FrameType::result, 1, "", fits})).frames.at(0).body == fits);
    // The header alone decides: nothing of the body is there yet.
    const Reading reading = read_one(wire::encode_head(FrameType::result, 1, "", kBodyMax + 1));
    CHECK(reading.error.contains("1048577 bytes, at most 1048576"));
    CHECK_FALSE(read_one(wire::encode_head(FrameType::result, 1, "", 1), 0).error.empty());
}

TEST_CASE("a raised body limit holds for the frames that follow") {
    FrameReader reader{Side::worker};
    const std::string hello = wire::encode({FrameType::hello, 0, "{}", ""});
    const std::string answer = wire::encode({FrameType::result, 1, "{}", "x"});
    CHECK(read_all(reader, std::span{&hello, 1}).error.empty());
    reader.set_body_size_max(1);
    CHECK(read_all(reader, std::span{&answer, 1}).frames.size() == 1);
}

TEST_CASE("a meta of the largest size passes and one byte more does not") {
    const std::string fits(wire::kMetaSizeMax, ' ');
    CHECK(read_one(wire::encode({FrameType::log, 0, fits, ""})).frames.at(0).meta == fits);
    std::string head = wire::encode_head(FrameType::log, 0, "");
    head[4] = 1;  // little-endian 65537
    head[6] = 1;
    CHECK(read_one(head).error.contains("65537 bytes"));
}

TEST_CASE("a header that breaks the protocol is refused for good") {
    struct Case {
        std::size_t at;
        int value;
    };
    for (const Case wrong : {Case{0, 0}, Case{0, 15}, Case{0, 64}, Case{0, 66}, Case{0, 255},
                             Case{1, 0}, Case{1, 2}, Case{2, 1}, Case{3, 1}}) {
        CAPTURE(wrong.at);
        CAPTURE(wrong.value);
        std::string stream = wire::encode({FrameType::heartbeat, 0, "", ""});
        stream[wrong.at] = static_cast<char>(wrong.value);
        FrameReader reader{Side::worker, kBodyMax};
        const Reading first = read_all(reader, std::span{&stream, 1});
        CHECK(first.error.starts_with("broken frame: "));
        const std::string sound = wire::encode({FrameType::heartbeat, 0, "", ""});
        const Reading later = read_all(reader, std::span{&sound, 1});
        CHECK(later.frames.empty());
        CHECK(later.error == first.error);
    }
}

TEST_CASE("text on the channel is called what it is") {
    CHECK(read_one("Traceback (most recent call last):\n").error.contains("54 72 61 63"));
}

TEST_CASE("frames before a broken one are still delivered") {
    const std::vector<Frame> frames = sample_frames();
    const Reading reading = read_one(stream_of(frames) + std::string(wire::kHeaderSize, 'x'));
    CHECK(reading.frames == frames);
    CHECK_FALSE(reading.error.empty());
}

TEST_CASE("random bytes never do more than break the channel") {
    std::mt19937 random{20240501};
    std::uniform_int_distribution<int> any_byte{0, 255};
    for (int round = 0; round < 2000; ++round) {
        std::string stream = stream_of(sample_frames());
        for (int flips = round % 5; flips > 0; --flips) {
            stream[random() % stream.size()] = static_cast<char>(any_byte(random));
        }
        std::vector<std::string> pieces;
        for (std::size_t at = 0; at < stream.size();) {
            const std::size_t size = 1 + random() % 40;
            pieces.push_back(stream.substr(at, size));
            at += size;
        }
        FrameReader reader{Side::worker, 1024};
        const Reading reading = read_all(reader, pieces);
        CHECK(reading.frames.size() <= stream.size() / wire::kHeaderSize);
        for (const Frame& frame : reading.frames) CHECK(frame.body.size() <= 1024);
    }
}
