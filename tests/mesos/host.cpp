// A process that is either a Mesos master or one Mesos agent: `mesos-host`, no arguments.
//
// The scheduler binding's shared object holds all of libmesos, also the "local" cluster that
// `MesosSchedulerDriver(..., "local")` starts inside its own process. That cluster with no agents is
// a master; with one agent, whose master is pointed elsewhere, it is an agent. libmesos takes its
// flags from MESOS_* variables by itself.
//
// No headers of Mesos can be had where the binding comes from, so that the few functions needed are
// declared by their mangled names, and objects are buffers that are larger than they need to be.
#include <dlfcn.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>

namespace {

// Laid out as stout's Option<std::string>: a state (0 is "some"), then the value's room.
struct OptionalName {
  int state = 0;
  union {
    std::string text;
  };
  explicit OptionalName(const char* name) { new (&text) std::string(name); }
  ~OptionalName() { text.~basic_string(); }
};

// An opaque object of Mesos, constructed in place and never destroyed.
template <std::size_t size>
struct Room {
  alignas(16) char bytes[size];
};

}  // namespace

#define STD_STRING "NSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE"
#define DETECTOR "_ZN5mesos6master8detector24StandaloneMasterDetector7appoint"

// process::initialize(delegate, read-write realm, read-only realm)
extern "C" void initialize(const OptionalName&, const OptionalName&, const OptionalName&) asm(
    "_ZN7process10initializeERK6OptionI" STD_STRING "ES9_S9_");
// mesos::FrameworkInfo::FrameworkInfo()
extern "C" void construct_framework(void* self) asm("_ZN5mesos13FrameworkInfoC1Ev");
// mesos::MesosSchedulerDriver::MesosSchedulerDriver(scheduler, framework, master)
extern "C" void construct_driver(void* self, void* scheduler, void* framework, const std::string& master) asm(
    "_ZN5mesos20MesosSchedulerDriverC1EPNS_9SchedulerERKNS_13FrameworkInfoERK" STD_STRING);
// process::UPID::UPID(address)
extern "C" void construct_upid(void* self, const char* address) asm("_ZN7process4UPIDC1EPKc");
// StandaloneMasterDetector::appoint(upid)
extern "C" void appoint(void* detector, void* upid) asm(DETECTOR "ERKN7process4UPIDE");

namespace {

// Runs in the place of appoint(MasterInfo), by which the local cluster tells its agent of the
// master next door. The agent is told of the one in AGENT_OF; nobody uses the master next door.
void appoint_the_real_master(void* detector, void*) {
  static Room<4096> upid;
  const std::string address = std::string("master@") + getenv("AGENT_OF");
  construct_upid(&upid, address.c_str());
  appoint(detector, &upid);
}

// Overwrites the start of a function with a jump: mov rax, target; jmp rax.
void replace(void* function, void* target) {
  unsigned char jump[] = {0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xe0};
  std::memcpy(jump + 2, &target, sizeof target);
  const auto address = reinterpret_cast<std::uintptr_t>(function);
  void* page = reinterpret_cast<void*>(address & ~std::uintptr_t{4095});
  if (mprotect(page, 2 * 4096, PROT_READ | PROT_WRITE | PROT_EXEC) != 0) {
    std::perror("mesos-host: mprotect");
    _exit(1);
  }
  std::memcpy(function, jump, sizeof jump);
}

// Has the virtual functions of mesos::Scheduler, in their order. Only error() can be called: the
// driver reports wrong flags through it.
struct Scheduler {
  virtual ~Scheduler() = default;
  virtual void registered() {}
  virtual void reregistered() {}
  virtual void disconnected() {}
  virtual void resource_offers() {}
  virtual void offer_rescinded() {}
  virtual void status_update() {}
  virtual void framework_message() {}
  virtual void agent_lost() {}
  virtual void executor_lost() {}
  virtual void error(void*, const std::string& message) {
    std::fprintf(stderr, "mesos-host: %s\n", message.c_str());
    _exit(1);
  }
};

}  // namespace

int main() {
  initialize(OptionalName("master"), OptionalName("mesos-master-readwrite"),
             OptionalName("mesos-master-readonly"));
  if (getenv("AGENT_OF") != nullptr) {
    void* original = dlsym(RTLD_DEFAULT, DETECTOR "ERK6OptionINS_10MasterInfoEE");
    if (original == nullptr) {
      std::fprintf(stderr, "mesos-host: %s\n", dlerror());
      return 1;
    }
    replace(original, reinterpret_cast<void*>(appoint_the_real_master));
  }
  static Room<8192> framework, driver;
  static Scheduler scheduler;
  construct_framework(&framework);
  // The constructor starts the cluster. The driver is never run: no framework registers.
  construct_driver(&driver, &scheduler, &framework, "local");
  for (;;) pause();
}
