// The task, which the kernels of mask queries read for one image; masks/task.py lays out the same
// fields.
#pragma once
#include "locations.cuh"

constexpr int MOST_QUERIES = 1024;        // that masks.Queries allows
// The code of a pixel is the number of its owner among the kept queries, or NO_QUERY where the
// owner's mask does not cover it.
constexpr unsigned short NO_QUERY = 65534;

// A query that is kept because of its class.
struct alignas(16) Kept {
    int query, class_id;
    float score, log_score;
};

struct Task {
    Canvas canvas;
    // outputs, float or half: [queries, classes + 1], [queries, rows, columns]
    Global<const void> classes;
    Global<const void> masks;
    Global<const Location> row_locations;       // [height]
    Global<const Location> column_locations;    // [width]
    // working memory, which one kernel writes and a later one reads
    Global<int> query_class;            // [queries] the likeliest class of each
    Global<float> query_score;          // [queries] and its probability
    Global<Kept> kept;                  // [queries] in their order; instance_count is their number
    Global<unsigned> owned;             // [queries] pixels of each kept query, zero at first
    Global<unsigned> covered;           // [queries] pixels that its mask covers, zero at first
    Global<unsigned short> kept_label;  // [queries] its label
    Global<unsigned> finished;          // [2] finished blocks of a kernel, zero at first
    double overlap_threshold;
    float object_threshold;
    float least_logit;                  // a mask covers the pixels whose logit is at least this
    int queries;
};

using Tasks = const Task* __restrict__;     // the tasks of a batch, one for each image
