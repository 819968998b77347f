// The smallest worker in C++: answers each request with its own body.
#include <windlass/worker.h>

namespace worker = windlass::worker;

class Echo : public worker::Model {
  public:
    worker::Outcome<void> load(const std::string&) override { return {}; }

    worker::Outcome<worker::Answer> run(worker::Request& request) override {
        return worker::Answer{.body = std::move(request.body),
                              .content_type = std::move(request.content_type)};
    }
};

int main() {
    Echo echo;
    return worker::serve(echo);
}
