//! The place of every node and the way of every edge, in pixels.
//!
//! Connected parts are laid out one by one and then put side by side, large ones first, like words into lines.

use super::order::{Columns, Vertex};
use super::ranks::{Arrow, arrows, ranks};
use super::text::{BOLD, NAME, width};
use super::{Graph, Shape};

/// A job's height, in pixels.
const JOB: f64 = 52.0;
/// A resource's height.
const RESOURCE: f64 = 40.0;
/// What is free between two boxes of a column.
const BETWEEN: f64 = 20.0;
/// The height of a bend, and what is free beside it.
const BEND: f64 = 2.0;
const BESIDE_BEND: f64 = 12.0;
/// What is free between connected parts.
const APART: f64 = 40.0;
/// The narrowest and the widest box.
const WIDTHS: (f64, f64) = (140.0, 260.0);
/// What a box needs beside its name.
pub(super) const AROUND_NAME: f64 = 72.0;

/// A point of the picture: from the left, from the top.
pub(super) type Point = (f64, f64);

/// Where all is drawn.
pub(super) struct Layout {
    /// The upper left corner of each node.
    pub corners: Vec<Point>,
    /// The width of all boxes.
    pub box_width: f64,
    /// For each edge the points where it passes the sides of columns, from its left end to its right end, and whether
    /// it points to the left. An edge from a node to itself has none.
    pub ways: Vec<(Vec<Point>, bool)>,
    /// How large all of it is.
    pub size: Point,
}

/// A node's height.
pub(super) fn height(shape: Shape) -> f64 {
    if shape == Shape::Job { JOB } else { RESOURCE }
}

/// Lays out a graph.
pub(super) fn lay_out(graph: &Graph) -> Layout {
    let names = graph.nodes.iter().map(|node| width(&node.name, NAME) * BOLD + AROUND_NAME);
    let box_width = names.fold(WIDTHS.0, f64::max).min(WIDTHS.1).ceil();
    let arrows = arrows(graph);
    let ranks = ranks(graph.nodes.len(), &arrows);
    let mut layout = Layout {
        corners: vec![(0.0, 0.0); graph.nodes.len()],
        box_width,
        ways: vec![(Vec::new(), false); graph.edges.len()],
        size: (0.0, 0.0),
    };
    let mut parts: Vec<Part> = connected(graph.nodes.len(), &arrows, &ranks);
    let sizes: Vec<Point> = parts.iter_mut().map(|part| part.lay_out(graph, &mut layout)).collect();
    layout.put_into_lines(&parts, &sizes);
    if graph.nodes.is_empty() {
        // A sentence stands there instead.
        layout.size = (WIDTHS.1, RESOURCE);
    }
    layout
}

/// Nodes that are connected with each other and nothing else.
struct Part {
    /// Indices into the nodes of the graph.
    nodes: Vec<usize>,
    /// Their columns, from 0.
    ranks: Vec<usize>,
    /// Their arrows; the ends are indices into `nodes`.
    arrows: Vec<Arrow>,
}

/// The connected parts of a graph.
fn connected(nodes: usize, arrows: &[Arrow], ranks: &[usize]) -> Vec<Part> {
    let mut near = vec![Vec::new(); nodes];
    for arrow in arrows {
        near[arrow.left].push(arrow.right);
        near[arrow.right].push(arrow.left);
    }
    let mut parts: Vec<Part> = Vec::new();
    let mut part_of = vec![None; nodes];
    for start in 0..nodes {
        if part_of[start].is_some() {
            continue;
        }
        let mut members = Vec::new();
        let mut open = vec![start];
        while let Some(node) = open.pop() {
            if part_of[node].replace(parts.len()).is_none() {
                members.push(node);
                open.extend(&near[node]);
            }
        }
        members.sort_unstable();
        let first = members.iter().map(|&node| ranks[node]).min().unwrap_or(0);
        let ranks = members.iter().map(|&node| ranks[node] - first).collect();
        parts.push(Part { nodes: members, ranks, arrows: Vec::new() });
    }
    let mut index = vec![0; nodes];
    for part in &parts {
        for (within, &node) in part.nodes.iter().enumerate() {
            index[node] = within;
        }
    }
    for arrow in arrows {
        let part = part_of[arrow.left].unwrap_or(0);
        parts[part].arrows.push(Arrow { left: index[arrow.left], right: index[arrow.right], ..*arrow });
    }
    parts
}

impl Part {
    /// Lays out this part as if it were alone, and says how large it is.
    fn lay_out(&mut self, graph: &Graph, layout: &mut Layout) -> Point {
        let mut columns = Columns::new(&self.ranks, &self.arrows);
        columns.untangle();
        let tall = |vertex: usize| {
            columns.vertices[vertex].node.map_or(BEND, |node| height(graph.nodes[self.nodes[node]].shape))
        };
        let heights: Vec<f64> = (0..columns.vertices.len()).map(tall).collect();
        let middles = middles(&columns, &heights);
        let lefts = lefts(&columns, &middles, layout.box_width);
        for (within, &node) in self.nodes.iter().enumerate() {
            layout.corners[node] = (lefts[self.ranks[within]], middles[within] - heights[within] / 2.0);
        }
        for (arrow, way) in self.arrows.iter().zip(&columns.ways) {
            let sides = way.iter().flat_map(|&vertex| {
                let left = lefts[columns.vertices[vertex].rank];
                [(left, middles[vertex]), (left + layout.box_width, middles[vertex])]
            });
            let sides: Vec<Point> = sides.collect();
            layout.ways[arrow.edge] = (sides[1..sides.len() - 1].to_vec(), arrow.backward);
        }
        let bottom = middles.iter().zip(&heights).map(|(middle, height)| middle + height / 2.0);
        (lefts.last().map_or(0.0, |left| left + layout.box_width), bottom.fold(0.0, f64::max))
    }
}

/// The left side of each column. Where edges climb far, there is more room for them.
fn lefts(columns: &Columns, middles: &[f64], box_width: f64) -> Vec<f64> {
    let mut left = 0.0;
    let mut lefts = Vec::with_capacity(columns.columns.len());
    for column in &columns.columns {
        lefts.push(left);
        let climb = |&vertex: &usize| {
            let right = columns.vertices[vertex].right.iter();
            right.map(|&other| (middles[other] - middles[vertex]).abs()).fold(0.0, f64::max)
        };
        let climb = column.iter().map(climb).fold(0.0, f64::max);
        left += box_width + (40.0 + climb / 5.0).clamp(56.0, 150.0);
    }
    lefts
}

/// How far down the middle of each vertex is: each near its neighbours, none too near those of its column.
fn middles(columns: &Columns, heights: &[f64]) -> Vec<f64> {
    let mut middles = vec![0.0; heights.len()];
    // How far a vertex has to stay below the first of its column.
    let offsets: Vec<Vec<f64>> =
        columns.columns.iter().map(|column| offsets(columns, heights, column)).collect();
    for (column, offsets) in columns.columns.iter().zip(&offsets) {
        column.iter().zip(offsets).for_each(|(&vertex, &offset)| middles[vertex] = offset);
    }
    let count = columns.columns.len();
    let sides = [Side::Left, Side::Right];
    let sweeps = sides.into_iter().cycle().take(12).chain([Side::Both; 4]);
    for (sweep, side) in sweeps.enumerate() {
        for step in 0..count {
            let index = if sweep % 2 == 0 { step } else { count - 1 - step };
            settle(columns, index, &offsets[index], side, &mut middles);
        }
    }
    straighten(columns, &offsets, &mut middles);
    let top =
        middles.iter().zip(heights).map(|(middle, height)| middle - height / 2.0).fold(f64::MAX, f64::min);
    middles.iter_mut().for_each(|middle| *middle -= top);
    middles
}

/// Takes out small steps, which look like mistakes: who is nearly level with a neighbour becomes so, if there is room.
fn straighten(columns: &Columns, offsets: &[Vec<f64>], middles: &mut [f64]) {
    const SMALL: f64 = 9.0;
    for (column, offsets) in columns.columns.iter().zip(offsets).skip(1) {
        for index in 0..column.len() {
            let vertex = column[index];
            let step = |&other: &usize| middles[other] - middles[vertex];
            let steps = columns.vertices[vertex].left.iter().map(step).filter(|step| step.abs() < SMALL);
            let Some(step) = steps.min_by(|a, b| a.abs().total_cmp(&b.abs())) else { continue };
            let free = |upper: usize, lower: usize| {
                let needed = offsets[lower] - offsets[upper];
                middles[column[lower]] - middles[column[upper]] - needed
            };
            let room = if step < 0.0 {
                if index == 0 { f64::MAX } else { free(index - 1, index) }
            } else if index + 1 == column.len() {
                f64::MAX
            } else {
                free(index, index + 1)
            };
            if step.abs() <= room {
                middles[vertex] += step;
            }
        }
    }
}

/// Which neighbours draw.
#[derive(Clone, Copy)]
enum Side {
    Left,
    Right,
    Both,
}

/// How far below the first vertex of its column each has to be, from middle to middle.
fn offsets(columns: &Columns, heights: &[f64], column: &[usize]) -> Vec<f64> {
    let mut offset = 0.0;
    let mut above: Option<usize> = None;
    let mut offsets = Vec::with_capacity(column.len());
    for &vertex in column {
        if let Some(above) = above {
            let bend = [above, vertex].iter().any(|&vertex| columns.vertices[vertex].node.is_none());
            let free = if bend { BESIDE_BEND } else { BETWEEN };
            offset += f64::midpoint(heights[above], heights[vertex]) + free;
        }
        offsets.push(offset);
        above = Some(vertex);
    }
    offsets
}

/// Moves the vertices of a column to where their neighbours want them, as near as their order and size allow: those that
/// would overlap make a block, which moves as one (the pool-adjacent-violators algorithm).
fn settle(columns: &Columns, column: usize, offsets: &[f64], side: Side, middles: &mut [f64]) {
    struct Block {
        sum: f64,
        weight: f64,
        len: usize,
    }
    let column = &columns.columns[column];
    let mut blocks: Vec<Block> = Vec::new();
    for (&vertex, offset) in column.iter().zip(offsets) {
        let (wanted, weight) = wanted(&columns.vertices, vertex, side, middles);
        let mut block = Block { sum: (wanted - offset) * weight, weight, len: 1 };
        while let Some(last) = blocks.pop_if(|last| last.sum * block.weight >= block.sum * last.weight) {
            block.sum += last.sum;
            block.weight += last.weight;
            block.len += last.len;
        }
        blocks.push(block);
    }
    let mut rest = column.iter().zip(offsets);
    for block in blocks {
        for (&vertex, offset) in rest.by_ref().take(block.len) {
            middles[vertex] = block.sum / block.weight + offset;
        }
    }
}

/// Where the neighbours of a vertex want it, the median of them, and how much. Between bends the pull is strong, so that
/// long edges are straight.
fn wanted(vertices: &[Vertex], vertex: usize, side: Side, middles: &[f64]) -> (f64, f64) {
    let Vertex { left, right, node, .. } = &vertices[vertex];
    let (left, right) = match side {
        Side::Left => (&left[..], &[][..]),
        Side::Right => (&[][..], &right[..]),
        Side::Both => (&left[..], &right[..]),
    };
    let pull = |other: usize| match (node, vertices[other].node) {
        (None, None) => 8.0,
        (None, _) | (_, None) => 2.0,
        _ => 1.0,
    };
    let mut near: Vec<(f64, f64)> =
        left.iter().chain(right).map(|&other| (middles[other], pull(other))).collect();
    if near.is_empty() {
        return (middles[vertex], 0.1);
    }
    near.sort_by(|a, b| a.0.total_cmp(&b.0));
    let weight: f64 = near.iter().map(|(_, pull)| pull).sum();
    let mut below = 0.0;
    for (index, (middle, pull)) in near.iter().enumerate() {
        below += pull;
        if below * 2.0 == weight {
            return (f64::midpoint(*middle, near[index + 1].0), weight);
        }
        if below * 2.0 > weight {
            return (*middle, weight);
        }
    }
    (near[0].0, weight)
}

impl Layout {
    /// Moves each part to its place: large ones first, in lines that make the whole a little wider than high.
    fn put_into_lines(&mut self, parts: &[Part], sizes: &[Point]) {
        let area = |part: usize| (sizes[part].0 + APART) * (sizes[part].1 + APART);
        let mut order: Vec<usize> = (0..parts.len()).collect();
        order.sort_by(|&a, &b| area(b).total_cmp(&area(a)));
        let whole: f64 = order.iter().map(|&part| area(part)).sum();
        let widest = sizes.iter().map(|size| size.0).fold((whole * 1.7).sqrt(), f64::max);
        let (mut x, mut y, mut line) = (0.0, 0.0, 0.0_f64);
        for part in order {
            let (width, height) = sizes[part];
            if x > 0.0 && x + width > widest {
                (x, y, line) = (0.0, y + line + if line > 2.0 * JOB { APART } else { BETWEEN }, 0.0);
            }
            self.shift(&parts[part], (x, y));
            self.size = (self.size.0.max(x + width), self.size.1.max(y + height));
            line = line.max(height);
            x += width + APART;
        }
    }

    fn shift(&mut self, part: &Part, by: Point) {
        let shift = |point: &mut Point| *point = (point.0 + by.0, point.1 + by.1);
        part.nodes.iter().for_each(|&node| shift(&mut self.corners[node]));
        for arrow in &part.arrows {
            self.ways[arrow.edge].0.iter_mut().for_each(shift);
        }
    }
}
