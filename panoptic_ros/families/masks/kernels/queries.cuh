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
        const int class_id = first + warp_lane();
        const float ratio = class_id >= classes ? 0.0f : exact_exp(
            fmaxf(finite_logit(as_float(logits[class_id])) - best, -EXP_LIMIT));
#pragma unroll
        for (int lane = 0; lane < 32; ++lane) {
            total += __shfl_sync(EVERY_LANE, ratio, lane);
        }
    }
    return {winner, 1.0f / total};
}

// List the queries that are kept, in their order.  One block serves an image.
__device__ inline void list_kept(const Task& task) {
    __shared__ int totals[33];
    int found = 0;
    for (int first = 0; first < task.queries; first += threads_of_block()) {
        const int query = first + thread_of_block();
        const int class_id = query < task.queries ? __ldcg(&task.query_class[query])
                                                  : task.canvas.classes;
        const float score = query < task.queries ? __ldcg(&task.query_score[query]) : 0.0f;
        const bool is_kept = class_id < task.canvas.classes && score > task.object_threshold;
        int all;
        const int place = found + block_sum_before(is_kept, totals, &all);
        if (is_kept) {
            task.kept[place] = {query, class_id, score, logf(score)};
            task.canvas.score[place] = 1.0f;        // the sums over pixels have the score already
        }
        found += all;
    }
    if (thread_of_block() == 0) {
        *task.canvas.instance_count = found;
    }
}

// A warp for each query.  The last block to finish lists those that are kept.
template <class Logit>
__device__ void keep_queries(Tasks tasks) {
    const Task& task = tasks[blockIdx.z];
    const int classes = task.canvas.classes + 1;    // the last one is no object
    const int query = blockIdx.x * blockDim.y + threadIdx.y;
    if (query < task.queries) {
        const Choice choice = choose_class(task.classes.as<Logit>() + query * classes, classes);
        if (warp_lane() == 0) {
            task.query_class[query] = choice.class_id;
            task.query_score[query] = choice.score;
        }
    }
    if (is_last_block(&task.finished[0])) {
        list_kept(task);
    }
}
