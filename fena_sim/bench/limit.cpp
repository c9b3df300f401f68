// What one core can do, measured: usage: limit DTYPE BYTES WRITE
// Prints the seconds that one pass over BYTES of weights takes (read, and written back if WRITE is 1) and the
// floating-point operations per second of multiply-adds on registers. See limit.py for what is made of them.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#if defined(__AVX512F__)
#define WIDTH 64
#else
#define WIDTH 32
#endif

const int UNROLL = 8, CHAINS = 12;  // enough independent chains to hide the latency of an addition or multiply-add
typedef std::chrono::steady_clock Clock;

static double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// The fastest of several short runs: anything slower was disturbed.
template <class Work> static double fastest(Work work) {
    double best = 1e30;
    auto start = Clock::now();
    for (int k = 0; k < 5 || (since(start) < 0.1 && k < 100000); k++) {
        auto one = Clock::now();
        work();
        double taken = since(one);
        if (taken < best) best = taken;
    }
    return best;
}

template <class T> static void measure(size_t bytes, bool write) {
    typedef T V __attribute__((vector_size(WIDTH), may_alias));
    const size_t block = UNROLL * sizeof(V), blocks = (bytes + block - 1) / block;
    V* w = (V*)aligned_alloc(4096, (blocks * block + 4095) / 4096 * 4096);
    memset((void*)w, 0, blocks * block);
    const int passes = bytes < (1 << 20) ? 32 : 1;  // a run must be long against reading the clock
    const V one = V{} + T(1e-30);
    V sums[UNROLL] = {};
    double pass = fastest([&] {
        for (int p = 0; p < passes; p++) {
            asm volatile("" ::: "memory");
            if (write)
                for (size_t k = 0; k < blocks * UNROLL; k += UNROLL)
#pragma GCC unroll 8
                    for (int u = 0; u < UNROLL; u++) w[k + u] += one;
            else
                for (size_t k = 0; k < blocks * UNROLL; k += UNROLL)
#pragma GCC unroll 8
                    for (int u = 0; u < UNROLL; u++) sums[u] += w[k + u];
            asm volatile("" ::"v"(sums[0]), "v"(sums[1]), "v"(sums[2]), "v"(sums[3]), "v"(sums[4]), "v"(sums[5]),
                         "v"(sums[6]), "v"(sums[7]) : "memory");
        }
    }) / passes;

    const int repeats = 20000;
    V x[CHAINS], a = V{} + T(0.999), b = V{} + T(0.001);
    for (int c = 0; c < CHAINS; c++) x[c] = V{} + T(c);
    double arithmetic = fastest([&] {
        for (int k = 0; k < repeats; k++) {
#pragma GCC unroll 12
            for (int c = 0; c < CHAINS; c++) x[c] = x[c] * a + b;
            asm volatile("" : "+v"(a), "+v"(b));
        }
        for (int c = 0; c < CHAINS; c++) asm volatile("" : "+v"(x[c]));
    });
    printf("%.9g %.9g\n", pass, 2.0 * repeats * CHAINS * (sizeof(V) / sizeof(T)) / arithmetic);
}

int main(int count, char** arguments) {
    if (count != 4) return fprintf(stderr, "usage: limit DTYPE BYTES WRITE\n"), 2;
    (std::string(arguments[1]) == "float32" ? measure<float> : measure<double>)(atoll(arguments[2]), atoi(arguments[3]));
}
