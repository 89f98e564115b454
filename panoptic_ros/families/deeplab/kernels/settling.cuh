// Deciding the pixels of open patches, which are not decided as a whole; a warp for each patch.
#pragma once
#include "targets.cuh"
#include "votes.cuh"

// Return the likeliest class of a pixel.  The whole warp must call this function, each lane with a
// pixel of the patch.  Lanes first stand for classes.  A class is left out if its logit is under
// that of another class in each of the four cells, by more than the rounding: it is the likeliest
// class nowhere between them.  Few classes are left.
template <class Head>
__device__ int likeliest_class(const Task& task, const Corners& corners, const Place& y,
                               const Place& x) {
    const Head* semantic = task.semantic.as<Head>();
    const int cells = task.canvas.rows * task.canvas.columns, lane = warp_lane();
    bool is_new[4];                         // whether no earlier corner has the class
    for (int corner = 0; corner < 4; ++corner) {
        is_new[corner] = true;
        for (int earlier = 0; earlier < corner; ++earlier) {
            is_new[corner] &= task.cell_code[corners.cell[corner]]
                != task.cell_code[corners.cell[earlier]];
        }
    }
    // Lane 4 * a + b has the logit of rival a, the likeliest class of corner a, in corner b.
    const long long of_lane = task.cell_code[corners.at(lane / 4 % 4)] % THING;
    const float rivals = finite_logit(as_float(
        semantic[of_lane * cells + corners.at(lane % 4)]));
    const float lowered = rivals - fabsf(rivals) * 1e-5f - 1e-30f;
    float best = -LARGEST;                  // less than any logit
    int winner = 0;
#pragma unroll 1
    for (int first = 0; first < task.canvas.classes; first += 32) {
        const int class_id = first + lane;
        bool contends = class_id < task.canvas.classes;
        float own[4];
        for (int corner = 0; corner < 4; ++corner) {
            own[corner] = contends ? finite_logit(as_float(
                semantic[static_cast<long long>(class_id) * cells + corners.cell[corner]]))
                : -LIMIT;
        }
#pragma unroll
        for (int other = 0; other < 4; ++other) {
            if (!is_new[other]) {
                continue;
            }
            bool is_beaten = true;
            for (int corner = 0; corner < 4; ++corner) {
                const float least = __shfl_sync(EVERY_LANE, lowered, 4 * other + corner);
                is_beaten &= own[corner] + fabsf(own[corner]) * 1e-5f < least;
            }
            contends &= !is_beaten;
        }
        unsigned contenders = __ballot_sync(EVERY_LANE, contends);
        while (contenders) {
            const int source = __ffs(contenders) - 1;
            contenders &= contenders - 1;
            float logit[4];
            for (int corner = 0; corner < 4; ++corner) {
                logit[corner] = __shfl_sync(EVERY_LANE, own[corner], source);
            }
            const float value = interpolate(y, x, logit[0], logit[1], logit[2], logit[3]);
            if (value > best) {
                best = value;
                winner = first + source;
            }
        }
    }
    return winner;
}

// Return the centre nearest to a target, the first one of equals.  The whole warp must call this
// function, each lane with a target in the box.  Lanes first stand for centres; only few of them
// can be the nearest.
__device__ inline int nearest_center(const Task& task, int centers, const Box& box, float y,
                                     float x) {
    const int lane = warp_lane();
    float bound = LARGEST;
#pragma unroll 1
    for (int index = lane; index < centers; index += 32) {
        bound = min(bound, farthest(box, task.center_y[index], task.center_x[index]));
    }
    for (int distance = 16; distance > 0; distance /= 2) {
        bound = min(bound, __shfl_xor_sync(EVERY_LANE, bound, distance));
    }
    float least = LARGEST;
    int nearest = 0;
#pragma unroll 1
    for (int first = 0; first < centers; first += 32) {
        const int index = min(first + lane, centers - 1);
        const float center_y = task.center_y[index], center_x = task.center_x[index];
        unsigned candidates = __ballot_sync(
            EVERY_LANE, first + lane < centers && closest(box, center_y, center_x) <= bound);
        while (candidates) {
            const int source = __ffs(candidates) - 1;
            candidates &= candidates - 1;
            const float distance = squared_distance(
                y - __shfl_sync(EVERY_LANE, center_y, source),
                x - __shfl_sync(EVERY_LANE, center_x, source));
            if (distance < least) {
                least = distance;
                nearest = first + source;
            }
        }
    }
    return nearest;
}

template <class Head>
__device__ void settle_patch(const Task& task, Extents& extents, const Patch& patch) {
    const int centers = *task.canvas.instance_count;
    const Corners corners = corners_of(task.canvas, patch);
    const int common = common_code(task, corners);
    const unsigned width = patch.right - patch.left, pixels = patch.pixels();
    for (unsigned first = 0; first < pixels; first += 32) {
        const unsigned place = min(first + warp_lane(), pixels - 1);
        const bool is_pixel = place == first + warp_lane();
        const int y = patch.top + place / width, x = patch.left + place % width;
        const Place row = locate_row(task.canvas, y), column = locate_column(task.canvas, x);
        int code = common;
        if (common == OPEN) {
            code = likeliest_class<Head>(task, corners, row, column);
            code += task.canvas.is_thing[code] ? THING : 0;
        }
        int key = code < THING ? code : NO_KEY;
        if (centers > 0 && __ballot_sync(EVERY_LANE, code >= THING)) {
            const int center = nearest_center(
                task, centers, targets_of<Head>(task, patch, corners),
                static_cast<float>(y)
                    + upsample_offset<Head>(task, 0, corners, row, column) * task.y_scale,
                static_cast<float>(x)
                    + upsample_offset<Head>(task, 1, corners, row, column) * task.x_scale);
            if (code >= THING) {
                key = instance_key(center, code - THING);
                code = INSTANCE + center;
            }
        }
        if (is_pixel) {
            task.canvas.labels[y * task.canvas.width + x] = static_cast<unsigned short>(code);
        }
        add_pixels(extents, is_pixel ? key : NO_KEY, patch, y, x,
                   [&](int of, const Extent& extent) { count_pixels(task, of, extent); });
    }
}

// Each block settles its share of the open patches.  The last block to finish numbers the
// segments.
template <class Head>
__device__ void settle_pixels(Tasks tasks) {
    __shared__ Extents extents;
    const Task& task = tasks[blockIdx.z];
    extents.clear();
    __syncthreads();
    const Share share = share_of_open(task.canvas, blockIdx.x, gridDim.x);
    for (unsigned index = share.start + threadIdx.y; index < share.end; index += blockDim.y) {
        settle_patch<Head>(task, extents, unpack(task.canvas, task.canvas.open_patches[index]));
    }
    __syncthreads();
    extents.flush([&](int of, const Extent& extent) { count_pixels(task, of, extent); });
    if (is_last_block(&task.finished[1])) {
        count_votes(task);
    }
}
