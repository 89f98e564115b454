// Which queries become segments, and their labels.
#pragma once
#include "numbering.cuh"
#include "tallying.cuh"
#include "task.cuh"

// Whether a query is kept by the pixels that are left to it; it has all three areas then.
__device__ inline bool is_seen(const Task& task, int number) {
    const unsigned area = __ldcg(&task.owned[number]), all = __ldcg(&task.covered[number]);
    const bool has_final = __ldcg(&tally_of(task.canvas, INSTANCE + number).area) > 0;
    return has_final && !(static_cast<double>(area) / static_cast<double>(all)
                          < task.overlap_threshold);
}

// Add the pixels of a query to the segment of its stuff class.
__device__ inline void merge(const Canvas& canvas, int number, int class_id) {
    const Tally& from = tally_of(canvas, INSTANCE + number);
    Tally& to = tally_of(canvas, class_id);
    atomicAdd(&to.area, __ldcg(&from.area));
    atomicAdd(&to.sum_x, __ldcg(&from.sum_x));
    atomicAdd(&to.sum_y, __ldcg(&from.sum_y));
    atomicAdd(&to.probability, __ldcg(&from.probability));
    atomicMax(&to.from_x0, __ldcg(&from.from_x0));
    atomicMax(&to.from_y0, __ldcg(&from.from_y0));
    atomicMax(&to.x1, __ldcg(&from.x1));
    atomicMax(&to.y1, __ldcg(&from.y1));
}

// Label the queries.  One block serves an image, after all others have counted.  The code of a
// thing is that of an instance; stuff has the code of its class.
__device__ inline void judge_queries(const Task& task) {
    __shared__ short class_of[MOST_QUERIES];    // of the things that are seen, otherwise -1
    const Canvas& canvas = task.canvas;
    const int kept = *canvas.instance_count;
    for (int number = thread_of_block(); number < kept; number += threads_of_block()) {
        const int class_id = task.kept[number].class_id;
        const bool is_segment = is_seen(task, number), is_thing = canvas.is_thing[class_id];
        class_of[number] = static_cast<short>(is_segment && is_thing ? class_id : -1);
        if (is_segment && !is_thing) {
            merge(canvas, number, class_id);
        }
        task.kept_label[number] = is_segment && !is_thing
            ? static_cast<unsigned short>(class_id * canvas.label_divisor) : UNLABELED;
    }
    __syncthreads();
    number_segments(canvas, class_of, kept);
    __syncthreads();
    for (int number = thread_of_block(); number < kept; number += threads_of_block()) {
        if (class_of[number] >= 0) {
            task.kept_label[number] = canvas.label_of[INSTANCE + number];
        }
    }
}
