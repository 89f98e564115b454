// Which detections are painted, one after the other, and their pixels.
#pragma once
#include "task.cuh"
#include "warp.cuh"

constexpr int CLAIM_THREADS = 1024;     // most threads of the block

// Call `serve(own, painted)` for the words of a mask: those that this thread has.  They are the
// same in every call, so a thread reads what it wrote itself.
template <class Serve>
__device__ void for_words(const Task& task, const Chosen& chosen, int index, Serve serve) {
    const int across = chosen.words(), count = across * chosen.height();
    for (int place = thread_of_block(); place < count; place += threads_of_block()) {
        const int y = chosen.pixels[1] + place / across;
        const int word = chosen.first_word() + place % across;
        serve(task.row_of_bits(index, y)[word], task.row_of_painted(y)[word]);
    }
}

// One block serves an image: the detections wait for each other, and the pixels do not.
__device__ inline void claim(Tasks tasks) {
    __shared__ unsigned overlaps[2];        // of the present detection and the next, in turns
    const Task& task = tasks[blockIdx.z];
    const int count = *task.canvas.instance_count;
    if (thread_of_block() < 2) {
        overlaps[thread_of_block()] = 0;
    }
    __syncthreads();
    for (int index = 0; index < count; ++index) {
        const Chosen chosen = task.chosen[index];
        const unsigned area = task.area[index];
        unsigned covered = 0;
        for_words(task, chosen, index, [&](unsigned& own, unsigned& painted) {
            covered += area ? __popc(own & painted) : 0;
        });
        covered = warp_sum(covered);
        if (warp_lane() == 0 && covered) {
            atomicAdd(&overlaps[index % 2], covered);
        }
        __syncthreads();
        const bool is_painted = area && !(static_cast<double>(overlaps[index % 2])
                                          / static_cast<double>(area) > task.overlap_threshold);
        if (thread_of_block() == 0) {
            task.accepted[index] = is_painted;
            overlaps[(index + 1) % 2] = 0;
        }
        if (is_painted) {
            for_words(task, chosen, index, [&](unsigned& own, unsigned& painted) {
                own &= ~painted;
                painted |= own;
            });
        }
        __syncthreads();
    }
}

// blockIdx.x is a detection, and a warp has LINES rows of pixels.
__device__ inline void paint_things_of(Tasks tasks) {
    const Task& task = tasks[blockIdx.z];
    const int index = blockIdx.x;
    if (index >= *task.canvas.instance_count || !task.accepted[index]) {
        return;
    }
    const Chosen chosen = task.chosen[index];
    const int words = chosen.words(), first = (blockIdx.y * blockDim.y + threadIdx.y) * LINES;
    const int bottom = min(first + LINES, chosen.pixels[3]);
    for (int y = max(first, chosen.pixels[1]); y < bottom; ++y) {
        const unsigned* bits = task.row_of_bits(index, y);
        for (int word = chosen.first_word(); word < chosen.first_word() + words; ++word) {
            if (bits[word] >> warp_lane() & 1) {
                task.canvas.labels[y * task.canvas.width + word * WORD + warp_lane()] =
                    static_cast<unsigned short>(INSTANCE + index);
            }
        }
    }
}
