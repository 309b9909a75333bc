//! What forms a text runs through, byte by byte, at the same price for every byte.
//!
//! This is the automaton of Aho and Corasick over the sorted forms of an [`Index`]: a node is a prefix that some forms
//! share, and where none of them goes on with the next byte, the walk goes on in the longest end of the prefix that is a
//! prefix itself. Nodes are made when a text first gets there. Nearly all are never needed, and the whole of it would be
//! a hundred megabytes for some thousand secrets.

use super::index::{Index, Range};

/// The node that every walk starts at: nothing has been read.
pub(super) const ROOT: u32 = 0;

/// More nodes than this are thrown away before the next walk.
const MOST: usize = 1 << 17;

/// The nodes that have been needed so far.
pub(super) struct Automaton {
    nodes: Vec<Node>,
}

struct Node {
    /// The forms with this prefix.
    range: Range,
    /// Where the walk goes on when none of them does.
    fail: u32,
    seen: Seen,
    /// Where it goes with the bytes that have been asked for.
    next: Vec<(u8, u32)>,
}

/// What is known at a node about the text that led there. All are lengths, in bytes.
#[derive(Clone, Copy, Default)]
pub(super) struct Seen {
    /// The longest end of the text that is a prefix of a form.
    pub(super) depth: usize,
    /// The longest form that ends here, or 0.
    pub(super) longest: usize,
    /// The longest one that shares its last character of base64 with what follows, or 0. See `Form::shared`.
    pub(super) shared: usize,
    /// The longest end of the text that a form could begin with and go on, or 0.
    pub(super) open: usize,
}

impl Automaton {
    /// No nodes but the first.
    pub(super) fn new(index: &Index) -> Self {
        let root = Node { range: index.all(), fail: ROOT, seen: Seen::default(), next: Vec::new() };
        Automaton { nodes: vec![root] }
    }

    /// Forgets nodes if there are too many; no walk may be under way.
    pub(super) fn tidy(&mut self, index: &Index) {
        if self.nodes.len() > MOST {
            *self = Automaton::new(index);
        }
    }

    /// What is known at `node`.
    pub(super) fn seen(&self, node: u32) -> Seen {
        self.nodes[node as usize].seen
    }

    /// The node after `node` and `byte`.
    pub(super) fn step(&mut self, index: &Index, node: u32, byte: u8) -> u32 {
        let Node { range, fail, seen, next } = &self.nodes[node as usize];
        if let Some(&(_, next)) = next.iter().find(|(known, _)| *known == byte) {
            return next;
        }
        let (range, fail, depth) = (index.child(range, seen.depth, byte), *fail, seen.depth + 1);
        // Of the prefix without its first byte; each recursion is about a shorter one.
        let after_fail = if node == ROOT { ROOT } else { self.step(index, fail, byte) };
        let next = match range {
            Some(range) => self.add(index, range, depth, after_fail),
            None => after_fail,
        };
        self.nodes[node as usize].next.push((byte, next));
        next
    }

    fn add(&mut self, index: &Index, range: Range, depth: usize, fail: u32) -> u32 {
        let Seen { longest, shared, open, .. } = self.seen(fail);
        let (ends, ends_shared, goes_on) = index.ends(&range, depth);
        let own = |is: bool, shorter: usize| if is { depth } else { shorter };
        let seen = Seen {
            depth,
            longest: own(ends, longest),
            shared: own(ends_shared, shared),
            open: own(goes_on, open),
        };
        self.nodes.push(Node { range, fail, seen, next: Vec::new() });
        (self.nodes.len() - 1) as u32
    }
}

impl Drop for Automaton {
    fn drop(&mut self) {
        // Paths of bytes are the beginnings of secrets.
        for node in &mut self.nodes {
            node.next.fill((0, 0));
        }
    }
}
