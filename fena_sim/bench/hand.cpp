// The network of networks.py written by hand: one fused pass over every weight matrix per step, R rows at a time.
//
// usage: hand DTYPE PLASTIC BATCH ROWS STEPS REPEATS STATE n_0 n_1 ... n_top
//   STATE: a file for the state after STEPS steps (r, eps, w of all levels, as doubles), or "-".
// Prints the seconds that STEPS steps took, the fastest of REPEATS times, and the peak resident memory in KiB.
//
// A row of weights (one presynaptic unit) begins at a multiple of 64 bytes and is padded with zeros, so that no
// loop has a remainder. With several streams, a stream's units lie side by side and loops run over units.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#if defined(__AVX512F__)
#define WIDTH 64
#else
#define WIDTH 32
#endif
#define INLINE inline __attribute__((always_inline))

const double DT = 1e-3, TAU = 20e-3, TAU_ERROR = 2e-3, ETA = 0.02, LEAK = 0.1;
const int COLUMNS = 4;  // vectors of columns held at a time with several streams

template <class T> struct Vector { typedef T type __attribute__((vector_size(WIDTH), may_alias)); };

template <class T> static T* zeros(size_t n) {
    size_t bytes = (n * sizeof(T) + 63) / 64 * 64;
    T* p = (T*)aligned_alloc(64, bytes);
    memset((void*)p, 0, bytes);
    return p;
}

// mu += w^T phi, fb = w eps, w += c phi eps^T for R rows of one stream
template <class T, int R, bool PLASTIC>
static INLINE void sweep(T* __restrict__ w, const T* __restrict__ phi, const T* __restrict__ eps, T* __restrict__ mu,
                         T* __restrict__ fb, int n, size_t stride, T c) {
    w = (T*)__builtin_assume_aligned(w, 64);
    eps = (const T*)__builtin_assume_aligned(eps, 64);
    mu = (T*)__builtin_assume_aligned(mu, 64);
    T p[R], sum[R];
    for (int u = 0; u < R; u++) p[u] = phi[u], sum[u] = 0;
#pragma GCC ivdep
    for (int j = 0; j < n; j++) {
        T e = eps[j], m = 0;
#pragma GCC unroll 8
        for (int u = 0; u < R; u++) {
            T x = w[u * stride + j];
            m += x * p[u];
            sum[u] += x * e;
            if (PLASTIC) w[u * stride + j] = x + (c * p[u]) * e;
        }
        mu[j] += m;
    }
    for (int u = 0; u < R; u++) fb[u] = sum[u];
}

// the same for B streams: a tile of R rows and COLUMNS vectors stays in registers while all streams pass
template <class T, int R, bool PLASTIC>
static INLINE void sweep_streams(T* w, const T* phi, const T* eps, T* mu, T* fb, int n, size_t stride, T c, int streams,
                                 size_t above, size_t below, T* partial) {
    typedef typename Vector<T>::type V;
    const int K = WIDTH / sizeof(T), TILE = K * COLUMNS;
    V* sums = (V*)partial;  // [stream][row]
    memset((void*)partial, 0, sizeof(V) * R * streams);
    for (int j = 0; j < n; j += TILE) {
        V x[R][COLUMNS], change[R][COLUMNS];
        for (int u = 0; u < R; u++)
            for (int k = 0; k < COLUMNS; k++) x[u][k] = *(V*)(w + u * stride + j + k * K), change[u][k] = V{};
        for (int b = 0; b < streams; b++) {
            const V* e = (const V*)(eps + b * below + j);
            V* m = (V*)(mu + b * below + j);
            V s[R];
            for (int u = 0; u < R; u++) s[u] = sums[b * R + u];
            for (int k = 0; k < COLUMNS; k++) {
                V error = e[k], prediction = m[k];
                for (int u = 0; u < R; u++) {
                    T p = phi[b * above + u];
                    prediction += x[u][k] * p;
                    s[u] += x[u][k] * error;
                    if (PLASTIC) change[u][k] += error * p;
                }
                m[k] = prediction;
            }
            for (int u = 0; u < R; u++) sums[b * R + u] = s[u];
        }
        if (PLASTIC)
            for (int u = 0; u < R; u++)
                for (int k = 0; k < COLUMNS; k++) *(V*)(w + u * stride + j + k * K) = x[u][k] + c * change[u][k];
    }
    for (int b = 0; b < streams; b++)
        for (int u = 0; u < R; u++) {
            T total = 0;
            for (int k = 0; k < K; k++) total += sums[b * R + u][k];
            fb[b * above + u] = total;
        }
}

template <class T> struct Network {
    int top, streams;
    std::vector<int> size;
    std::vector<size_t> padded;                       // units of a level with padding
    std::vector<T*> r, phi, fb, eps, mu, w;           // [stream][padded unit]; w[level]: [unit above][padded unit below]
    T* partial;

    Network(std::vector<int> sizes, int streams) : top(sizes.size() - 1), streams(streams), size(sizes) {
        const int tile = streams > 1 ? WIDTH / sizeof(T) * COLUMNS : 64 / sizeof(T);
        for (int n : size) {
            padded.push_back((n + tile - 1) / tile * tile);
            for (auto* all : {&r, &phi, &fb, &eps, &mu}) all->push_back(zeros<T>(padded.back() * streams));
            for (int u = 0; u < n; u++)
                for (int b = 0; b < streams; b++) {
                    int k = (b * n + u) % 1021;
                    r.back()[b * padded.back() + u] = k * (3 * k + 7) % 1021 / 1021.0 - 0.5;
                }
        }
        w.push_back(nullptr);
        for (int l = 1; l <= top; l++) {
            w.push_back(zeros<T>(size[l] * padded[l - 1]));
            for (int i = 0; i < size[l]; i++)
                for (int j = 0; j < size[l - 1]; j++)
                    w[l][i * padded[l - 1] + j] =
                        ((7 * i * i + 11 * j * j + 13 * i * j) % 1021 / 1021.0 - 0.5) * std::sqrt(12.0 / size[l]);
        }
        partial = zeros<T>(8 * streams * WIDTH / sizeof(T));
    }

    template <int R, bool PLASTIC> INLINE void rows(int l, int i, T c) {
        T* from = w[l] + i * padded[l - 1];
        if (streams == 1)
            sweep<T, R, PLASTIC>(from, phi[l] + i, eps[l - 1], mu[l - 1], fb[l] + i, padded[l - 1], padded[l - 1], c);
        else
            sweep_streams<T, R, PLASTIC>(from, phi[l] + i, eps[l - 1], mu[l - 1], fb[l] + i, padded[l - 1], padded[l - 1],
                                         c, streams, padded[l], padded[l - 1], partial);
    }

    template <int R, bool PLASTIC> __attribute__((noinline)) void pass(int l, T c) {
        memset((void*)mu[l - 1], 0, sizeof(T) * padded[l - 1] * streams);
        int i = 0;
        for (; i + R <= size[l]; i += R) rows<R, PLASTIC>(l, i, c);
        for (; i < size[l]; i++) rows<1, PLASTIC>(l, i, c);
    }

    template <int R, bool PLASTIC> void step() {
        for (int l = 1; l <= top; l++) {
            T* __restrict__ p = phi[l];
            const T* __restrict__ x = r[l];
            for (size_t i = 0; i < padded[l] * streams; i++) p[i] = std::tanh(x[i]);
        }
        for (int l = 1; l <= top; l++) pass<R, PLASTIC>(l, T(ETA * DT));
        for (int l = 0; l < top; l++) {
            T* __restrict__ e = eps[l];
            const T *__restrict__ x = r[l], *__restrict__ m = mu[l];
            for (size_t i = 0; i < padded[l] * streams; i++) e[i] += T(DT / TAU_ERROR) * (x[i] - m[i] - e[i]);
        }
        for (int l = 1; l <= top; l++) {
            T* __restrict__ x = r[l];
            const T *__restrict__ p = phi[l], *__restrict__ f = fb[l], *__restrict__ e = eps[l];
            if (l < top)
                for (size_t i = 0; i < padded[l] * streams; i++) x[i] += T(DT / TAU) * (f[i] * (1 - p[i] * p[i]) - e[i]);
            else
                for (size_t i = 0; i < padded[l] * streams; i++)
                    x[i] += T(DT / TAU) * (f[i] * (1 - p[i] * p[i]) - T(LEAK) * x[i]);
        }
    }

    template <int R> void run(bool plastic, int steps) {
        for (int t = 0; t < steps; t++) plastic ? step<R, true>() : step<R, false>();
    }

    void run(int rows, bool plastic, int steps) {
        switch (rows) {
            case 1: return run<1>(plastic, steps);
            case 2: return run<2>(plastic, steps);
            case 4: return run<4>(plastic, steps);
            case 6: return run<6>(plastic, steps);
            case 8: return run<8>(plastic, steps);
            default: fprintf(stderr, "no kernel for %d rows\n", rows), exit(2);
        }
    }

    void write(FILE* file) const {
        auto put = [file](double value) { fwrite(&value, sizeof value, 1, file); };
        for (const auto* all : {&r, &eps})
            for (int l = 0; l < top + (all == &r); l++)
                for (int u = 0; u < size[l]; u++)
                    for (int b = 0; b < streams; b++) put((*all)[l][b * padded[l] + u]);
        for (int l = 1; l <= top; l++)
            for (int i = 0; i < size[l]; i++)
                for (int j = 0; j < size[l - 1]; j++) put(w[l][i * padded[l - 1] + j]);
    }
};

static long peak_kib() {
    char line[256];
    long kib = -1;
    if (FILE* status = fopen("/proc/self/status", "r")) {
        while (fgets(line, sizeof line, status)) sscanf(line, "VmHWM: %ld", &kib);
        fclose(status);
    }
    return kib;
}

template <class T> static void run(bool plastic, int streams, int rows, int steps, int repeats, const char* state,
                                   std::vector<int> sizes) {
    Network<T> network(sizes, streams);
    const bool timing = std::string(state) == "-";
    if (timing) network.run(rows, plastic, 10);  // into the caches
    double fastest = 1e300;
    for (int k = 0; k < repeats; k++) {
        auto start = std::chrono::steady_clock::now();
        network.run(rows, plastic, steps);
        std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
        fastest = std::min(fastest, taken.count());
    }
    printf("%.9g %ld\n", fastest, peak_kib());
    if (!timing) {
        FILE* file = fopen(state, "wb");
        network.write(file);
        fclose(file);
    }
}

int main(int count, char** arguments) {
    if (count < 10) return fprintf(stderr, "usage: hand DTYPE PLASTIC BATCH ROWS STEPS REPEATS STATE SIZE SIZE ...\n"), 2;
    std::vector<int> sizes;
    for (int k = 8; k < count; k++) sizes.push_back(atoi(arguments[k]));
    auto* chosen = std::string(arguments[1]) == "float32" ? run<float> : run<double>;
    chosen(atoi(arguments[2]), atoi(arguments[3]), atoi(arguments[4]), atoi(arguments[5]), atoi(arguments[6]),
           arguments[7], sizes);
}
