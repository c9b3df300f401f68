// CUDA C++, as brian2cuda and fena_sim write it, run on a CPU: kernels as loops over threads, barriers as fibers, device
// memory as counted and poisoned host memory. One operating-system thread, so every run gives the same bytes.
//
// What is here is what the generated sources use; anything else does not compile. Environment:
//   FENA_CUDA_ORDER=reverse   blocks and threads backwards: results that depend on their order change
//   FENA_CUDA_STATISTICS=FILE counts as JSON when the program ends: launches by kernel, copies, bytes allocated
#pragma once
#include <cassert>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <setjmp.h>
#include <string>
#include <type_traits>
#include <ucontext.h>
#include <unordered_map>
#include <vector>

#define __global__
#define __device__
#define __host__
#define __constant__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __shared__ static  // blocks run one after the other

struct dim3 {
    unsigned x, y, z;
    dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};
inline dim3 threadIdx, blockIdx, blockDim, gridDim;
static const int warpSize = 32;

namespace hostcuda {

struct Statistics {
    std::map<std::string, std::size_t> launches;
    std::size_t copies_to_device = 0, bytes_to_device = 0, copies_to_host = 0, bytes_to_host = 0, memsets = 0;
    std::size_t bytes = 0, peak = 0;
    std::unordered_map<void*, std::size_t> allocated;

    void add(void* memory, std::size_t size)
    {
        allocated[memory] = size;
        bytes += size;
        peak = bytes > peak ? bytes : peak;
    }
    void remove(void* memory)
    {
        auto found = allocated.find(memory);
        if (found == allocated.end()) {
            std::fprintf(stderr, "hostcuda error: memory that was never allocated is freed\n");
            std::abort();
        }
        bytes -= found->second;
        allocated.erase(found);
    }
};
// Never destroyed: static vectors of the program still give memory back when main() has ended.
inline Statistics& statistics() { static Statistics* all = new Statistics; return *all; }

inline bool backwards()
{
    static const char* order = std::getenv("FENA_CUDA_ORDER");
    static const bool reverse = order && !std::strcmp(order, "reverse");
    return reverse;
}

// All bits set: a double or float that was never written is NaN, an index points nowhere.
inline void* allocate(std::size_t size)
{
    void* memory = std::malloc(size ? size : 1);
    if (memory) {
        std::memset(memory, 0xFF, size);
        statistics().add(memory, size);
    }
    return memory;
}
inline void release(void* memory)
{
    if (!memory) return;
    statistics().remove(memory);
    std::free(memory);
}

inline void write_statistics()
{
    const char* path = std::getenv("FENA_CUDA_STATISTICS");
    FILE* file = path ? std::fopen(path, "w") : nullptr;
    if (!file) return;
    const Statistics& s = statistics();
    std::fprintf(file, "{\"launches\": {");
    const char* comma = "";
    for (const auto& kernel : s.launches) {
        std::fprintf(file, "%s\"%s\": %zu", comma, kernel.first.c_str(), kernel.second);
        comma = ", ";
    }
    std::fprintf(file, "}, \"memsets\": %zu, \"copies_to_device\": %zu, \"bytes_to_device\": %zu, \"copies_to_host\": %zu, "
                 "\"bytes_to_host\": %zu, \"device_bytes\": %zu, \"left_bytes\": %zu}\n", s.memsets, s.copies_to_device,
                 s.bytes_to_device, s.copies_to_host, s.bytes_to_host, s.peak, s.bytes);
    std::fclose(file);
}
static const int registered = std::atexit(write_statistics);

// Kernels that reach __syncthreads(): every thread of a block is a fiber, one sweep over them goes up to the next barrier.
// A fiber begins with swapcontext(); from then on _setjmp() and _longjmp() change between it and the scheduler, because
// swapcontext() asks the system for the signal mask every time. Address sanitizer follows swapcontext() only.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool JUMP = false;
#else
constexpr bool JUMP = true;
#endif

struct Fiber {
    ucontext_t context;
    jmp_buf position;
    std::vector<char> stack;
    bool begun = false, done = true;
};
inline std::vector<Fiber*> fibers;
inline ucontext_t scheduler;
inline jmp_buf scheduler_position;
inline unsigned current;
inline const std::function<void()>* body;
inline bool in_fiber = false;

inline void enter()
{
    (*body)();
    fibers[current]->done = true;
    if (JUMP) _longjmp(scheduler_position, 1);
    swapcontext(&fibers[current]->context, &scheduler);
}

inline void barrier()
{
    if (!in_fiber) {
        if (blockDim.x == 1) return;
        std::fprintf(stderr, "hostcuda error: __syncthreads() in a kernel that was launched without fibers\n");
        std::abort();
    }
    const unsigned mine = current;
    if (!JUMP)
        swapcontext(&fibers[mine]->context, &scheduler);
    else if (!_setjmp(fibers[mine]->position))
        _longjmp(scheduler_position, 1);
    threadIdx.x = mine;
}

// Let fiber t run up to its next barrier or its end. Never inlined: _setjmp() must not share a frame with a loop.
__attribute__((noinline)) inline void resume(unsigned t)
{
    current = t;
    threadIdx.x = t;
    Fiber& fiber = *fibers[t];
    if (!JUMP) {
        swapcontext(&scheduler, &fiber.context);
    } else if (!_setjmp(scheduler_position)) {
        if (fiber.begun) _longjmp(fiber.position, 1);
        fiber.begun = true;
        setcontext(&fiber.context);
    }
}

inline void block_of_fibers(unsigned threads, const std::function<void()>& kernel)
{
    while (fibers.size() < threads) {
        fibers.push_back(new Fiber);
        fibers.back()->stack.resize(256 * 1024);
    }
    body = &kernel;
    in_fiber = true;
    for (unsigned t = 0; t < threads; t++) {
        Fiber& fiber = *fibers[t];
        fiber.begun = fiber.done = false;
        getcontext(&fiber.context);
        fiber.context.uc_stack.ss_sp = fiber.stack.data();
        fiber.context.uc_stack.ss_size = fiber.stack.size();
        fiber.context.uc_link = &scheduler;
        makecontext(&fiber.context, enter, 0);
    }
    for (bool alive = true; alive;) {
        alive = false;
        for (unsigned k = 0; k < threads; k++) {
            // Thread 0 comes last, unless backwards: brian2cuda's spike queue lets thread 0 of a warp change what the others test.
            const unsigned t = backwards() ? k : threads - 1 - k;
            if (fibers[t]->done) continue;
            resume(t);
            alive = alive || !fibers[t]->done;
        }
    }
    in_fiber = false;
}

template <bool SYNCHRONISES, class... P> struct Launch {
    void (*kernel)(P...);
    const char* name;
    long blocks, threads;
    std::size_t shared;

    void operator()(P... arguments) const;
};

inline std::vector<char>& shared_memory() { static std::vector<char> memory; return memory; }

template <bool SYNCHRONISES, class... P> void Launch<SYNCHRONISES, P...>::operator()(P... arguments) const
{
    if (blocks < 1 || threads < 1 || threads > 1024) {
        std::fprintf(stderr, "hostcuda error: invalid launch of %s <<<%ld, %ld>>>\n", name, blocks, threads);
        std::exit(1);
    }
    statistics().launches[name]++;
    shared_memory().assign(shared, char(0xFF));
    gridDim = dim3(unsigned(blocks));
    blockDim = dim3(unsigned(threads));
    for (long b = 0; b < blocks; b++) {
        blockIdx.x = unsigned(backwards() ? blocks - 1 - b : b);
        if (SYNCHRONISES)
            block_of_fibers(unsigned(threads), [&] { kernel(arguments...); });
        else
            for (long t = 0; t < threads; t++) {
                threadIdx.x = unsigned(backwards() ? threads - 1 - t : t);
                kernel(arguments...);
            }
    }
}

template <bool SYNCHRONISES, class... P>
Launch<SYNCHRONISES, P...> launch(void (*kernel)(P...), const char* name, long blocks, long threads, std::size_t shared = 0)
{
    return {kernel, name, blocks, threads, shared};
}

template <class To, class From> To same_bits(From value)
{
    static_assert(sizeof(To) == sizeof(From), "");
    To result;
    std::memcpy(&result, &value, sizeof result);
    return result;
}

}  // namespace hostcuda

#define __syncthreads() ::hostcuda::barrier()
inline void __threadfence() {}

inline long long __double_as_longlong(double x) { return hostcuda::same_bits<long long>(x); }
inline double __longlong_as_double(long long x) { return hostcuda::same_bits<double>(x); }
inline int __float_as_int(float x) { return hostcuda::same_bits<int>(x); }
inline float __int_as_float(int x) { return hostcuda::same_bits<float>(x); }

template <class T> using plain = typename std::common_type<T>::type;
template <class T> T atomicAdd(T* p, plain<T> value) { const T old = *p; *p = old + value; return old; }
template <class T> T atomicMax(T* p, plain<T> value) { const T old = *p; if (value > old) *p = value; return old; }
template <class T> T atomicCAS(T* p, plain<T> compare, plain<T> value) { const T old = *p; if (old == compare) *p = value; return old; }

#include "hostruntime.h"
