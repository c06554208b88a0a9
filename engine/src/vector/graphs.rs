//! The graphs of one segment: one for each vector index that has one by now.

use super::builder::Asked;
use super::graph::Graph;
use crate::IndexId;
use crate::segment::SegmentError;
use parking_lot::RwLock;
use std::sync::{Arc, OnceLock};

/// The graphs of a segment, exchanged while others search.
#[derive(Default)]
pub(crate) struct Graphs {
    graphs: RwLock<Vec<(IndexId, Arc<Graph>)>>,
    /// Indexes that hold too few of the rows, or whose graph would be too large.
    refused: RwLock<Vec<IndexId>>,
    /// Who is told of a damaged graph.
    asked: OnceLock<Arc<Asked>>,
}

impl Graphs {
    /// The graph of an index, if it can be used.
    #[inline]
    pub fn get(&self, index: IndexId) -> Option<Arc<Graph>> {
        self.any(index).filter(|graph| !graph.is_damaged())
    }

    /// The graph of an index, damaged or not.
    pub fn any(&self, index: IndexId) -> Option<Arc<Graph>> {
        let graphs = self.graphs.read();
        graphs.iter().find(|(id, _)| *id == index).map(|(_, graph)| graph.clone())
    }

    /// All graphs.
    pub fn all(&self) -> Vec<(IndexId, Arc<Graph>)> {
        self.graphs.read().clone()
    }

    /// Puts a graph in the place of the one before.
    pub fn set(&self, index: IndexId, graph: Arc<Graph>, asked: &Arc<Asked>) {
        // The same for all graphs of a database.
        let _ = self.asked.set(asked.clone());
        let mut graphs = self.graphs.write();
        graphs.retain(|(id, _)| *id != index);
        graphs.push((index, graph));
    }

    /// Notes that there will be no graph.
    pub fn refuse(&self, index: IndexId) {
        self.refused.write().push(index);
    }

    pub fn is_refused(&self, index: IndexId) -> bool {
        self.refused.read().contains(&index)
    }

    pub fn remove(&self, index: IndexId) {
        self.graphs.write().retain(|(id, _)| *id != index);
    }

    /// Sets a graph aside that a walk found damaged, and asks for a new one.
    pub fn damage(&self, graph: &Graph, error: &SegmentError) {
        if graph.damage() {
            tracing::error!(%error, "a graph is damaged: its segment is searched exactly until it is built anew");
            if let Some(asked) = self.asked.get() {
                asked.want();
            }
        }
    }
}
