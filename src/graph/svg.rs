//! The drawing.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::icons::{icon, mark};
use super::layout::{AROUND_NAME, Layout, Point, height, lay_out};
use super::text::{BOLD, DETAIL, NAME, px, shortened, width};
use super::{Graph, Node, Outcome, Shape};
use crate::printable::xml;

/// How it looks, on a light and on a dark background.
pub(super) const STYLE: &str = include_str!("drawing.css");

/// What is free around all of it, in pixels.
const MARGIN: f64 = 28.0;
/// The narrowest picture: the legend must have room.
const NARROWEST: f64 = 420.0;
/// The height of a line of the legend.
const LEGEND: f64 = 24.0;
/// How long the head of an arrow is.
const HEAD: f64 = 8.0;

/// An SVG file of its own: it needs nothing else, and says in words what colours say.
pub fn picture(graph: &Graph) -> String {
    let layout = lay_out(graph);
    let inner = layout.size.0.max(NARROWEST);
    let (legend, legend_height) = legend(graph, inner);
    let size = (inner + 2.0 * MARGIN, layout.size.1 + legend_height + 3.0 * MARGIN);
    let mut svg = open(size, "role=\"img\" aria-labelledby=\"what how\"");
    let _ = write!(
        svg,
        "<title id=\"what\">Assembly line</title>\n<desc id=\"how\">{}</desc>\n<style>\n{STYLE}</style>\n\
         <rect class=\"ground\" width=\"100%\" height=\"100%\"/>\n",
        summary(graph)
    );
    svg += &drawing(graph, &layout, false);
    let _ = write!(
        svg,
        "<g transform=\"translate({} {})\">\n{legend}</g>\n</svg>\n",
        px(MARGIN),
        px(layout.size.1 + 2.0 * MARGIN)
    );
    svg
}

/// The drawing alone, as a part of a page: its nodes can be reached with the keyboard.
pub(super) fn for_page(graph: &Graph) -> String {
    let layout = lay_out(graph);
    let size = (layout.size.0 + 2.0 * MARGIN, layout.size.1 + 2.0 * MARGIN);
    let more = format!("id=\"graph\" role=\"group\" aria-label=\"{}\"", summary(graph));
    open(size, &more) + &drawing(graph, &layout, true) + "</svg>\n"
}

/// The legend alone, as a part of a page.
pub(super) fn legend_for_page(graph: &Graph) -> String {
    let (legend, height) = legend(graph, f64::MAX);
    open((legend_width(graph), height), "role=\"img\" aria-label=\"Legend\"") + &legend + "</svg>\n"
}

fn open(size: Point, more: &str) -> String {
    let (width, height) = (px(size.0.ceil()), px(size.1.ceil()));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"graph\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" {more}>\n"
    )
}

/// What is to be seen, in words.
pub(super) fn summary(graph: &Graph) -> String {
    let count = |shape, one: &str, many: &str| {
        let count = graph.nodes.iter().filter(|node| node.shape == shape).count();
        format!("{count} {}", if count == 1 { one } else { many })
    };
    let mut parts = vec![count(Shape::Job, "job", "jobs"), count(Shape::Resource, "resource", "resources")];
    if graph.nodes.iter().any(|node| node.shape == Shape::Elsewhere) {
        parts.push(format!("{} declared elsewhere", count(Shape::Elsewhere, "name", "names")));
    }
    for outcome in Outcome::ALL {
        let count = graph.nodes.iter().filter(|node| last(node) == Some(outcome)).count();
        if count > 0 {
            parts.push(format!("{count} {}", outcome.word()));
        }
    }
    parts.join(", ")
}

fn last(node: &Node) -> Option<Outcome> {
    node.builds.first().map(|build| build.outcome)
}

/// Edges first: boxes lie upon them.
fn drawing(graph: &Graph, layout: &Layout, reachable: bool) -> String {
    let mut svg = String::new();
    let icons: BTreeMap<_, _> = graph.nodes.iter().map(icon).map(|icon| (icon.name, icon.path)).collect();
    svg.push_str("<defs>\n");
    for (name, path) in icons {
        let _ = writeln!(svg, "<path id=\"icon-{name}\" class=\"icon\" d=\"{path}\"/>");
    }
    let _ = write!(svg, "</defs>\n<g class=\"drawing\" transform=\"translate({0} {0})\">\n", px(MARGIN));
    if graph.nodes.is_empty() {
        svg.push_str("<g class=\"node\"><text y=\"24\">There are no jobs and no resources.</text></g>\n");
    }
    for index in 0..graph.edges.len() {
        svg += &edge(graph, layout, index);
    }
    for index in 0..graph.nodes.len() {
        svg += &node(&graph.nodes[index], index, layout, reachable);
    }
    svg + "</g>\n"
}

fn node(node: &Node, index: usize, layout: &Layout, reachable: bool) -> String {
    let (x, y) = layout.corners[index];
    let (width, height) = (layout.box_width, height(node.shape));
    let room = width - AROUND_NAME;
    let (shape, radius, name_room) = match node.shape {
        Shape::Job => ("job", 6.0, room / BOLD),
        Shape::Resource => ("resource", height / 2.0, room),
        Shape::Elsewhere => ("elsewhere", height / 2.0, room),
    };
    let state = match last(node) {
        Some(outcome) => outcome.class(),
        None => "never",
    };
    let title = xml(&title(node));
    let class = if node.shape == Shape::Job { format!("{shape} {state}") } else { shape.to_owned() };
    let reach = if reachable {
        format!(" tabindex=\"0\" role=\"button\" aria-label=\"{}\"", title.replace('\n', ", "))
    } else {
        String::new()
    };
    let mut svg = format!(
        "<g class=\"node {class}\" id=\"n{index}\" transform=\"translate({} {})\"{reach}><title>{title}</title>\
         <rect class=\"box\" width=\"{width}\" height=\"{height}\" rx=\"{radius}\"/>",
        px(x),
        px(y)
    );
    if node.shape == Shape::Job {
        let _ = write!(
            svg,
            "<path class=\"strip\" d=\"M6 0A6 6 0 0 0 0 6V{}A6 6 0 0 0 6 {height}z\"/>{}",
            height - 6.0,
            disc(last(node), (width - 20.0, height / 2.0))
        );
    }
    let _ = writeln!(
        svg,
        "<use href=\"#icon-{}\" x=\"14\" y=\"{}\"/><text class=\"name\" x=\"38\" y=\"{}\">{}</text>\
         <text class=\"kind\" x=\"38\" y=\"{}\">{}</text></g>",
        icon(node).name,
        height / 2.0 - 8.0,
        height / 2.0 - 4.0,
        xml(&shortened(&node.name, NAME, name_room)),
        height / 2.0 + 12.0,
        xml(&shortened(&below_name(node), DETAIL, room))
    );
    svg
}

/// The result of a build as a disc with a sign.
fn disc(outcome: Option<Outcome>, at: Point) -> String {
    format!(
        "<g transform=\"translate({} {})\"><circle class=\"disc\" r=\"8\"/><path class=\"mark\" d=\"{}\"/></g>",
        px(at.0),
        px(at.1),
        mark(outcome)
    )
}

/// What is written in the second line of a box.
fn below_name(node: &Node) -> String {
    let more = match node.builds.first() {
        Some(build) => Some(format!("#{}", build.number)),
        None => node.integration.clone(),
    };
    let kind = match node.shape {
        Shape::Elsewhere => "declared elsewhere",
        _ if node.kind.is_empty() => "no type",
        _ => &node.kind,
    };
    more.map_or_else(|| kind.to_owned(), |more| format!("{kind} · {more}"))
}

/// All that is known of a node, a line each. The name has a line of its own, whichever way it is written.
fn title(node: &Node) -> String {
    let mut lines = vec![node.name.clone()];
    lines.push(match node.shape {
        Shape::Job => format!("job, {}", if node.kind.is_empty() { "no type" } else { &node.kind }),
        Shape::Resource => {
            format!("resource, {}", if node.kind.is_empty() { "no type" } else { &node.kind })
        }
        Shape::Elsewhere => "declared elsewhere".to_owned(),
    });
    lines.extend(node.integration.iter().map(|name| format!("integration {name}")));
    if node.shape == Shape::Job {
        lines.push(match node.builds.first() {
            Some(build) => format!(
                "build #{} {}, begun {} ({} before this was drawn)",
                build.number,
                build.outcome.word(),
                build.started,
                build.age
            ),
            None => "never run".to_owned(),
        });
    }
    lines.extend(node.place.clone());
    lines.join("\n")
}

fn edge(graph: &Graph, layout: &Layout, index: usize) -> String {
    let edge = graph.edges[index];
    let (points, backward) = &layout.ways[index];
    let (line, head) = match points.as_slice() {
        [] => loop_at(layout.corners[edge.from], layout.box_width),
        points => (way(points, *backward), head(points, *backward)),
    };
    let (off, said) = if edge.switched_off { (" off", ", switched off") } else { ("", "") };
    format!(
        "<g class=\"edge{off}\" id=\"e{index}\"><title>{}\n→ {}{said}</title><path class=\"line\" d=\"{line}\"/>\
         <path class=\"head\" d=\"{head}\"/></g>\n",
        xml(&graph.nodes[edge.from].name),
        xml(&graph.nodes[edge.to].name)
    )
}

/// The line of an edge: curves between columns, straight through them, and straight for the length of its head at both
/// ends, so that an edge and the one that leads back are one line.
fn way(points: &[Point], backward: bool) -> String {
    let ([(first, first_y), ..], [.., (last, last_y)]) = (points, points) else { return String::new() };
    let shorter = if backward { (HEAD - 1.0, 0.0) } else { (0.0, HEAD - 1.0) };
    let mut whole = vec![(first + shorter.0, *first_y), (first + HEAD, *first_y)];
    whole.extend(&points[1..points.len() - 1]);
    whole.extend([(last - HEAD, *last_y), (last - shorter.1, *last_y)]);
    let points = whole;
    let mut path = format!("M{} {}", px(points[0].0), px(points[0].1));
    let mut straight = None;
    for pair in points.windows(2) {
        let [(x, y), (to_x, to_y)] = [pair[0], pair[1]];
        if (y - to_y).abs() < 0.05 {
            straight = Some(to_x);
            continue;
        }
        if let Some(to) = straight.take() {
            let _ = write!(path, "H{}", px(to));
        }
        let middle = px(f64::midpoint(x, to_x));
        let (x, y, to_y) = (px(to_x), px(y), px(to_y));
        let _ = write!(path, "C{middle} {y} {middle} {to_y} {x} {to_y}");
    }
    if let Some(to) = straight {
        let _ = write!(path, "H{}", px(to));
    }
    path
}

/// The head of an edge, at the side of the box that it points to.
fn head(points: &[Point], backward: bool) -> String {
    let (tip, back) = if backward { (points[0], HEAD) } else { (points[points.len() - 1], -HEAD) };
    format!("M{} {}l{back}-4v8z", px(tip.0), px(tip.1))
}

/// The line and the head of an edge from a node to itself: a bow on top of the box.
fn loop_at((x, y): Point, width: f64) -> (String, String) {
    let (from, to) = (px(x + width - 52.0), px(x + width - 28.0));
    let (y, above) = (px(y), px(y - 16.0));
    (
        format!("M{from} {y}C{from} {above} {to} {above} {to} {}", px(y - HEAD + 1.0)),
        format!("M{to} {y}l-4-{HEAD}h8z"),
    )
}

/// What the shapes and colours mean: those that are there.
fn legend_items(graph: &Graph) -> Vec<(&'static str, String)> {
    let has = |shape| graph.nodes.iter().any(|node| node.shape == shape);
    let sample = |class: &str, radius: f64| {
        format!(
            "<g class=\"{class}\"><rect class=\"box\" x=\"1\" y=\"5\" width=\"22\" height=\"14\" rx=\"{radius}\"/></g>"
        )
    };
    let mut items = Vec::new();
    if has(Shape::Job) {
        items.push(("job", sample("job", 3.0)));
    }
    if has(Shape::Resource) {
        items.push(("resource", sample("resource", 7.0)));
    }
    if has(Shape::Elsewhere) {
        items.push(("declared elsewhere", sample("elsewhere", 7.0)));
    }
    if graph.edges.iter().any(|edge| edge.switched_off) {
        items.push(("switched off", "<g class=\"off\"><path class=\"line\" d=\"M0 12h24\"/></g>".to_owned()));
    }
    for outcome in Outcome::ALL {
        if graph.nodes.iter().any(|node| last(node) == Some(outcome)) {
            let disc = disc(Some(outcome), (12.0, 12.0));
            items.push((outcome.word(), format!("<g class=\"{}\">{disc}</g>", outcome.class())));
        }
    }
    if graph.nodes.iter().any(|node| node.shape == Shape::Job && node.builds.is_empty()) {
        let disc = disc(None, (12.0, 12.0));
        items.push(("never run", format!("<g class=\"never\">{disc}</g>")));
    }
    items
}

/// How much of a line of the legend an item takes.
fn item_width(label: &str) -> f64 {
    (30.0 + width(label, DETAIL) + 20.0).ceil()
}

fn legend_width(graph: &Graph) -> f64 {
    legend_items(graph).iter().map(|(label, _)| item_width(label)).sum::<f64>().max(1.0)
}

/// The legend in lines of at most this width, and how high it is.
fn legend(graph: &Graph, room: f64) -> (String, f64) {
    let mut svg = String::from("<g class=\"legend\">\n");
    let (mut x, mut y) = (0.0, 0.0);
    for (label, sample) in legend_items(graph) {
        if x > 0.0 && x + item_width(label) > room {
            (x, y) = (0.0, y + LEGEND);
        }
        let _ = writeln!(
            svg,
            "<g transform=\"translate({} {})\">{sample}<text x=\"30\" y=\"16\">{label}</text></g>",
            px(x),
            px(y)
        );
        x += item_width(label);
    }
    (svg + "</g>\n", y + LEGEND)
}
