//! FAISS, as far as it is used: building an HNSW graph and reading its links. The one folder that knows it; one of the
//! few files with unsafe code.
//!
//! `shim.cpp` stands between: it catches every exception, and what it is given here is checked before, because FAISS
//! ends the process where an assertion of its own fails. FAISS's search is here for the tests alone, which hold our
//! walk (`super::walk`) against it: the walk knows moments, filters, and files that are mapped.

// The library that the shim links against.
use faiss_sys as _;

use super::Metric;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr::NonNull;

unsafe extern "C" {
    fn strata_faiss_reason(buffer: *mut c_char, length: usize);
    fn strata_faiss_new(
        dimensions: c_int,
        m: c_int,
        ef_construction: c_int,
        metric: c_int,
        made: *mut *mut c_void,
    ) -> c_int;
    fn strata_faiss_free(graph: *mut c_void);
    fn strata_faiss_add(graph: *mut c_void, count: i64, vectors: *const f32, threads: c_int) -> c_int;
    fn strata_faiss_shape(graph: *const c_void, nodes: *mut i64, entry: *mut i32, highest: *mut i32)
    -> c_int;
    fn strata_faiss_levels(graph: *const c_void, node: i64) -> i32;
    fn strata_faiss_links(graph: *const c_void, node: i64, level: i32, links: *mut i32, room: i32) -> c_int;
    #[cfg(test)]
    fn strata_faiss_search(
        graph: *const c_void,
        query: *const f32,
        count: i64,
        ef: c_int,
        distances: *mut f32,
        nodes: *mut i64,
    ) -> c_int;
}

/// A graph that FAISS builds, in memory.
pub(super) struct Building {
    graph: NonNull<c_void>,
    dimensions: usize,
    nodes: usize,
}

// SAFETY: the graph is owned by this value alone, and FAISS ties none to a thread.
unsafe impl Send for Building {}

/// FAISS's numbers of the metrics. Under the cosine vectors come with a length of one, and nearness is Euclidean.
fn number(metric: Metric) -> c_int {
    match metric {
        Metric::InnerProduct => 0,
        Metric::L2 | Metric::Cosine => 1,
        Metric::L1 => 2,
    }
}

impl Building {
    /// An empty graph. `Err` says what FAISS says.
    pub fn new(dimensions: usize, m: u32, ef_construction: u32, metric: Metric) -> Result<Building, String> {
        let (Ok(width), Ok(links), Ok(ef)) =
            (c_int::try_from(dimensions), c_int::try_from(m), c_int::try_from(ef_construction))
        else {
            return Err("numbers beyond what FAISS can take".into());
        };
        if width < 1 || links < 2 || ef < 1 {
            return Err("a graph without dimensions or links".into());
        }
        let mut made = std::ptr::null_mut();
        // SAFETY: the out pointer is valid; the numbers were checked.
        let status = unsafe { strata_faiss_new(width, links, ef, number(metric), &mut made) };
        match NonNull::new(made) {
            Some(graph) if status == 0 => Ok(Building { graph, dimensions, nodes: 0 }),
            _ => Err(reason()),
        }
    }

    /// Adds vectors, one behind the other, with at most so many threads.
    pub fn add(&mut self, vectors: &[f32], threads: usize) -> Result<(), String> {
        let count = vectors.len() / self.dimensions;
        if count * self.dimensions != vectors.len() || self.nodes + count > i32::MAX as usize {
            return Err("vectors that do not fit".into());
        }
        let threads = c_int::try_from(threads.max(1)).unwrap_or(c_int::MAX);
        // SAFETY: the graph is alive, and there are `count` vectors of its width.
        let status =
            unsafe { strata_faiss_add(self.graph.as_ptr(), count as i64, vectors.as_ptr(), threads) };
        self.nodes += count;
        if status == 0 { Ok(()) } else { Err(reason()) }
    }

    /// How many vectors were added.
    pub fn nodes(&self) -> usize {
        self.nodes
    }

    /// The node where a search begins, and the highest level of any; `None` for a graph without nodes.
    pub fn entry(&self) -> Result<Option<(usize, usize)>, String> {
        let (mut nodes, mut entry, mut highest) = (0, 0, 0);
        // SAFETY: the graph is alive and the out pointers are valid.
        let status = unsafe { strata_faiss_shape(self.graph.as_ptr(), &mut nodes, &mut entry, &mut highest) };
        if status != 0 || usize::try_from(nodes) != Ok(self.nodes) {
            return Err(reason());
        }
        Ok(usize::try_from(entry).ok().zip(usize::try_from(highest).ok()))
    }

    /// How many levels a node is on.
    pub fn levels(&self, node: usize) -> usize {
        // SAFETY: the graph is alive; a node that is not there has no levels.
        let levels = unsafe { strata_faiss_levels(self.graph.as_ptr(), node as i64) };
        usize::try_from(levels).unwrap_or(0)
    }

    /// Reads the links of a node on a level it is on: minus one behind the last.
    pub fn links(&self, node: usize, level: usize, links: &mut [i32]) -> Result<(), String> {
        if level >= self.levels(node) {
            return Err("links of a node where it is not".into());
        }
        let room = links.len() as i32;
        // SAFETY: the graph is alive, the node is on the level, and there is room for `room` links.
        let status = unsafe {
            strata_faiss_links(self.graph.as_ptr(), node as i64, level as i32, links.as_mut_ptr(), room)
        };
        if status == 0 { Ok(()) } else { Err(reason()) }
    }

    /// FAISS's own search: nodes and its distances, nearest first.
    #[cfg(test)]
    pub fn search(&self, query: &[f32], count: usize, ef: usize) -> Result<Vec<(usize, f32)>, String> {
        assert_eq!(query.len(), self.dimensions);
        let (mut distances, mut nodes) = (vec![0.0; count], vec![-1; count]);
        // SAFETY: the graph is alive, the query has its width, and there is room for `count` answers.
        let status = unsafe {
            strata_faiss_search(
                self.graph.as_ptr(),
                query.as_ptr(),
                count as i64,
                ef as c_int,
                distances.as_mut_ptr(),
                nodes.as_mut_ptr(),
            )
        };
        if status != 0 {
            return Err(reason());
        }
        let found = nodes.into_iter().zip(distances);
        Ok(found.filter_map(|(node, distance)| Some((usize::try_from(node).ok()?, distance))).collect())
    }
}

impl Drop for Building {
    fn drop(&mut self) {
        // SAFETY: the graph is alive, and nobody uses it after this.
        unsafe { strata_faiss_free(self.graph.as_ptr()) }
    }
}

/// Why the last call of this thread failed.
fn reason() -> String {
    let mut buffer = [0; 256];
    // SAFETY: the buffer has this length, and the text is ended by a zero within it.
    unsafe { strata_faiss_reason(buffer.as_mut_ptr(), buffer.len()) };
    // SAFETY: the buffer ends with a zero, at its last byte at the latest.
    unsafe { CStr::from_ptr(buffer.as_ptr()) }.to_string_lossy().into_owned()
}
