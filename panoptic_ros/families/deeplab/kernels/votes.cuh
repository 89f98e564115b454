// The votes of an instance's pixels: its class is the class of most of them.
#pragma once
#include "numbering.cuh"
#include "tallying.cuh"
#include "task.cuh"

// The key of a thing's pixel, made of its centre and its own class; that of stuff is its class.
__device__ inline int instance_key(int center, int class_id) {
    return (center + 1) * INSTANCE + class_id;
}

// Add the pixels of a key to its segment, and for a thing to the votes of its instance.
__device__ inline void count_pixels(const Task& task, int key, const Extent& extent) {
    const int center = key / INSTANCE - 1;
    add_extent(tally_of(task.canvas, key < INSTANCE ? key : INSTANCE + center), extent);
    if (key >= INSTANCE) {
        atomicAdd(&task.votes[center * task.canvas.classes + key % INSTANCE],
                  static_cast<int>(extent.area));
    }
}

// Return the class that most pixels vote for, the lower id on ties; -1 without votes.
__device__ inline int elect(const int* votes, int classes) {
    int winner = -1, most = 0;
    for (int first = 0; first < classes; first += 8) {
        int pixels[8];                      // all are loaded before the first is compared
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

// Elect the class of each instance.  One block serves an image, after all others have counted.
__device__ inline void count_votes(const Task& task) {
    __shared__ short class_of[MOST_CENTERS];
    const int centers = *task.canvas.instance_count;
    for (int center = thread_of_block(); center < centers; center += threads_of_block()) {
        class_of[center] = static_cast<short>(elect(
            task.votes + center * task.canvas.classes, task.canvas.classes));
    }
    number_segments(task.canvas, class_of, centers);
}
