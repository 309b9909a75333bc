//! The drawing on a page of its own, on which one can move about, search, and ask for details.
//!
//! One file that loads nothing: its policy allows the two styles and the one script that are in it, by their hashes, and
//! no connection at all. Without the script it is still the drawing.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use super::svg::{STYLE, for_page, legend_for_page, summary};
use super::{Graph, Node, Shape};
use crate::printable::xml;

const PAGE_STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The whole page.
pub fn page(graph: &Graph) -> String {
    let style = format!("{STYLE}{PAGE_STYLE}");
    let (title, created) = (xml(&graph.title), xml(&graph.created));
    // `2026-11-21T12:00:00Z` for people: to the minute.
    let shown = created
        .get(..16)
        .map_or_else(|| created.clone(), |to_minute| format!("{} UTC", to_minute.replace('T', " ")));
    format!(
        r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src '{}'; script-src '{}'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<header hidden>
<h1>{title}</h1>
<time datetime="{created}">{shown}</time>
<input id="search" type="search" placeholder="Search (/)" aria-label="Search names and types" autocomplete="off" spellcheck="false">
<output id="found"></output>
<span class="keys"><button id="out" aria-label="Zoom out" title="Zoom out (-)">−</button><button id="in" aria-label="Zoom in" title="Zoom in (+)">+</button><button id="all" title="Show all of it (0)">Fit</button></span>
</header>
<div id="room">
<main id="stage">
{}</main>
<aside id="details" aria-label="Details" tabindex="-1" hidden></aside>
</div>
<footer title="{}">
{}</footer>
<script type="application/json" id="line">{}</script>
<script>{SCRIPT}</script>
</body>
</html>
"#,
        hash(&style),
        hash(SCRIPT),
        for_page(graph),
        summary(graph),
        legend_for_page(graph),
        document(graph)
    )
}

/// What the policy calls an element with this content.
fn hash(content: &str) -> String {
    format!("sha256-{}", BASE64_STANDARD.encode(Sha256::digest(content)))
}

/// What the script knows. Nothing in it can end the element that it stands in.
fn document(graph: &Graph) -> String {
    let nodes: Vec<Json> = graph.nodes.iter().map(node).collect();
    let edges: Vec<_> = graph.edges.iter().map(|edge| (edge.from, edge.to)).collect();
    json!({ "nodes": nodes, "edges": edges }).to_string().replace('<', "\\u003c")
}

fn node(node: &Node) -> Json {
    let builds = node.builds.iter().map(|build| {
        json!({
            "number": build.number,
            "result": build.outcome.word(),
            "class": build.outcome.class(),
            "started": build.started,
            "took": build.took,
        })
    });
    json!({
        "name": node.name,
        "what": match node.shape {
            Shape::Job => "job",
            Shape::Resource => "resource",
            Shape::Elsewhere => "declared elsewhere",
        },
        "type": node.kind,
        "integration": node.integration,
        "place": node.place,
        "steps": node.steps,
        "builds": builds.collect::<Vec<_>>(),
    })
}
