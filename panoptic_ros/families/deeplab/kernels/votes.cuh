// What the pixels of an instance vote for: its class is that of most of them.
#pragma once
#include "numbering.cuh"
#include "tallying.cuh"
#include "task.cuh"

// The key of a pixel: its stuff class, or its centre and its own class.
__device__ inline int instance_key(int center, int class_id) {
    return (center + 1) * INSTANCE + class_id;
}

// Add pixels of a key to its segment, and to the votes of an instance.
__device__ inline void count_pixels(const Task& task, int key, const Extent& extent) {
    const int center = key / INSTANCE - 1;
    add_extent(tally_of(task.canvas, key < INSTANCE ? key : INSTANCE + center), extent);
    if (key >= INSTANCE) {
        atomicAdd(&task.votes[center * task.canvas.classes + key % INSTANCE],
                  static_cast<int>(extent.area));
    }
}

// The class that most pixels vote for, the lower id on ties; -1 where there are none.
__device__ inline int elect(const int* votes, int classes) {
    int winner = -1, most = 0;
    for (int first = 0; first < classes; first += 8) {
        int pixels[8];                      // loaded all before the first is looked at
#pragma unroll
        for (int class_id = 0; class_id < 8; ++class_id) {
            pixels[class_id] = __ldcg(&votes[min(first + class_id, classes - 1)]);
        }
#pragma unroll
        for (int class_id = 0; class_id < 8; ++class_id) {
            if (pixels[class_id] > most) {
                most = pixels[class_id];
                winner = first + class_id;
            }
        }
    }
    return winner;
}

// One block for an image, when all others have counted.
__device__ inline void count_votes(const Task& task) {
    __shared__ short class_of[MOST_CENTERS];
    const int centers = *task.canvas.instance_count;
    for (int center = thread_of_block(); center < centers; center += threads_of_block()) {
        class_of[center] = static_cast<short>(elect(
            task.votes + center * task.canvas.classes, task.canvas.classes));
    }
    number_segments(task.canvas, class_of, centers);
}
