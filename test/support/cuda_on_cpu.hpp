// Compiles an unchanged .cu file with g++ and runs its kernels on the processor.
//
// An operating system's thread runs one block at a time.  The threads of a block are fibers: one
// that meets no barrier runs as a plain call, and only one that waits (barrier, shuffle, ballot)
// keeps a stack of its own.  A barrier that some threads of a block never reach, or that they
// reach at different lines, is an error; so is a warp operation that misses lanes.  Results that
// differ with the order in which threads run show a barrier that is missing.
#pragma once
#include <algorithm>
#include <atomic>
#include <cmath>
#include <csetjmp>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <sys/mman.h>
#include <thread>
#include <tuple>
#include <ucontext.h>
#include <utility>
#include <vector>

#define CUDA_ON_CPU 1
#define __global__
#define __device__
#define __shared__ static thread_local
#define __launch_bounds__(...)

#define __builtin_assume(what)

using std::max;
using std::min;

struct dim3 {
    unsigned x, y, z;
};
inline thread_local dim3 threadIdx, blockIdx;
inline dim3 blockDim, gridDim;      // of the one launch that runs

namespace cuda_on_cpu {

constexpr size_t STACK = 128 << 10;
constexpr unsigned MOST_THREADS = 1024;

enum class State { idle, ready, waiting };

struct Fiber {
    jmp_buf place;
    ucontext_t context;
    State state = State::idle;
    bool born = false;
    unsigned thread = 0;
    int line = 0;                   // of the barrier it waits at; 0 in a warp operation
};

struct Warp {
    uint32_t alive, here;
    unsigned meetings;
    uint64_t values[2][32];
    uint32_t votes[2];
};

struct Block {                      // what an operating system's thread works on
    std::vector<Fiber*> pool, active;
    jmp_buf home;
    Fiber* current = nullptr;
    Warp warps[MOST_THREADS / 32];
    unsigned next, threads, alive, at_barrier;
    bool reversed;              // the last thread first
    bool by_warps;              // a warp begins when those before it are done or wait
    void (*kernel)(void**);
    void** arguments;
    const char* error = nullptr;

    void bury() {
        for (Fiber* fiber : pool) {
            if (fiber->born) {
                munmap(fiber->context.uc_stack.ss_sp, STACK);
            }
            delete fiber;
        }
        pool.clear();
    }
};
inline thread_local Block* block;

inline void set_thread(unsigned thread) {
    const unsigned rest = thread / blockDim.x;
    threadIdx = {thread % blockDim.x, rest % blockDim.y, rest / blockDim.y};
}

[[gnu::noinline]] inline void go_home() {
    Fiber* fiber = block->current;
    const dim3 thread = threadIdx;
    if (!_setjmp(fiber->place)) {
        _longjmp(block->home, 1);
    }
    threadIdx = thread;
}

inline void live() {                // what a fiber does: thread after thread, until one waits
    for (;;) {
        while (block->next < block->threads) {
            const unsigned turn = block->next++;
            unsigned thread = block->reversed ? block->threads - 1 - turn : turn;
            block->current->thread = thread;
            set_thread(thread);
            block->kernel(block->arguments);
            thread = block->current->thread;
            --block->alive;
            block->warps[thread / 32].alive &= ~(1u << thread % 32);
            if (block->active.size() > 1 || (block->by_warps && block->next % 32 == 0)) {
                break;              // others wait: give them their turn in order
            }
        }
        block->current->state = State::idle;
        go_home();
    }
}

[[gnu::noinline]] inline void resume(Fiber* fiber) {
    block->current = fiber;
    fiber->state = State::ready;
    if (_setjmp(block->home)) {
        return;
    }
    if (fiber->born) {
        _longjmp(fiber->place, 1);
    }
    fiber->born = true;
    getcontext(&fiber->context);
    fiber->context.uc_stack.ss_sp = mmap(nullptr, STACK, PROT_READ | PROT_WRITE,
                                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    fiber->context.uc_stack.ss_size = STACK;
    fiber->context.uc_link = nullptr;
    makecontext(&fiber->context, live, 0);
    setcontext(&fiber->context);
}

inline void start_threads() {
    Block& b = *block;
    const unsigned end = b.by_warps ? min(b.threads, (b.next / 32 + 1) * 32) : b.threads;
    while (b.next < end) {
        if (b.active.empty() || b.active.back()->state != State::idle) {
            if (b.pool.size() == b.active.size()) {
                b.pool.push_back(new Fiber);
            }
            b.active.push_back(b.pool[b.active.size()]);
        }
        resume(b.active.back());
    }
}

inline void open_barrier() {
    Block& b = *block;
    if (b.at_barrier != b.alive) {
        b.error = "deadlock: threads wait at a barrier or in a warp operation that others of "
                  "their block or warp never reach";
        return;
    }
    int line = 0;
    for (Fiber* fiber : b.active) {
        if (fiber->state != State::waiting) {
            continue;
        }
        if (line && fiber->line != line) {
            b.error = "divergent barrier: threads of one block wait at different lines";
        }
        line = fiber->line;
        fiber->state = State::ready;
    }
    b.at_barrier = 0;
}

inline void run_block() {
    Block& b = *block;
    b.next = b.at_barrier = 0;
    b.alive = b.threads;
    b.active.clear();
    for (unsigned warp = 0; warp * 32 < b.threads; ++warp) {
        const unsigned lanes = std::min(32u, b.threads - warp * 32);
        b.warps[warp].alive = lanes == 32 ? ~0u : (1u << lanes) - 1;
        b.warps[warp].here = b.warps[warp].meetings = 0;
    }
    while (b.alive && !b.error) {
        for (size_t i = 0; i < b.active.size(); ++i) {
            if (b.active[i]->state == State::ready) {
                resume(b.active[i]);
            }
        }
        const auto some_ready = [&] {
            return std::any_of(b.active.begin(), b.active.end(),
                               [](Fiber* fiber) { return fiber->state == State::ready; });
        };
        if (!b.by_warps || !some_ready()) {
            start_threads();
        }
        if (b.alive && b.next == b.threads && !some_ready()) {
            open_barrier();
        }
    }
    if (b.error) {
        b.bury();
    }
}

inline void wait_at(int line) {
    block->current->line = line;
    block->current->state = State::waiting;
    if (line) {
        ++block->at_barrier;
    }
    go_home();
}

// Meet the lanes of the mask that are alive; return which of the two buffers has what they bring.
inline unsigned meet(uint32_t mask, uint64_t value, bool vote) {
    const unsigned thread = block->current->thread, lane = thread % 32;
    Warp& warp = block->warps[thread / 32];
    const unsigned buffer = warp.meetings % 2;
    if (!warp.here) {
        warp.votes[buffer] = 0;
    }
    warp.values[buffer][lane] = value;
    warp.votes[buffer] |= static_cast<uint32_t>(vote) << lane;
    warp.here |= 1u << lane;
    if (warp.here == (mask & warp.alive)) {
        warp.here = 0;
        ++warp.meetings;
        for (Fiber* fiber : block->active) {
            if (fiber->state == State::waiting && !fiber->line
                && fiber->thread / 32 == thread / 32) {
                fiber->state = State::ready;
            }
        }
    } else {
        wait_at(0);
    }
    return buffer;
}

inline unsigned lane() {
    return block->current->thread % 32;
}

template <class T>
T shuffle(uint32_t mask, T value, unsigned source, bool in_range) {
    static_assert(sizeof(T) <= sizeof(uint64_t));
    uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof(T));
    const unsigned warp = block->current->thread / 32, buffer = meet(mask, bits, false);
    if (in_range) {
        std::memcpy(&value, &block->warps[warp].values[buffer][source % 32], sizeof(T));
    }
    return value;
}

template <auto kernel, class... Arguments>
void call(void (*)(Arguments...), void** arguments) {
    [&]<size_t... index>(std::index_sequence<index...>) {
        kernel(*static_cast<Arguments*>(arguments[index])...);
    }(std::index_sequence_for<Arguments...>{});
}

template <auto kernel>
int launch(const unsigned* shape, void** arguments, int order, int workers, char* message,
           int capacity) {
    static std::mutex one_at_a_time;
    const std::lock_guard<std::mutex> guard(one_at_a_time);
    const unsigned threads = shape[3] * shape[4] * shape[5];
    if (!threads || threads > MOST_THREADS || !shape[0] || !shape[1] || !shape[2]
        || shape[1] > 65535 || shape[2] > 65535) {
        std::snprintf(message, capacity, "the shape of the grid or of the block is not allowed");
        return 1;                   // CUDA_ERROR_INVALID_VALUE
    }
    gridDim = {shape[0], shape[1], shape[2]};
    blockDim = {shape[3], shape[4], shape[5]};
    const uint64_t blocks = uint64_t(shape[0]) * shape[1] * shape[2];
    std::atomic<uint64_t> ticket{0};
    std::atomic<const char*> error{nullptr};
    auto work = [&] {
        Block mine;
        block = &mine;
        mine.threads = threads;
        mine.reversed = order & 1;
        mine.by_warps = order & 2;
        mine.arguments = arguments;
        mine.kernel = [](void** given) { call<kernel>(kernel, given); };
        for (uint64_t number; !error && (number = ticket++) < blocks;) {
            const uint64_t index = mine.reversed ? blocks - 1 - number : number;
            blockIdx = {unsigned(index % shape[0]), unsigned(index / shape[0] % shape[1]),
                        unsigned(index / shape[0] / shape[1])};
            run_block();
            if (mine.error) {
                error = mine.error;
            }
        }
        mine.bury();
    };
    std::vector<std::thread> helpers;
    for (int worker = 1; worker < workers; ++worker) {
        helpers.emplace_back(work);
    }
    work();
    for (std::thread& helper : helpers) {
        helper.join();
    }
    if (error) {
        std::snprintf(message, capacity, "%s", error.load());
        return 719;                 // CUDA_ERROR_LAUNCH_FAILED
    }
    return 0;
}

template <class T, class Change>
T update(T* place, Change change) {     // what the processor has no operation for
    T old = __atomic_load_n(place, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(place, &old, change(old), true, __ATOMIC_RELAXED,
                                        __ATOMIC_RELAXED)) {
    }
    return old;
}

template <class T>
struct Same {
    using type = T;
};
template <class T>
using same = typename Same<T>::type;

template <class To, class From>
To bits(From from) {
    static_assert(sizeof(To) == sizeof(From));
    To to;
    std::memcpy(&to, &from, sizeof(To));
    return to;
}

}  // namespace cuda_on_cpu

#define __syncthreads() cuda_on_cpu::wait_at(__LINE__)
#define __threadfence() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define __syncwarp() ((void)cuda_on_cpu::meet(~0u, 0, false))

template <class T>
T __shfl_sync(unsigned mask, T value, int source) {
    return cuda_on_cpu::shuffle(mask, value, source, true);
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned distance) {
    const unsigned lane = cuda_on_cpu::lane();
    return cuda_on_cpu::shuffle(mask, value, lane - distance, lane >= distance);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int flip) {
    return cuda_on_cpu::shuffle(mask, value, cuda_on_cpu::lane() ^ flip, true);
}
inline unsigned __ballot_sync(unsigned mask, int vote) {
    const unsigned warp = cuda_on_cpu::block->current->thread / 32;
    const unsigned buffer = cuda_on_cpu::meet(mask, 0, vote);
    return cuda_on_cpu::block->warps[warp].votes[buffer] & mask;
}

template <class T>
T atomicAdd(T* place, cuda_on_cpu::same<T> value) {
    return __atomic_fetch_add(place, value, __ATOMIC_RELAXED);
}
template <class T>
T atomicMax(T* place, cuda_on_cpu::same<T> value) {
    return cuda_on_cpu::update(place, [&](T old) { return std::max(old, value); });
}
template <class T>
T atomicOr(T* place, cuda_on_cpu::same<T> bits) {
    return __atomic_fetch_or(place, bits, __ATOMIC_RELAXED);
}
template <class T>
T atomicCAS(T* place, cuda_on_cpu::same<T> expected, cuda_on_cpu::same<T> value) {
    return cuda_on_cpu::update(place, [&](T old) { return old == expected ? value : old; });
}

template <class T>
T __ldcg(const T* place) {
    return *place;
}

inline int __popc(unsigned value) { return __builtin_popcount(value); }
inline int __ffs(int value) { return __builtin_ffs(value); }
inline int __clz(int value) { return value ? __builtin_clz(value) : 32; }
inline unsigned __float_as_uint(float value) { return cuda_on_cpu::bits<unsigned>(value); }
inline float __uint_as_float(unsigned value) { return cuda_on_cpu::bits<float>(value); }
inline float __expf(float value) { return std::exp(value); }
inline float __logf(float value) { return std::log(value); }
inline float __fdividef(float dividend, float divisor) { return dividend / divisor; }
inline float half_bits_to_float(unsigned short value) {
    return static_cast<float>(cuda_on_cpu::bits<_Float16>(value));
}

#define EXPORT_KERNEL(name)                                                                     \
    extern "C" int launch_##name(const unsigned* shape, void** arguments, int order,           \
                                 int workers, char* message, int capacity) {                   \
        return cuda_on_cpu::launch<name>(shape, arguments, order, workers, message, capacity); \
    }
