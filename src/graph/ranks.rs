//! The column of each node: further right than all that goes in to it.

use super::{Graph, Shape};

/// An edge that points to the right.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrow {
    /// Index of the edge in the graph.
    pub edge: usize,
    /// The node on the left.
    pub left: usize,
    /// The node on the right.
    pub right: usize,
    /// The edge itself points to the left: it would close a circle.
    pub backward: bool,
}

/// All edges but those from a node to itself, turned so that they make no circle.
pub(super) fn arrows(graph: &Graph) -> Vec<Arrow> {
    let mut arrows: Vec<Arrow> = (graph.edges.iter().enumerate())
        .filter(|(_, edge)| edge.from != edge.to)
        .map(|(index, edge)| Arrow { edge: index, left: edge.from, right: edge.to, backward: false })
        .collect();
    turn_what_is_updated(graph, &mut arrows);
    turn_back_edges(graph.nodes.len(), &mut arrows);
    arrows
}

/// A job that takes a resource and makes its next version stands before it: those who read the resource come later.
fn turn_what_is_updated(graph: &Graph, arrows: &mut [Arrow]) {
    let pairs: std::collections::HashSet<(usize, usize)> =
        arrows.iter().map(|arrow| (arrow.left, arrow.right)).collect();
    let is_job = |node: usize| graph.nodes[node].shape == Shape::Job;
    for arrow in arrows {
        if !is_job(arrow.left) && is_job(arrow.right) && pairs.contains(&(arrow.right, arrow.left)) {
            arrow.turn();
        }
    }
}

/// Turns the arrows that lead back to a node on the way to themselves.
fn turn_back_edges(nodes: usize, arrows: &mut [Arrow]) {
    #[derive(Clone, Copy, PartialEq)]
    enum Visit {
        No,
        Under,
        Done,
    }
    let leaving = leaving(nodes, arrows);
    let mut entered = vec![false; nodes];
    for arrow in arrows.iter() {
        entered[arrow.right] = true;
    }
    let mut visits = vec![Visit::No; nodes];
    // From where nothing goes in, so that as few as possible have to turn.
    let starts = (0..nodes).filter(|node| !entered[*node]).chain((0..nodes).filter(|node| entered[*node]));
    for start in starts {
        if visits[start] != Visit::No {
            continue;
        }
        visits[start] = Visit::Under;
        let mut way = vec![(start, 0)];
        while let Some((node, next)) = way.last_mut() {
            let Some(&index) = leaving[*node].get(*next) else {
                visits[*node] = Visit::Done;
                way.pop();
                continue;
            };
            *next += 1;
            let to = arrows[index].right;
            match visits[to] {
                Visit::No => {
                    visits[to] = Visit::Under;
                    way.push((to, 0));
                }
                Visit::Under => arrows[index].turn(),
                Visit::Done => {}
            }
        }
    }
}

impl Arrow {
    fn turn(&mut self) {
        std::mem::swap(&mut self.left, &mut self.right);
        self.backward = !self.backward;
    }
}

/// The arrows that leave each node, by index.
fn leaving(nodes: usize, arrows: &[Arrow]) -> Vec<Vec<usize>> {
    let mut leaving = vec![Vec::new(); nodes];
    for (index, arrow) in arrows.iter().enumerate() {
        leaving[arrow.left].push(index);
    }
    leaving
}

/// The column of each node, from 0: as far left as possible, but what nothing goes in to stands beside who takes it.
pub(super) fn ranks(nodes: usize, arrows: &[Arrow]) -> Vec<usize> {
    let leaving = leaving(nodes, arrows);
    let mut missing = vec![0usize; nodes];
    for arrow in arrows {
        missing[arrow.right] += 1;
    }
    let sources: Vec<usize> = (0..nodes).filter(|node| missing[*node] == 0).collect();
    let mut ranks = vec![0; nodes];
    let mut ready = sources.clone();
    while let Some(node) = ready.pop() {
        for &index in &leaving[node] {
            let to = arrows[index].right;
            ranks[to] = ranks[to].max(ranks[node] + 1);
            missing[to] -= 1;
            if missing[to] == 0 {
                ready.push(to);
            }
        }
    }
    for node in sources {
        let nearest = leaving[node].iter().map(|&index| ranks[arrows[index].right]).min();
        ranks[node] = nearest.map_or(0, |rank| rank - 1);
    }
    ranks
}
