//! The file of a graph over the vectors of a segment, as bytes: what they say is the business of `vector::graph`.

use super::{
    FileKind, SegmentError, Written,
    container::{self, Container, NewFile, NewSection, Section, Tag},
};
use crate::{ids::FileId, io::Environment};
use arrow_buffer::ScalarBuffer;

/// The sections of a new graph; numbers are little-endian.
#[derive(Debug, Default)]
pub(crate) struct GraphSections {
    /// What the graph is of.
    pub head: Vec<u8>,
    /// The row of each node, `u32`; empty if they are the same.
    pub rows: Vec<u8>,
    /// The links of each node on the lowest level, `u32`.
    pub links: Vec<u8>,
    /// The nodes on higher levels, `u32`, ascending.
    pub uppers: Vec<u8>,
    /// Where the lists of each of them start, and where the last end, `u32`, counted in lists.
    pub upper_starts: Vec<u8>,
    /// Lists of links on higher levels, `u32`: places among the nodes on higher levels.
    pub upper_links: Vec<u8>,
    /// The vectors, as the head says.
    pub vectors: Vec<u8>,
    /// Offset and scale of each dimension, `f32`, if vectors are codes.
    pub scales: Vec<u8>,
}

/// An open graph. Numbers are used where they lie.
#[derive(Debug)]
pub(crate) struct GraphContainer {
    container: Container,
    pub head: Vec<u8>,
    rows: Option<Numbers>,
    links: Numbers,
    uppers: Numbers,
    upper_starts: Numbers,
    upper_links: Numbers,
    vectors: Section,
    pub scales: Vec<f32>,
}

/// A section of numbers.
#[derive(Debug)]
struct Numbers {
    section: Section,
    values: ScalarBuffer<u32>,
}

impl Numbers {
    fn of(section: &Section) -> Numbers {
        let values = ScalarBuffer::new(section.buffer.clone(), 0, section.buffer.len() / 4);
        Numbers { section: section.clone(), values }
    }

    #[inline(always)]
    fn get(&self, container: &Container, start: usize, count: usize) -> Result<&[u32], SegmentError> {
        container.touch(&self.section, start * 4, count * 4)?;
        let values = self.values.get(start..start + count);
        values.ok_or_else(|| container.corrupt(self.section.offset, "a graph leads outside its file"))
    }
}

impl GraphContainer {
    /// Writes a graph of so many nodes for an index, durable on return.
    pub(crate) fn write(
        environment: &Environment,
        file: FileId,
        index: u64,
        nodes: usize,
        new: &GraphSections,
    ) -> Result<Written, SegmentError> {
        let section = |tag, bytes| NewSection { tag, column: 0, detail: 0, bytes };
        let mut sections: Vec<NewSection<'_>> = vec![
            section(Tag::GraphHead, &new.head),
            section(Tag::GraphLinks, &new.links),
            section(Tag::GraphUppers, &new.uppers),
            section(Tag::GraphUpperStarts, &new.upper_starts),
            section(Tag::GraphUpperLinks, &new.upper_links),
            section(Tag::GraphVectors, &new.vectors),
            section(Tag::GraphScales, &new.scales),
        ];
        if !new.rows.is_empty() {
            sections.push(section(Tag::GraphRows, &new.rows));
        }
        let new = NewFile {
            kind: FileKind::Graph,
            file,
            rows: nodes,
            number: index,
            columns: &[],
            sections: &sections,
        };
        container::write(&*environment.disk, &new)
    }

    /// Maps a graph of an index; everything but its blocks is checked.
    pub(crate) fn open(
        environment: &Environment,
        file: FileId,
        index: u64,
        hash: &[u8; 32],
    ) -> Result<GraphContainer, SegmentError> {
        let container = Container::open(&*environment.disk, FileKind::Graph, file, Some(hash))?;
        if container.number != index {
            return Err(container.corrupt(0, "it belongs to another index"));
        }
        let find = |tag| {
            let missing = || container.corrupt(0, &format!("section {tag:?} is missing"));
            container.section(tag, 0).ok_or_else(missing)
        };
        let whole = |tag| -> Result<&Section, SegmentError> {
            let section = find(tag)?;
            container.touch(section, 0, section.buffer.len())?;
            Ok(section)
        };
        let (singles, _) = whole(Tag::GraphScales)?.buffer.as_slice().as_chunks::<4>();
        Ok(GraphContainer {
            head: whole(Tag::GraphHead)?.buffer.to_vec(),
            rows: container.section(Tag::GraphRows, 0).map(Numbers::of),
            links: Numbers::of(find(Tag::GraphLinks)?),
            uppers: Numbers::of(find(Tag::GraphUppers)?),
            upper_starts: Numbers::of(find(Tag::GraphUpperStarts)?),
            upper_links: Numbers::of(find(Tag::GraphUpperLinks)?),
            vectors: find(Tag::GraphVectors)?.clone(),
            scales: singles.iter().map(|single| f32::from_le_bytes(*single)).collect(),
            container,
        })
    }

    pub(crate) fn file(&self) -> FileId {
        self.container.file
    }

    pub(crate) fn file_bytes(&self) -> usize {
        self.container.bytes()
    }

    pub(crate) fn nodes(&self) -> usize {
        self.container.rows
    }

    /// How many nodes are on higher levels.
    pub(crate) fn upper_count(&self) -> usize {
        self.uppers.values.len()
    }

    pub(crate) fn vector_bytes(&self) -> usize {
        self.vectors.buffer.len()
    }

    /// The row of a node.
    #[inline(always)]
    pub(crate) fn row(&self, node: usize) -> Result<usize, SegmentError> {
        let Some(rows) = &self.rows else { return Ok(node) };
        Ok(rows.get(&self.container, node, 1)?.first().map_or(0, |row| *row as usize))
    }

    /// Links on the lowest level.
    #[inline(always)]
    pub(crate) fn links(&self, start: usize, count: usize) -> Result<&[u32], SegmentError> {
        self.links.get(&self.container, start, count)
    }

    /// All links on the lowest level, to say in advance which of them will be read.
    #[inline(always)]
    pub(crate) fn all_links(&self) -> &[u32] {
        &self.links.values
    }

    /// The node at a place among those on higher levels.
    #[inline(always)]
    pub(crate) fn upper(&self, place: usize) -> Result<usize, SegmentError> {
        Ok(self.uppers.get(&self.container, place, 1)?.first().map_or(0, |node| *node as usize))
    }

    /// Where the lists of links of such a place start and end.
    #[inline(always)]
    pub(crate) fn upper_lists(&self, place: usize) -> Result<(usize, usize), SegmentError> {
        match self.upper_starts.get(&self.container, place, 2)? {
            [start, end] => Ok((*start as usize, *end as usize)),
            _ => Ok((0, 0)),
        }
    }

    #[inline(always)]
    pub(crate) fn upper_links(&self, start: usize, count: usize) -> Result<&[u32], SegmentError> {
        self.upper_links.get(&self.container, start, count)
    }

    /// Bytes of the vectors.
    #[inline(always)]
    pub(crate) fn vector(&self, start: usize, bytes: usize) -> Result<&[u8], SegmentError> {
        self.container.touch(&self.vectors, start, bytes)?;
        let found = self.vectors.buffer.get(start..start + bytes);
        found.ok_or_else(|| self.corrupt("a graph leads outside its file"))
    }

    /// All bytes of the vectors, to say in advance which of them will be read.
    #[inline(always)]
    pub(crate) fn vectors(&self) -> &[u8] {
        &self.vectors.buffer
    }

    pub(crate) fn corrupt(&self, reason: &str) -> SegmentError {
        self.container.corrupt(self.vectors.offset, reason)
    }

    pub(crate) fn unknown(&self, reason: &str) -> SegmentError {
        self.container.unknown(reason)
    }

    /// Reads everything and checks every checksum and the content hash.
    pub(crate) fn verify(&self) -> Result<(), SegmentError> {
        self.container.verify_all()
    }
}
