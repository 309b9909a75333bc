//! Where forms stand in a stream, and where they could.

use super::Patterns;
use super::automaton::{Automaton, ROOT};
use super::buffer::Buffer;
use super::filter::GRAM;
use super::index::{Index, LONGEST, is_base64};
use super::wrap::{self, CurrentLine, Wrap};

/// The start and the end of what must not be printed.
pub(super) type Span = (usize, usize);

/// Searches a stream, piece by piece.
pub(super) struct Search {
    patterns: Patterns,
    automaton: Automaton,
    /// The line that the stream is in.
    line: CurrentLine,
    /// A text without its wraps.
    joined: Buffer,
}

/// What was found in a text.
pub(super) struct Matches {
    /// In the order of their starts; they may overlap. None starts behind `kept`.
    pub(super) spans: Vec<Span>,
    /// Where the first form could start that ends beyond the text, or the end of the text.
    pub(super) kept: usize,
}

impl Search {
    /// A search at the start of a stream.
    pub(super) fn new(patterns: &Patterns) -> Self {
        Search {
            automaton: Automaton::new(&patterns.0.index),
            patterns: patterns.clone(),
            line: CurrentLine::default(),
            joined: Buffer::default(),
        }
    }

    /// Searches for these from here on.
    pub(super) fn know(&mut self, patterns: &Patterns) {
        self.automaton = Automaton::new(&patterns.0.index);
        self.patterns = patterns.clone();
    }

    /// Whether there is nothing to search for.
    pub(super) fn has_no_patterns(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Searches the next piece of the stream; if it is not the `last` one, the next piece must begin with what is `kept`
    /// of this one.
    pub(super) fn search(&mut self, text: &[u8], last: bool) -> Matches {
        let index = &self.patterns.0.index;
        self.automaton.tidy(index);
        let mut spans = Vec::new();
        let mut kept = walk(index, &mut self.automaton, text, |span| add(&mut spans, span));
        let (automaton, joined) = (&mut self.automaton, &mut self.joined);
        let mut chain: Vec<Wrap> = Vec::new();
        let mut search_chain = |chain: &mut Vec<Wrap>| {
            let pieces = join(text, chain, joined);
            let mut joined_spans = Vec::new();
            let open = walk(index, automaton, joined, |span| add(&mut joined_spans, span));
            spans.extend(
                joined_spans.iter().map(|&(start, end)| (place(&pieces, start), place(&pieces, end - 1) + 1)),
            );
            // What is open behind the pieces has been cut off there, unless the text ends there too.
            if open < joined.len() && pieces.last().is_some_and(|piece| piece.reaches_end) {
                kept = kept.min(place(&pieces, open));
            }
            joined.clear();
            chain.clear();
        };
        wrap::each(text, &self.line, last, |wrap| {
            if chain.last().is_some_and(|before| before.end + 2 * REACH < wrap.start) {
                search_chain(&mut chain);
            }
            chain.push(wrap);
        });
        if !chain.is_empty() {
            search_chain(&mut chain);
        }
        if last {
            (kept, self.line) = (text.len(), CurrentLine::default());
        } else {
            self.line.go_on(&text[..kept]);
        }
        spans.retain(|&(start, _)| start <= kept);
        spans.sort_unstable();
        Matches { spans, kept }
    }
}

/// How far from a wrap a form can reach; with the character that it may share.
const REACH: usize = LONGEST + 1;

/// A part of a text between two wraps.
struct Piece {
    /// Where it starts in the text.
    start: usize,
    /// Where it starts in the text without wraps.
    joined: usize,
    /// Whether there is nothing in the text behind it, but perhaps a wrap.
    reaches_end: bool,
}

/// Appends to `joined` what is around the wraps of a chain, and says where it comes from.
fn join(text: &[u8], chain: &[Wrap], joined: &mut Buffer) -> Vec<Piece> {
    let mut pieces = Vec::with_capacity(chain.len() + 1);
    let mut start = chain.first().map_or(0, |wrap| wrap.start.saturating_sub(REACH));
    let behind = chain.last().map_or(0, |wrap| wrap.end);
    let ends = chain.iter().map(|wrap| (wrap.start, wrap.end));
    for (end, next) in ends.chain([((behind + REACH).min(text.len()), text.len())]) {
        pieces.push(Piece { start, joined: joined.len(), reaches_end: end == text.len() });
        joined.extend(&text[start..end]);
        start = next;
    }
    pieces
}

/// Where a byte of the joined text stands in the text.
fn place(pieces: &[Piece], at: usize) -> usize {
    let piece = &pieces[pieces.partition_point(|piece| piece.joined <= at).saturating_sub(1)];
    piece.start + (at - piece.joined)
}

/// Adds a span whose end is not before those of the others; what it overlaps becomes part of it.
fn add(spans: &mut Vec<Span>, (mut start, end): Span) {
    while let Some(&(before, _)) = spans.last().filter(|(_, end)| *end > start) {
        start = start.min(before);
        spans.pop();
    }
    spans.push((start, end));
}

/// Tells of the forms in `text`, in the order of their ends: of those with one end, the longest. Returns where the
/// first could start that goes on beyond the text.
fn walk(index: &Index, automaton: &mut Automaton, text: &[u8], mut tell: impl FnMut(Span)) -> usize {
    // What ends up to here has been told: a walk may begin within what the one before it has read.
    let mut told = 0;
    let mut from = 0;
    while let Some(first) = candidate(index, text, from) {
        let (mut start, mut at, mut node) = (first, first, ROOT);
        from = loop {
            let Some(&byte) = text.get(at) else {
                let seen = automaton.seen(node);
                return at - seen.open.max(seen.shared);
            };
            node = automaton.step(index, node, byte);
            at += 1;
            let seen = automaton.seen(node);
            let is_new = at > told;
            told = told.max(at);
            if is_new && seen.longest > 0 {
                tell((at - seen.longest, at));
            }
            if is_new && seen.shared > 0 && text.get(at).is_some_and(|&byte| is_base64(byte)) {
                tell((at - seen.shared, at + 1));
            }
            if at - seen.depth > start {
                // The form that was followed does not go on. Where little is left of it, the filter is faster.
                start = at - seen.depth;
                if start == at {
                    break at;
                }
                if seen.depth < GRAM && !index.filter.passes(&text[start..]) {
                    break start + 1;
                }
            }
        };
    }
    text.len()
}

/// The next position from `from` on that is worth a look.
fn candidate(index: &Index, text: &[u8], from: usize) -> Option<usize> {
    index.filter.next(text, from, text.len()).or_else(|| {
        let from = from.max((text.len() + 1).saturating_sub(GRAM));
        (from..text.len()).find(|&start| index.filter.passes(&text[start..]))
    })
}
