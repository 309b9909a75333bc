//! Who stands above whom in each column, so that few edges cross.
//!
//! An edge over several columns passes each column in between at a bend of its own, so that it can be kept clear of the
//! boxes there. All edges from one node share their bends: they run together and part where they must.

use super::ranks::Arrow;

/// How many bends all edges may pass together. What would need more is drawn straight on: it could not be read anyway.
const MAX_PASSED: usize = 300_000;

/// A node or a bend.
#[derive(Clone, Debug)]
pub(super) struct Vertex {
    /// The node's index; `None` for a bend.
    pub node: Option<usize>,
    /// Its column.
    pub rank: usize,
    /// Its neighbours in the column to the left.
    pub left: Vec<usize>,
    /// Its neighbours in the column to the right.
    pub right: Vec<usize>,
}

/// The nodes of one connected part, in columns.
pub(super) struct Columns {
    /// All nodes and bends.
    pub vertices: Vec<Vertex>,
    /// Indices of vertices by column, from the top.
    pub columns: Vec<Vec<usize>>,
    /// For each arrow the vertices that it passes, from its left end to its right end.
    pub ways: Vec<Vec<usize>>,
}

impl Columns {
    /// Puts nodes, whose ranks begin with 0, into columns. Ends of `arrows` are indices into `nodes`.
    pub fn new(ranks: &[usize], arrows: &[Arrow]) -> Columns {
        let mut vertices: Vec<Vertex> = (ranks.iter().enumerate())
            .map(|(node, &rank)| Vertex { node: Some(node), rank, left: Vec::new(), right: Vec::new() })
            .collect();
        let trunks = make_bends(ranks, arrows, &mut vertices);
        let mut ways = Vec::with_capacity(arrows.len());
        for arrow in arrows {
            let between = ranks[arrow.right] - ranks[arrow.left] - 1;
            let trunk = &trunks[trunk_of(arrow)];
            let mut way = vec![arrow.left];
            if trunk.len() >= between {
                way.extend(&trunk[..between]);
            }
            way.push(arrow.right);
            for pair in way.windows(2) {
                // Long ways share their first parts; and one drawn straight on passes none.
                if vertices[pair[1]].rank == vertices[pair[0]].rank + 1
                    && !vertices[pair[0]].right.contains(&pair[1])
                {
                    vertices[pair[0]].right.push(pair[1]);
                    vertices[pair[1]].left.push(pair[0]);
                }
            }
            ways.push(way);
        }
        let mut columns = vec![Vec::new(); ranks.iter().max().map_or(0, |last| last + 1)];
        for vertex in walk(&vertices) {
            columns[vertices[vertex].rank].push(vertex);
        }
        Columns { vertices, columns, ways }
    }

    /// Sweeps to and fro, each column by the middle of its neighbours, and keeps the best order seen.
    pub fn untangle(&mut self) {
        let sweeps = if self.vertices.len() > 5_000 { 4 } else { 24 };
        let mut best = (self.crossings(), self.columns.clone());
        for sweep in 0..sweeps {
            if best.0 == 0 {
                break;
            }
            let mut position = self.positions();
            let count = self.columns.len();
            for step in 0..count {
                let rightward = sweep % 2 == 0;
                let column = if rightward { step } else { count - 1 - step };
                self.sort_column(column, rightward, &mut position);
            }
            let crossings = self.crossings();
            if crossings < best.0 {
                best = (crossings, self.columns.clone());
            }
        }
        self.columns = best.1;
    }

    /// Sorts a column by the mean position of neighbours on one side. Who has none there stays where it is.
    fn sort_column(&mut self, column: usize, by_left: bool, position: &mut [usize]) {
        let column = &mut self.columns[column];
        let mut keyed: Vec<(f64, usize)> = (column.iter())
            .map(|&vertex| {
                let vertex_ = &self.vertices[vertex];
                let near = if by_left { &vertex_.left } else { &vertex_.right };
                let sum: usize = near.iter().map(|&other| position[other]).sum();
                let mean =
                    if near.is_empty() { position[vertex] as f64 } else { sum as f64 / near.len() as f64 };
                (mean, vertex)
            })
            .collect();
        keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (index, (_, vertex)) in keyed.into_iter().enumerate() {
            column[index] = vertex;
            position[vertex] = index;
        }
    }

    /// The position of each vertex in its column.
    fn positions(&self) -> Vec<usize> {
        let mut position = vec![0; self.vertices.len()];
        for column in &self.columns {
            for (index, &vertex) in column.iter().enumerate() {
                position[vertex] = index;
            }
        }
        position
    }

    /// How many pairs of edges cross.
    pub fn crossings(&self) -> usize {
        let position = self.positions();
        let between = |columns: &[Vec<usize>]| {
            let mut above = Counts::new(columns[1].len());
            let mut crossings = 0;
            for &vertex in &columns[0] {
                let right = &self.vertices[vertex].right;
                crossings += right.iter().map(|&other| above.beyond(position[other])).sum::<usize>();
                right.iter().for_each(|&other| above.add(position[other]));
            }
            crossings
        };
        self.columns.windows(2).map(between).sum()
    }
}

/// Which of the trunks an arrow follows: those that point to the left have their own.
fn trunk_of(arrow: &Arrow) -> usize {
    2 * arrow.left + usize::from(arrow.backward)
}

/// Makes the bends that the arrows need; where they would be too many, the longest go without.
fn make_bends(ranks: &[usize], arrows: &[Arrow], vertices: &mut Vec<Vertex>) -> Vec<Vec<usize>> {
    let mut lengths = vec![0; 2 * ranks.len()];
    let mut passed = lengths.clone();
    for arrow in arrows {
        let (trunk, length) = (trunk_of(arrow), ranks[arrow.right] - ranks[arrow.left] - 1);
        lengths[trunk] = lengths[trunk].max(length);
        passed[trunk] += length;
    }
    let mut least_first: Vec<usize> = (0..lengths.len()).collect();
    least_first.sort_by_key(|&trunk| passed[trunk]);
    let mut trunks = vec![Vec::new(); lengths.len()];
    let mut left = MAX_PASSED;
    for trunk in least_first {
        let Some(rest) = left.checked_sub(passed[trunk]) else { break };
        left = rest;
        for step in 1..=lengths[trunk] {
            trunks[trunk].push(vertices.len());
            let rank = ranks[trunk / 2] + step;
            vertices.push(Vertex { node: None, rank, left: Vec::new(), right: Vec::new() });
        }
    }
    trunks
}

/// All vertices, neighbours near each other: the order to begin with.
fn walk(vertices: &[Vertex]) -> Vec<usize> {
    let mut starts: Vec<usize> = (0..vertices.len()).collect();
    starts.sort_by_key(|&vertex| vertices[vertex].rank);
    let mut seen = vec![false; vertices.len()];
    let mut order = Vec::with_capacity(vertices.len());
    for start in starts {
        let mut open = vec![start];
        while let Some(vertex) = open.pop() {
            if std::mem::replace(&mut seen[vertex], true) {
                continue;
            }
            order.push(vertex);
            let Vertex { left, right, .. } = &vertices[vertex];
            open.extend(left.iter().rev().chain(right.iter().rev()).filter(|&&other| !seen[other]));
        }
    }
    order
}

/// Counts of positions, with their sums at hand (a Fenwick tree).
struct Counts {
    sums: Vec<usize>,
    total: usize,
}

impl Counts {
    fn new(positions: usize) -> Counts {
        Counts { sums: vec![0; positions + 1], total: 0 }
    }

    fn add(&mut self, position: usize) {
        let mut index = position + 1;
        while index < self.sums.len() {
            self.sums[index] += 1;
            index += index & index.wrapping_neg();
        }
        self.total += 1;
    }

    /// How many were counted at positions after this one.
    fn beyond(&self, position: usize) -> usize {
        let (mut index, mut up_to) = (position + 1, 0);
        while index > 0 {
            up_to += self.sums[index];
            index -= index & index.wrapping_neg();
        }
        self.total - up_to
    }
}
