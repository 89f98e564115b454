// The label of each code: majority vote inside an instance, numbers within a class, least areas.
#pragma once
#include "warp.cuh"

// One block for an image, when all others have counted.
__device__ inline void number_segments(const Task& task) {
    __shared__ short class_of[MOST_CENTERS];        // -1 for an instance without pixels
    const int centers = *task.center_count;
    for (int class_id = thread_of_block(); class_id < THING; class_id += threads_of_block()) {
        const bool is_segment = class_id < task.classes && !task.is_thing[class_id]
            && __ldcg(&task.tallies[class_id].area) >= static_cast<unsigned>(task.stuff_area);
        task.label_of[class_id] = is_segment
            ? static_cast<unsigned short>(class_id * task.label_divisor) : UNLABELED;
        task.class_of[class_id] = static_cast<unsigned short>(class_id);
        task.label_of[THING + class_id] = UNLABELED;    // there is no centre to belong to
        task.class_of[THING + class_id] = static_cast<unsigned short>(class_id);
    }
    for (int center = thread_of_block(); center < centers; center += threads_of_block()) {
        const int* votes = task.votes + center * task.classes;
        int winner = -1, most = 0;
        for (int first = 0; first < task.classes; first += 8) {
            int pixels[8];                  // loaded all before the first is looked at
#pragma unroll
            for (int class_id = 0; class_id < 8; ++class_id) {
                pixels[class_id] = __ldcg(&votes[min(first + class_id, task.classes - 1)]);
            }
#pragma unroll
            for (int class_id = 0; class_id < 8; ++class_id) {
                if (pixels[class_id] > most) {
                    most = pixels[class_id];
                    winner = first + class_id;
                }
            }
        }
        class_of[center] = static_cast<short>(winner);
    }
    __syncthreads();
    for (int center = thread_of_block(); center < centers; center += threads_of_block()) {
        const int class_id = class_of[center];
        int number = 1;
#pragma unroll 8
        for (int other = 0; other < center; ++other) {
            number += class_of[other] == class_id;
        }
        const bool is_segment = class_id >= 0 && number <= task.max_instances;
        task.label_of[INSTANCE + center] = is_segment
            ? static_cast<unsigned short>(class_id * task.label_divisor + number) : UNLABELED;
        task.class_of[INSTANCE + center] = static_cast<unsigned short>(max(class_id, 0));
    }
}
