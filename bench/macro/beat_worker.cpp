// bench_beat_worker: a worker whose runs say once a second how far they are, until they are
// cancelled.
#include <chrono>
#include <thread>

#include <windlass/worker.h>

namespace worker = windlass::worker;

class Beat : public worker::Model {
  public:
    worker::Outcome<void> load(const std::string&) override { return {}; }

    worker::Outcome<worker::Answer> run(worker::Request& request) override {
        constexpr std::chrono::seconds kInterval{1};
        for (std::uint64_t step = 0; !request.cancelled(); ++step) {
            request.progress({.step = step});
            std::this_thread::sleep_for(kInterval);  // lint: sleep is the subject
        }
        return worker::fail(worker::ErrorType::cancelled, "nobody waits for it");
    }
};

int main() {
    Beat beat;
    return worker::serve(beat);
}
