//! `shipctl graph`.

use crate::support::{Call, shipctl};

fn graph(arguments: &str) -> Call {
    shipctl("graph").args(arguments).file(
        "shippable.yml",
        "resources:\n- {name: 'a \"b\"', type: params}\njobs:\n- name: build\n  type: runSh\n  steps:\n  - {IN: 'a \"b\"', switch: off}\n  - OUT: image\n- {name: ship, type: runSh, steps: [IN: build]}\n",
    )
}

#[test]
fn as_text() {
    graph("")
        .stdout("build (runSh)\n  ← a \"b\" (params), switched off\n  → image (declared elsewhere)\nship (runSh)\n  ← build (runSh)\n")
        .run();
}

#[test]
fn for_graphviz() {
    graph("--format dot")
        .stdout(
            "digraph line {\n  rankdir=LR;\n  node [fontname=\"sans-serif\"];\n  \"a \\\"b\\\"\" [label=\"a \\\"b\\\"\\nparams\", shape=ellipse];\n  \"build\" [label=\"build\\nrunSh\", shape=box, style=\"rounded,filled\", fillcolor=\"#dbeafe\"];\n  \"ship\" [label=\"ship\\nrunSh\", shape=box, style=\"rounded,filled\", fillcolor=\"#dbeafe\"];\n  \"image\" [label=\"image\\ndeclared elsewhere\", shape=ellipse, style=dashed];\n  \"a \\\"b\\\"\" -> \"build\" [style=dashed];\n  \"build\" -> \"image\";\n  \"build\" -> \"ship\";\n}\n",
        )
        .run();
}

#[test]
fn for_mermaid() {
    graph("--format mermaid")
        .stdout(
            "flowchart LR\n  n0([\"a #34;b#34;<br/>params\"])\n  n1[\"build<br/>runSh\"]\n  n2[\"ship<br/>runSh\"]\n  n3{{\"image<br/>declared elsewhere\"}}\n  n0 -.-> n1\n  n1 --> n3\n  n1 --> n2\n",
        )
        .run();
}
