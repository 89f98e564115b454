// The code of each pixel that is free, and the sums over the pixels of all codes.
#pragma once
#include "numbering.cuh"
#include "painting.cuh"
#include "task.cuh"

// The cells that a pixel may lie between: REACH along each axis.
template <int REACH>
struct Cells {
    int rows[REACH], columns[REACH];    // where the rows of cells begin, and the columns

    __device__ Cells(const Canvas& canvas, int row, int column) {
#pragma unroll
        for (int step = 0; step < REACH; ++step) {
            rows[step] = min(row + step, canvas.rows - 1) * canvas.columns;
            columns[step] = min(column + step, canvas.columns - 1);
        }
    }

    __device__ int at(int row, int column) const {
        return rows[row] + columns[column];
    }
};

// Return the channel on which all cells agree that a pixel may have a part of, or -1.
template <int REACH>
__device__ int agreed_channel(const Task& task, const Cells<REACH>& cells) {
    const int channel = task.channel[cells.at(0, 0)];
    bool agree = true;
#pragma unroll
    for (int row = 0; row < REACH; ++row) {
#pragma unroll
        for (int column = 0; column < REACH; ++column) {
            if (row <= task.row_reach && column <= task.column_reach) {
                agree = agree && task.channel[cells.at(row, column)] == channel;
            }
        }
    }
    return agree ? channel : -1;
}

// Return the logit of a channel at a pixel, with the operations of reference.py in their order.
template <int REACH, class Float>
__device__ float logit_at(const Float* plane, const Cells<REACH>& cells, const Location& y,
                          const Location& x) {
    float rows[REACH];
#pragma unroll
    for (int row = 0; row < REACH; ++row) {
        float values[REACH];
#pragma unroll
        for (int column = 0; column < REACH; ++column) {
            values[column] = finite_logit(as_float(plane[cells.at(row, column)]));
        }
        rows[row] = weigh<REACH>(x, values);
    }
    return weigh<REACH>(y, rows);
}

template <int REACH, class Float>
__device__ int likeliest_channel(const Task& task, const Cells<REACH>& cells, const Location& y,
                                 const Location& x) {
    const long long size = static_cast<long long>(task.canvas.rows) * task.canvas.columns;
    const Float* plane = task.semantic.as<Float>();
    float best = logit_at<REACH>(plane, cells, y, x);
    int winner = 0;
    for (int channel = 1; channel < task.channels; ++channel) {
        const float logit = logit_at<REACH>(plane + channel * size, cells, y, x);
        if (logit > best) {
            best = logit;
            winner = channel;
        }
    }
    return winner;
}

// Return the mean probability of the four cells around a pixel.
template <int REACH>
__device__ int mean_probability(const Canvas& canvas, const Cells<REACH>& cells) {
    return (canvas.probability[cells.at(0, 0)] + canvas.probability[cells.at(0, 1)]
            + canvas.probability[cells.at(1, 0)] + canvas.probability[cells.at(1, 1)]) >> 2;
}

__device__ inline unsigned char byte_of(float probability) {
    return static_cast<unsigned char>(probability + 0.5f);
}

// Find the code of a free pixel, and write it and its confidence; return the code, and the pixel's
// probability in `probability`.
template <int REACH, class Float>
__device__ int find_code(const Task& task, int y, int x, unsigned long long* probability) {
    const Canvas& canvas = task.canvas;
    const Location row = task.row_locations[y], column = task.column_locations[x];
    const Cells<REACH> cells(canvas, row.cell, column.cell);
    int channel = agreed_channel(task, cells);
    if (channel < 0) {
        channel = likeliest_channel<REACH, Float>(task, cells, row, column);
    }
    const int code = task.stuff_code[channel], mean = mean_probability(canvas, cells);
    const int place = y * canvas.width + x;
    canvas.labels[place] = static_cast<unsigned short>(code);
    if (canvas.confidence.pointer) {
        canvas.confidence[place] = byte_of(static_cast<float>(mean) * (255.0f / PROBABILITY_ONE));
    }
    *probability = mean;
    return code;
}

// Label the codes.  One block serves an image, after all others have counted.
__device__ inline void judge(const Task& task) {
    __shared__ short class_of[MOST_DETECTIONS];     // of those that have pixels, otherwise -1
    const Canvas& canvas = task.canvas;
    const int count = *canvas.instance_count;
    for (int index = thread_of_block(); index < count; index += threads_of_block()) {
        Tally& tally = tally_of(canvas, INSTANCE + index);
        const unsigned long long area = __ldcg(&tally.area);
        tally.probability = area * PROBABILITY_ONE;
        class_of[index] = static_cast<short>(area ? task.chosen[index].class_id : -1);
    }
    __syncthreads();
    number_segments(canvas, class_of, count);
}

// A warp has 32 columns and LINES rows of pixels.  The last block to finish labels the codes.
template <int REACH, class Float>
__device__ void find_stuff(Tasks tasks) {
    __shared__ Extents extents;
    __shared__ Probabilities sums;
    const Task& task = tasks[blockIdx.z];
    const Canvas& canvas = task.canvas;
    const int left = blockIdx.x * WORD, x = left + warp_lane();
    const int top = (blockIdx.y * blockDim.y + threadIdx.y) * LINES;
    const Patch patch = {0, 0, top, top + LINES, left, left + WORD};
    const auto serve = [&](int code, const Extent& extent) {
        add_extent(tally_of(canvas, code), extent);
    };
    extents.clear();
    sums.clear();
    __syncthreads();
    if (left < canvas.width) {
        for (int y = top; y < min(top + LINES, canvas.height); ++y) {
            const bool is_thing = task.row_of_painted(y)[left / WORD] >> warp_lane() & 1;
            unsigned long long probability = 0;
            int code = NO_KEY;
            if (is_thing) {
                code = canvas.labels[y * canvas.width + x];
                if (canvas.confidence.pointer) {
                    canvas.confidence[y * canvas.width + x] =
                        byte_of(canvas.score[code - INSTANCE] * 255.0f);
                }
            } else if (x < canvas.width) {
                code = find_code<REACH, Float>(task, y, x, &probability);
                code = code < THING ? code : NO_KEY;
            }
            __syncwarp();
            add_pixels(extents, code, patch, y, x, serve);
            sums.add(canvas, code >= 0 && code < THING ? code : NO_KEY, probability);
        }
    }
    __syncthreads();
    extents.flush(serve);
    sums.flush(canvas);
    if (is_last_block(task.finished)) {
        judge(task);
    }
}
