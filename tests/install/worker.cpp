// What a user's own model in C++ would look like.
#include <windlass/worker.h>

#include <algorithm>

namespace worker = windlass::worker;

class Loud : public worker::Model {
    worker::Outcome<void> load(const std::string&) override { return {}; }

    worker::Outcome<worker::Answer> run(worker::Request& request) override {
        if (request.body.empty()) return worker::fail(worker::ErrorType::invalid_input, "no text");
        std::ranges::transform(request.body, request.body.begin(),
                               [](char c) { return c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c; });
        return worker::Answer{.body = std::move(request.body), .content_type = "text/plain"};
    }
};

int main() {
    Loud loud;
    return worker::serve(loud);
}
