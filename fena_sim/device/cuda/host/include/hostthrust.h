// Thrust's containers and algorithms as the standard library's; device vectors live in counted, poisoned memory.
#pragma once
#include "hostcuda.h"
#include <algorithm>
#include <new>
#include <numeric>
#include <stdexcept>
#include <vector>

namespace thrust {

template <class T> struct device_allocator {
    typedef T value_type;
    device_allocator() {}
    template <class U> device_allocator(const device_allocator<U>&) {}
    T* allocate(std::size_t n)
    {
        void* memory = hostcuda::allocate(n * sizeof(T));
        if (!memory) throw std::bad_alloc();
        return static_cast<T*>(memory);
    }
    void deallocate(T* memory, std::size_t) { hostcuda::release(memory); }
    template <class U> bool operator==(const device_allocator<U>&) const { return true; }
    template <class U> bool operator!=(const device_allocator<U>&) const { return false; }
};

template <class T> struct device_vector;
template <class T> struct host_vector : std::vector<T> {
    using std::vector<T>::vector;
    host_vector() {}
    host_vector(const device_vector<T>& other) : std::vector<T>(other.begin(), other.end()) {}
    host_vector& operator=(const device_vector<T>& other) { this->assign(other.begin(), other.end()); return *this; }
};
template <class T> struct device_vector : std::vector<T, device_allocator<T>> {
    using std::vector<T, device_allocator<T>>::vector;
    device_vector() {}
    device_vector(const host_vector<T>& other) : std::vector<T, device_allocator<T>>(other.begin(), other.end()) {}
    device_vector& operator=(const host_vector<T>& other) { this->assign(other.begin(), other.end()); return *this; }
};

template <class T> using device_ptr = T*;
template <class A, class B> using pair = std::pair<A, B>;
struct system_error : std::runtime_error { using std::runtime_error::runtime_error; };

template <class T> T* raw_pointer_cast(T* pointer) { return pointer; }
template <class I> void sequence(I from, I to) { std::iota(from, to, typename std::iterator_traits<I>::value_type(0)); }
using std::copy;
using std::copy_if;
using std::count_if;

template <class K, class V> void sort_by_key(K from, K to, V values)  // stable, as Thrust's radix sort is
{
    const std::size_t n = to - from;
    std::vector<std::size_t> order(n);
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return from[a] < from[b]; });
    std::vector<typename std::iterator_traits<K>::value_type> keys(from, to);
    std::vector<typename std::iterator_traits<V>::value_type> old(values, values + n);
    for (std::size_t k = 0; k < n; k++) { from[k] = keys[order[k]]; values[k] = old[order[k]]; }
}
template <class K, class V> pair<K, V> unique_by_key(K from, K to, V values)
{
    if (from == to) return {from, values};
    K key = from;
    V value = values;
    for (++from, ++values; from != to; ++from, ++values)
        if (!(*from == *key)) { *++key = *from; *++value = *values; }
    return {key + 1, value + 1};
}

}  // namespace thrust
