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
fn of_some_jobs() {
    let line = "resources: [{name: settings, type: params}, {name: other, type: params}]\njobs:\n- {name: build, type: runSh, steps: [IN: settings]}\n- {name: ship, type: runSh, steps: [IN: build]}\n- {name: tell, type: runSh, steps: [IN: ship]}\n- {name: apart, type: runSh, steps: [IN: other]}\n";
    let (build, ship, tell) = (
        "build (runSh)\n  ← settings (params)\n",
        "ship (runSh)\n  ← build (runSh)\n",
        "tell (runSh)\n  ← ship (runSh)\n",
    );
    for (arguments, expected) in [
        ("ship", ship.to_owned()),
        ("ship --upstream", format!("{build}{ship}")),
        ("ship --downstream", format!("{ship}{tell}")),
    ] {
        shipctl("graph").args(arguments).file("shippable.yml", line).stdout(expected).run();
    }
    shipctl("graph")
        .args("ship --format mermaid")
        .file("shippable.yml", line)
        .stdout("flowchart LR\n  n0[\"build<br/>runSh\"]\n  n1[\"ship<br/>runSh\"]\n  n0 --> n1\n")
        .run();
    shipctl("graph")
        .args("shipp")
        .file("shippable.yml", line)
        .status(125)
        .stderr("error: there is no job `shipp`\n  hint: did you mean `ship`?\n")
        .run();
    shipctl("graph")
        .args("--upstream")
        .file("shippable.yml", line)
        .status(2)
        .starts()
        .stderr("error: ")
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

/// What a picture says of each job and resource: the lines of its title.
fn titles(svg: &str) -> Vec<String> {
    let document = roxmltree::Document::parse(svg).unwrap();
    let nodes = document.descendants().filter(|node| {
        node.attribute("class").is_some_and(|class| class.starts_with("node ")) && node.has_attribute("id")
    });
    nodes.map(|node| node.first_element_child().unwrap().text().unwrap().replace('\n', " | ")).collect()
}

#[test]
fn as_a_picture() {
    let call = graph("--format svg");
    let output = call.output();
    assert!(output.status.success() && output.stderr.is_empty());
    let svg = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        titles(&svg),
        [
            "a \"b\" | resource, params | shippable.yml:2:11",
            "build | job, runSh | never run | shippable.yml:4:9",
            "ship | job, runSh | never run | shippable.yml:9:10",
            "image | declared elsewhere"
        ]
    );
    assert_eq!(svg.matches("class=\"edge off\"").count(), 1);
    assert_eq!(svg.matches("class=\"edge\"").count(), 2);
    assert!(!call.path(".shipctl").exists(), "who only looks leaves no trace");
}

#[test]
fn a_picture_tells_of_the_last_run() {
    let call = shipctl("graph").args("--format svg").file(
        "shippable.yml",
        "jobs:\n- {name: good, type: runSh, steps: [TASK: {script: ':'}]}\n- {name: bad, type: runSh, steps: [IN: good, TASK: {script: exit 3}]}\n",
    );
    for (job, status) in [("good", 0), ("good", 0), ("bad", 3)] {
        assert_eq!(call.also(&format!("run {job}")).output().unwrap().status.code(), Some(status));
    }
    let svg = String::from_utf8(call.output().stdout).unwrap();
    let [good, bad] = titles(&svg).try_into().unwrap();
    assert!(good.contains("build #2 succeeded, begun 20"), "{good}");
    assert!(bad.contains("build #1 failed, begun 20"), "{bad}");
    assert!(svg.contains("class=\"node job good\"") && svg.contains("class=\"node job bad\""));
    assert!(svg.contains("2 jobs, 0 resources, 1 succeeded, 1 failed"));

    let page = String::from_utf8(call.also("graph --format html").output().unwrap().stdout).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>"));
    assert!(page.contains(r#""builds":[{"number":2,"result":"succeeded""#), "{page}");
}

#[test]
fn jobs_in_a_circle_are_drawn_and_notifications_are_part_of_the_line() {
    let call = shipctl("graph").args("--format svg").file(
        "shippable.yml",
        "resources:\n- {name: chat, type: notification, integration: slack}\njobs:\n- {name: a, type: runSh, steps: [IN: b, NOTIFY: chat]}\n- {name: b, type: runSh, steps: [IN: a, IN: b]}\n",
    );
    let svg = String::from_utf8(call.output().stdout).unwrap();
    let document = roxmltree::Document::parse(&svg).unwrap();
    let edges = document
        .descendants()
        .filter(|node| node.attribute("class") == Some("edge"))
        .map(|node| node.first_element_child().unwrap().text().unwrap().replace('\n', " "));
    assert_eq!(edges.collect::<Vec<_>>(), ["b → a", "a → chat", "a → b", "b → b"]);
    assert!(titles(&svg)[0].contains("integration slack"));
}
