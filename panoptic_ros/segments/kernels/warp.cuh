// Work that all 32 threads of a warp, or all threads of a block, do together.
#pragma once
#include "canvas.cuh"

__device__ inline int warp_lane() {
    return (threadIdx.x + threadIdx.y * blockDim.x) % 32;
}

__device__ inline int thread_of_block() {
    return threadIdx.x + threadIdx.y * blockDim.x;
}

__device__ inline int threads_of_block() {
    return blockDim.x * blockDim.y;
}

// The sum and the largest of the values of all lanes; every lane of the warp must call them.
__device__ inline unsigned warp_sum(unsigned value) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
    return __reduce_add_sync(EVERY_LANE, value);
#else
    for (int distance = 16; distance > 0; distance /= 2) {
        value += __shfl_xor_sync(EVERY_LANE, value, distance);
    }
    return value;
#endif
}

__device__ inline unsigned warp_max(unsigned value) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
    return __reduce_max_sync(EVERY_LANE, value);
#else
    for (int distance = 16; distance > 0; distance /= 2) {
        value = max(value, __shfl_xor_sync(EVERY_LANE, value, distance));
    }
    return value;
#endif
}

// The sum of values under 2^51; every lane of the warp must call it.
__device__ inline unsigned long long warp_sum_long(unsigned long long value) {
    const unsigned long long high = warp_sum(static_cast<unsigned>(value >> 24));
    return (high << 24) + warp_sum(static_cast<unsigned>(value & 0xffffffu));
}

// Whether all other blocks of this image have finished, so that their results can be read with
// __ldcg.  All threads of the block must call this function.  The fence of one thread covers the
// writes of all, because the barrier has ordered them before it.
__device__ inline bool is_last_block(unsigned* finished) {
    __shared__ bool is_last;
    __syncthreads();
    if (thread_of_block() == 0) {
        __threadfence();
        is_last = atomicAdd(finished, 1u) == gridDim.x * gridDim.y - 1;
        __threadfence();
    }
    __syncthreads();
    return is_last;
}

// Return the sum of the values of the lanes before this one.
__device__ inline int sum_before(int value, int lane) {
    int sum = value;
    for (int distance = 1; distance < 32; distance *= 2) {
        const int other = __shfl_up_sync(EVERY_LANE, sum, distance);
        sum += lane >= distance ? other : 0;
    }
    return sum - value;
}

// Return the sum over the threads before this one, and in `all` the sum over all; `totals` is
// shared memory, [33].
__device__ inline int block_sum_before(int value, int* totals, int* all) {
    const int thread = thread_of_block(), warps = threads_of_block() / 32, lane = thread % 32;
    const int before = sum_before(value, lane);
    if (lane == 31) {
        totals[thread / 32] = before + value;
    }
    __syncthreads();
    if (thread < 32) {
        const int total = thread < warps ? totals[thread] : 0;
        const int start = sum_before(total, lane);
        totals[thread] = start;
        if (lane == 31) {
            totals[32] = start + total;
        }
    }
    __syncthreads();
    *all = totals[32];
    const int result = before + totals[thread / 32];
    __syncwarp();                           // only this warp writes there before the next barrier
    return result;
}

// Replace each of COUNT values by its minimum over the block; `scratch` is shared memory, COUNT
// values for each warp.
template <int COUNT>
__device__ inline void block_min(float (&values)[COUNT], float* scratch) {
    const int thread = thread_of_block(), warps = threads_of_block() / 32;
    for (int index = 0; index < COUNT; ++index) {
        for (int distance = 16; distance > 0; distance /= 2) {
            values[index] = min(values[index],
                                __shfl_xor_sync(EVERY_LANE, values[index], distance));
        }
        if (thread % 32 == 0) {
            scratch[thread / 32 * COUNT + index] = values[index];
        }
    }
    __syncthreads();
    for (int warp = 0; warp < warps; ++warp) {
        for (int index = 0; index < COUNT; ++index) {
            values[index] = min(values[index], scratch[warp * COUNT + index]);
        }
    }
    __syncthreads();
}

// Call `serve(mask, key, leads)` in every lane, once for each distinct key of the lanes that take
// part.  `mask` are the lanes with that key, and `leads` is true in the first of them.  Every lane
// of the warp must call this function.
template <class Serve>
__device__ inline void for_each_key(int key, bool takes_part, Serve serve) {
    const int lane = warp_lane();
    unsigned remaining = __ballot_sync(EVERY_LANE, takes_part);
    while (remaining) {
        const int leader = __ffs(remaining) - 1;
        const int leaders_key = __shfl_sync(EVERY_LANE, key, leader);
        const unsigned mask = __ballot_sync(EVERY_LANE, takes_part && key == leaders_key);
        serve(mask, leaders_key, lane == leader);
        remaining &= ~mask;
    }
}
