// What FAISS's C interface does not give: building an HNSW graph step by step within a number of threads, and reading
// its links where they lie. No exception leaves this file: a call answers 0, or -1 and keeps the reason.

#include <faiss/IndexFlat.h>
#include <faiss/IndexHNSW.h>

#include <cstdint>
#include <cstring>
#include <exception>
#include <memory>
#include <string>

extern "C" void omp_set_num_threads(int);

namespace {

thread_local std::string reason;

struct Graph {
    std::unique_ptr<faiss::IndexHNSWFlat> index;
};

template <class Work>
int guarded(Work work) {
    try {
        work();
        return 0;
    } catch (const std::exception& error) {
        reason = error.what();
    } catch (...) {
        reason = "an unknown exception";
    }
    return -1;
}

} // namespace

extern "C" {

// Why the last call of this thread failed, cut to `length` bytes with the zero.
void strata_faiss_reason(char* buffer, size_t length) {
    if (length == 0) {
        return;
    }
    std::strncpy(buffer, reason.c_str(), length - 1);
    buffer[length - 1] = 0;
}

// An empty graph; `metric` is one of FAISS's numbers.
int strata_faiss_new(int dimensions, int m, int ef_construction, int metric, Graph** made) {
    return guarded([&] {
        auto graph = std::make_unique<Graph>();
        graph->index = std::make_unique<faiss::IndexHNSWFlat>(dimensions, m, faiss::MetricType(metric));
        graph->index->hnsw.efConstruction = ef_construction;
        // Links that the heuristic would leave out fill the lists: without them clustered vectors hang together badly.
        graph->index->keep_max_size_level0 = true;
        *made = graph.release();
    });
}

void strata_faiss_free(Graph* graph) {
    delete graph;
}

// Adds vectors, with at most so many threads.
int strata_faiss_add(Graph* graph, int64_t count, const float* vectors, int threads) {
    return guarded([&] {
        omp_set_num_threads(threads);
        graph->index->add(count, vectors);
    });
}

// The number of nodes, the node where a search begins, and the highest level of any node.
int strata_faiss_shape(const Graph* graph, int64_t* nodes, int32_t* entry, int32_t* highest) {
    return guarded([&] {
        *nodes = graph->index->ntotal;
        *entry = graph->index->hnsw.entry_point;
        *highest = graph->index->hnsw.max_level;
    });
}

// How many levels a node is on.
int32_t strata_faiss_levels(const Graph* graph, int64_t node) {
    const auto& levels = graph->index->hnsw.levels;
    return node >= 0 && size_t(node) < levels.size() ? levels[node] : 0;
}

// The links of a node on a level it is on: as many as there is room for, -1 behind the last.
int strata_faiss_links(const Graph* graph, int64_t node, int32_t level, int32_t* links, int32_t room) {
    return guarded([&] {
        const auto& hnsw = graph->index->hnsw;
        size_t begin, end;
        hnsw.neighbor_range(node, level, &begin, &end);
        for (int32_t place = 0; place < room; place++) {
            links[place] = begin + place < end ? hnsw.neighbors[begin + place] : -1;
        }
    });
}

// FAISS's own search, the oracle of the tests.
int strata_faiss_search(
        const Graph* graph, const float* query, int64_t count, int ef, float* distances, int64_t* nodes) {
    return guarded([&] {
        faiss::SearchParametersHNSW parameters;
        parameters.efSearch = ef;
        graph->index->search(1, query, count, distances, nodes, &parameters);
    });
}

} // extern "C"
