// The label of each code: instances are numbered within their class, and small stuff is dropped.
#pragma once
#include "warp.cuh"

// Write the label and the class of each code.  One block serves an image, after all others have
// counted.  `class_of` is shared memory with the class of each instance, -1 if it has no pixels.
__device__ inline void number_segments(const Canvas& canvas, const short* class_of,
                                       int instances) {
    for (int class_id = thread_of_block(); class_id < THING; class_id += threads_of_block()) {
        const bool is_segment = class_id < canvas.classes && !canvas.is_thing[class_id]
            && __ldcg(&canvas.tallies[class_id].area)
                >= static_cast<unsigned>(canvas.stuff_area);
        canvas.label_of[class_id] = is_segment
            ? static_cast<unsigned short>(class_id * canvas.label_divisor) : UNLABELED;
        canvas.class_of[class_id] = static_cast<unsigned short>(class_id);
        canvas.label_of[THING + class_id] = UNLABELED;  // a thing without an instance
        canvas.class_of[THING + class_id] = static_cast<unsigned short>(class_id);
    }
    __syncthreads();                        // for the threads that wrote class_of
    for (int instance = thread_of_block(); instance < instances;
         instance += threads_of_block()) {
        const int class_id = class_of[instance];
        int number = 1;
#pragma unroll 8
        for (int other = 0; other < instance; ++other) {
            number += class_of[other] == class_id;
        }
        const bool is_segment = class_id >= 0 && number <= canvas.max_instances;
        canvas.label_of[INSTANCE + instance] = is_segment
            ? static_cast<unsigned short>(class_id * canvas.label_divisor + number) : UNLABELED;
        canvas.class_of[INSTANCE + instance] = static_cast<unsigned short>(max(class_id, 0));
    }
}
