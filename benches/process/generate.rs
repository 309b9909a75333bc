//! Lines of any size.

use std::collections::BTreeSet;
use std::fmt::Write as _;

/// `n` variables.
pub fn variables(n: usize) -> Vec<(String, String)> {
    (0..n).map(|i| (format!("VARIABLE_{i}"), format!("value number {i}"))).collect()
}

/// A job with a params resource: it has each variable alone and with the resource's prefix.
pub fn params(variables: &[(String, String)]) -> String {
    let mut line = String::from("resources:\n- name: p\n  type: params\n  version:\n    params:\n");
    for (name, value) in variables {
        let _ = writeln!(line, "      {name}: {value}");
    }
    line + "jobs:\n- {name: job, type: runSh, steps: [IN: p, TASK: [echo]]}\n"
}

/// A job with a script of `n` entries.
pub fn script(n: usize) -> String {
    let mut line = String::from("jobs:\n- name: job\n  type: runSh\n  steps:\n  - TASK:\n      script:\n");
    for i in 0..n {
        let _ = writeln!(line, "      - echo line {i}");
    }
    line
}

/// The same lines for bash.
pub fn lines(n: usize) -> String {
    (0..n).map(|i| format!("echo line {i}\n")).collect()
}

/// A line of `n` jobs that print a line each, in a chain or side by side.
pub fn jobs(n: usize, chain: bool) -> String {
    let mut line = String::from("jobs:\n");
    for i in 0..n {
        let after = if chain && i > 0 { format!("IN: j{}, ", i - 1) } else { String::new() };
        let _ = writeln!(line, "- {{name: j{i}, type: runSh, steps: [{after}TASK: echo line {i}]}}");
    }
    line
}

/// A line of `n` jobs that do nothing, each of which takes up to three of the fifty before it, and the same for make.
pub fn random(n: u64) -> (String, String) {
    let mut dice = 0x9e37_79b9_7f4a_7c15_u64;
    let mut roll = |sides: u64| {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        dice % sides
    };
    let mut line = String::from("jobs:\n");
    let all: Vec<_> = (0..n).map(|job| format!("j{job}")).collect();
    let mut makefile = format!("all: {}\n", all.join(" "));
    for job in 0..n {
        let before = job.min(50);
        let count = roll(4).min(before);
        let inputs: BTreeSet<u64> = (0..count).map(|_| job - 1 - roll(before)).collect();
        let ins: String = inputs.iter().map(|input| format!("{{IN: j{input}}}, ")).collect();
        let _ = writeln!(line, "- {{name: j{job}, type: runSh, steps: [{ins}{{TASK: \"true\"}}]}}");
        let needs: String = inputs.iter().map(|input| format!(" j{input}")).collect();
        let _ = writeln!(makefile, "j{job}:{needs}\n\t@bash -c true");
    }
    (line, makefile)
}

/// The same for make, with the scripts in `scripts`.
pub fn makefile(n: usize, chain: bool) -> String {
    let all: Vec<_> = (0..n).map(|i| format!("j{i}")).collect();
    let mut text = format!("all: {}\n", all.join(" "));
    for i in 0..n {
        let after = if chain && i > 0 { format!(" j{}", i - 1) } else { String::new() };
        let _ = writeln!(text, "j{i}:{after}\n\t@bash scripts/{i}.sh");
    }
    text
}

/// A line with jobs that depend on resources and on each other.
pub fn line(resources: usize, jobs: usize) -> String {
    let mut line = String::from("resources:\n");
    for i in 0..resources {
        let kind = if i % 3 == 0 { "params" } else { "image" };
        let _ = write!(
            line,
            "  - name: resource_{i}\n    type: {kind}\n    integration: integration_{}\n    pointer:\n      sourceName: organisation/repository-{i}\n      branch: master\n    version:\n      params:\n        KEY_{i}: \"value {i}\"\n        RATIO: {}.50\n        PORT: {}\n",
            i % 40,
            i % 7,
            8000 + i
        );
    }
    line += "jobs:\n";
    for j in 0..jobs {
        let _ = write!(line, "  - name: job_{j}\n    type: runSh\n    steps:\n");
        if j > 0 {
            let _ = writeln!(line, "      - IN: job_{}", j - 1);
        }
        for k in 0..5 {
            let _ = write!(line, "      - IN: resource_{}\n        switch: off\n", (j * 5 + k) % resources);
        }
        let _ = write!(
            line,
            "      - TASK:\n          name: build {j}\n          script:\n            - |\n              echo \"building job {j}\"\n              for i in 1 2 3; do\n                make -C dir_$i TARGET=job_{j} && echo done\n              done\n            - ./deploy.sh --name job_{j} --region us-east-1\n      - OUT: resource_{}\n    on_success:\n      script:\n        - echo \"success of {j}\"\n",
            (j * 7) % resources
        );
    }
    line
}
