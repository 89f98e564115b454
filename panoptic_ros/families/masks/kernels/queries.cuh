// Which queries are kept because of their class.
#pragma once
#include "sigmoid.cuh"
#include "task.cuh"
#include "upsampling.cuh"
#include "warp.cuh"

// The likeliest class of a query, and its soft-max probability.
struct Choice {
    int class_id;
    float score;
};

// Return the likeliest of some classes, the lower one on ties.  The whole warp must call this
// function.  Lanes stand for classes.
template <class Logit>
__device__ Choice choose_class(const Logit* logits, int classes) {
    float best = -LARGEST;                  // less than any logit
    int winner = classes;
    for (int class_id = warp_lane(); class_id < classes; class_id += 32) {
        const float logit = finite_logit(as_float(logits[class_id]));
        if (logit > best) {
            best = logit;
            winner = class_id;
        }
    }
    for (int distance = 16; distance > 0; distance /= 2) {
        const float other = __shfl_xor_sync(EVERY_LANE, best, distance);
        const int others_class = __shfl_xor_sync(EVERY_LANE, winner, distance);
        if (other > best || (other == best && others_class < winner)) {
            best = other;
            winner = others_class;
        }
    }
    float total = 0.0f;                     // one after the other, as in selection.py
    for (int first = 0; first < classes; first += 32) {
        const int class_id = min(first + warp_lane(), classes - 1);
        const float ratio = exact_exp(
            fmaxf(finite_logit(as_float(logits[class_id])) - best, -EXP_LIMIT));
        for (int lane = 0; lane < min(32, classes - first); ++lane) {
            total += __shfl_sync(EVERY_LANE, ratio, lane);
        }
    }
    return {winner, 1.0f / total};
}

// List the queries that are kept, in their order.  One block serves an image, and each of its
// warps serves some queries.
template <class Logit>
__device__ void keep_queries(Tasks tasks) {
    __shared__ int class_of[MOST_QUERIES];
    __shared__ float score_of[MOST_QUERIES];
    __shared__ int totals[33];
    const Task& task = tasks[blockIdx.z];
    const Canvas& canvas = task.canvas;
    const int classes = canvas.classes + 1;         // the last one is no object
    for (int query = threadIdx.y; query < task.queries; query += blockDim.y) {
        const Choice choice = choose_class(task.classes.as<Logit>() + query * classes, classes);
        if (warp_lane() == 0) {
            class_of[query] = choice.class_id;
            score_of[query] = choice.score;
        }
    }
    __syncthreads();
    int found = 0;
    for (int first = 0; first < task.queries; first += threads_of_block()) {
        const int query = first + thread_of_block();
        const bool is_kept = query < task.queries && class_of[query] < canvas.classes
            && score_of[query] > task.object_threshold;
        int all;
        const int place = found + block_sum_before(is_kept, totals, &all);
        if (is_kept) {
            const float score = score_of[query];
            task.kept[place] = {query, class_of[query], score, logf(score)};
            canvas.score[place] = 1.0f;     // what is summed over the pixels has the score already
        }
        found += all;
    }
    if (thread_of_block() == 0) {
        *canvas.instance_count = found;
    }
}
