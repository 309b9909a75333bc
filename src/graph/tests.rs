//! What holds of every picture, whatever the line.

use std::collections::HashSet;

use super::layout::{Layout, height, lay_out};
use super::order::Columns;
use super::ranks::{arrows, ranks};
use super::{BuildBadge, Edge, Graph, Node, Outcome, Shape, page, picture};

fn node(name: &str, shape: Shape) -> Node {
    Node {
        name: name.to_owned(),
        shape,
        kind: "params".to_owned(),
        integration: None,
        place: None,
        steps: Vec::new(),
        builds: Vec::new(),
    }
}

fn graph(nodes: usize, edges: &[(usize, usize)]) -> Graph {
    let shape = |index: usize| if index.is_multiple_of(2) { Shape::Job } else { Shape::Resource };
    let edges: HashSet<_> = edges.iter().copied().collect();
    let mut edges: Vec<_> = edges.into_iter().collect();
    edges.sort_unstable();
    Graph {
        title: "line".to_owned(),
        created: "2026-02-28T13:59:07Z".to_owned(),
        nodes: (0..nodes).map(|index| node(&format!("node {index}"), shape(index))).collect(),
        edges: edges.into_iter().map(|(from, to)| Edge { from, to, switched_off: false }).collect(),
    }
}

/// A graph that looks like chance, and is the same every time.
fn by_chance(seed: u64, nodes: usize, edges: usize) -> Graph {
    let mut state = seed;
    let mut below = |limit: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % limit
    };
    let edges: Vec<_> = (0..edges).map(|_| (below(nodes), below(nodes))).collect();
    graph(nodes, &edges)
}

/// The left, upper, right and lower side of a node's box.
fn sides(graph: &Graph, layout: &Layout, index: usize) -> (f64, f64, f64, f64) {
    let (x, y) = layout.corners[index];
    (x, y, x + layout.box_width, y + height(graph.nodes[index].shape))
}

fn check(graph: &Graph) {
    let layout = lay_out(graph);
    let boxes: Vec<_> = (0..graph.nodes.len()).map(|index| sides(graph, &layout, index)).collect();
    for (index, one) in boxes.iter().enumerate() {
        assert!(one.0 >= 0.0 && one.1 >= -0.01 && one.2 <= layout.size.0 && one.3 <= layout.size.1 + 0.01);
        for other in &boxes[..index] {
            let apart = one.0 >= other.2 || other.0 >= one.2 || one.1 >= other.3 || other.1 >= one.3;
            assert!(apart, "{one:?} lies upon {other:?}");
        }
    }
    for (edge, (points, backward)) in graph.edges.iter().zip(&layout.ways) {
        if edge.from == edge.to {
            assert!(points.is_empty());
            continue;
        }
        let (left, right) = if *backward { (edge.to, edge.from) } else { (edge.from, edge.to) };
        assert_eq!(points[0].0, boxes[left].2);
        assert_eq!(points[points.len() - 1].0, boxes[right].0);
        assert!(points.windows(2).all(|pair| pair[0].0 < pair[1].0), "{points:?} goes back");
        // Between columns there are no boxes; in a column it passes above or below them.
        for (x, y) in &points[1..points.len() - 1] {
            let hits =
                |side: &&(f64, f64, f64, f64)| side.0 <= *x && *x <= side.2 && side.1 <= *y && *y <= side.3;
            assert_eq!(boxes.iter().find(hits), None, "{points:?}");
        }
    }
}

#[test]
fn boxes_are_apart_and_edges_keep_clear_of_them() {
    check(&graph(0, &[]));
    check(&graph(1, &[]));
    check(&graph(1, &[(0, 0)]));
    check(&graph(3, &[(0, 1), (1, 2), (2, 0)]));
    for seed in 0..60 {
        let nodes = 2 + seed as usize;
        check(&by_chance(seed, nodes, nodes));
        check(&by_chance(seed, nodes, 3 * nodes));
    }
}

#[test]
fn only_circles_point_to_the_left() {
    let turned = |edges: &[(usize, usize)]| {
        let graph = graph(6, edges);
        arrows(&graph)
            .iter()
            .filter(|arrow| arrow.backward)
            .map(|arrow| graph.edges[arrow.edge])
            .collect::<Vec<_>>()
    };
    assert_eq!(turned(&[(0, 1), (1, 2), (0, 2), (3, 1), (3, 3)]), []);
    assert_eq!(turned(&[(0, 2), (2, 4), (4, 2)]), [Edge { from: 4, to: 2, switched_off: false }]);
    // 0 takes the resource 1 and makes its next version, which 2 takes.
    assert_eq!(turned(&[(1, 0), (0, 1), (1, 2)]), [Edge { from: 1, to: 0, switched_off: false }]);
}

#[test]
fn what_nothing_goes_in_to_stands_beside_who_takes_it() {
    let graph = graph(5, &[(0, 2), (2, 4), (1, 4)]);
    assert_eq!(ranks(5, &arrows(&graph)), [0, 1, 1, 0, 2]);
}

#[test]
fn edges_that_need_not_cross_do_not() {
    // A ladder, its rungs declared from both ends.
    let edges: Vec<_> = (0..10).flat_map(|i| [(i, 19 - i), (19 - i, 20 + i)]).collect();
    let graph = graph(30, &edges);
    let arrows = arrows(&graph);
    let mut columns = Columns::new(&ranks(30, &arrows), &arrows);
    columns.untangle();
    assert_eq!(columns.crossings(), 0);
}

#[test]
fn very_large_lines_are_drawn_all_the_same() {
    // Each takes the first one too: in full, this would be half a million bends.
    let chain: Vec<_> = (1..1000).flat_map(|i| [(i - 1, i), (0, i)]).collect();
    let svg = picture(&graph(1000, &chain));
    assert_eq!(svg.matches("class=\"node ").count(), 1000);
    assert!(svg.len() < 2_000_000);
}

#[test]
fn the_same_line_is_the_same_picture() {
    let graph = by_chance(7, 40, 90);
    assert_eq!(picture(&graph), picture(&graph));
    assert_eq!(page(&graph), page(&graph));
}

/// A line whose every text tries to get out of its place.
fn hostile() -> Graph {
    let text = "</script><!--<b onload='x'>\"&\u{7}\u{ffff}";
    let mut job = node(text, Shape::Job);
    let text = text.to_owned();
    job.kind = text.clone();
    job.place = Some(text.clone());
    job.steps = vec![text.clone()];
    job.builds = vec![BuildBadge {
        number: 3,
        outcome: Outcome::Failure,
        started: text.clone(),
        age: text.clone(),
        took: text.clone(),
    }];
    let mut resource = node(&text, Shape::Resource);
    resource.kind = text.clone();
    resource.integration = Some(text.clone());
    let edges = [(0, 1), (1, 2), (2, 2)].map(|(from, to)| Edge { from, to, switched_off: true });
    let nodes = vec![resource, job, node(&text, Shape::Elsewhere)];
    Graph { title: text.clone(), created: text, nodes, edges: edges.to_vec() }
}

#[test]
fn no_text_gets_out_of_its_place() {
    let svg = picture(&hostile());
    let document = roxmltree::Document::parse(&svg).unwrap();
    assert!(document.descendants().all(|node| !node.has_tag_name("b") && !node.has_tag_name("script")));
    assert_eq!(document.descendants().filter(|node| node.has_tag_name("use")).count(), 3);

    let page = page(&hostile());
    assert_eq!(page.matches("<script").count(), 2);
    assert_eq!(page.matches("</script").count(), 2);
    assert!(!page.contains("<b ") && !page.contains("<!--"));
    let json = page.split_once("id=\"line\">").unwrap().1.split_once("</script>").unwrap().0;
    let line: serde_json::Value = serde_json::from_str(json).unwrap();
    assert_eq!(line["nodes"][1]["steps"][0], hostile().nodes[1].steps[0]);
}

#[test]
fn a_page_allows_its_own_script_and_styles_alone() {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    use sha2::{Digest as _, Sha256};
    let page = page(&hostile());
    let element = |start: &str, end: &str| page.rsplit_once(start).unwrap().1.split_once(end).unwrap().0;
    for content in [element("<script>", "</script>"), element("<style>", "</style>")] {
        assert!(page.contains(&BASE64_STANDARD.encode(Sha256::digest(content))));
    }
    // Names of formats are no addresses to be asked.
    let page = page.replace("http://www.w3.org/2000/svg", "");
    assert!(!page.contains("style=\"") && !page.contains("://"));
}

#[test]
fn colour_is_never_the_only_sign() {
    for outcome in Outcome::ALL {
        let mut job = node("job", Shape::Job);
        job.builds.push(BuildBadge {
            number: 12,
            outcome,
            started: "2026-02-28T13:59:07Z".to_owned(),
            age: "3 hours".to_owned(),
            took: String::new(),
        });
        let svg = picture(&Graph { nodes: vec![job], ..Graph::default() });
        let said = format!("build #12 {}, begun 2026-02-28T13:59:07Z (3 hours before", outcome.word());
        assert!(svg.contains(&said), "{svg}");
        assert_eq!(svg.matches(super::icons::mark(Some(outcome))).count(), 2, "on the box and in the legend");
    }
}
