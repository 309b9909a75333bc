//! Which jobs of a line run, and what each of them waits for.
//!
//! A job comes after the jobs that it takes IN, and after those that put OUT what it takes IN. An IN with `switch: off`
//! says that a change does not start the job: it comes later all the same where both run, but a job that failed is no
//! reason against it. Jobs of types that shipctl does not run are passed over: what comes before them comes
//! before what follows them.
//!
//! Pure: no files, no clock, no processes.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use indexmap::IndexSet;

use crate::model::{Job, Pipeline};

/// What is asked of a line.
#[derive(Clone, Copy, Debug, Default)]
pub struct Selection<'a> {
    /// The jobs by name, which have to be the pipeline's.
    pub jobs: &'a [String],
    /// Also all that they depend on.
    pub upstream: bool,
    /// Also all that a change of theirs starts.
    pub downstream: bool,
    /// All jobs.
    pub all: bool,
}

/// The jobs of a run, each behind all that it waits for.
pub struct Order<'a> {
    /// Those that run.
    pub members: Vec<Member<'a>>,
    /// Those that would, but cannot be run.
    pub left_out: Vec<&'a Job>,
}

/// A job of a run.
pub struct Member<'a> {
    /// The job.
    pub job: &'a Job,
    /// What it waits for.
    pub after: Vec<Wait>,
}

/// What a job waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// Which of the members.
    pub member: usize,
    /// Whether it has to succeed.
    pub starts: bool,
}

impl<'a> Order<'a> {
    /// The jobs of a pipeline that are selected.
    pub fn of(pipeline: &'a Pipeline, selection: &Selection) -> Order<'a> {
        let graph = DependencyGraph::of(pipeline);
        let wanted = graph.wanted(pipeline, selection);
        let sequence = graph.sequence();
        let mut order = Order { members: Vec::new(), left_out: Vec::new() };
        // The members that each job waits for, or lets those wait for that come after it.
        let mut waits: Vec<Vec<Wait>> = vec![Vec::new(); graph.before.len()];
        let mut place = vec![usize::MAX; graph.before.len()];
        for (position, &index) in sequence.iter().enumerate() {
            place[index] = position;
            let job = &pipeline.jobs[index];
            let mut after: Vec<Wait> = Vec::new();
            for edge in &graph.before[index] {
                // One that would close a circle was given up.
                if place[edge.job] < position {
                    for wait in &waits[edge.job] {
                        add(&mut after, Wait { starts: wait.starts && edge.starts, ..*wait });
                    }
                }
            }
            waits[index] = if wanted[index] && job.can_run() {
                let member = order.members.len();
                order.members.push(Member { job, after });
                vec![Wait { member, starts: true }]
            } else {
                if wanted[index] {
                    order.left_out.push(job);
                }
                after
            };
        }
        order
    }
}

/// The names of the jobs that are selected, of whatever type.
pub fn selected<'a>(pipeline: &'a Pipeline, selection: &Selection) -> IndexSet<&'a str> {
    let wanted = DependencyGraph::of(pipeline).wanted(pipeline, selection);
    pipeline.jobs.keys().zip(wanted).filter(|(_, wanted)| *wanted).map(|(name, _)| name.as_str()).collect()
}

fn add(waits: &mut Vec<Wait>, new: Wait) {
    match waits.iter_mut().find(|wait| wait.member == new.member) {
        Some(known) => known.starts |= new.starts,
        None => waits.push(new),
    }
}

/// Which jobs come before which.
struct DependencyGraph {
    before: Vec<Vec<Edge>>,
}

/// That a job comes after another.
#[derive(Clone, Copy)]
struct Edge {
    /// The one before.
    job: usize,
    /// Whether a change of it starts the one after it.
    starts: bool,
    /// Whether there is but a resource between them, which two jobs may hand to and fro.
    loose: bool,
}

impl DependencyGraph {
    fn of(pipeline: &Pipeline) -> DependencyGraph {
        let mut makers: HashMap<&str, IndexSet<usize>> = HashMap::new();
        for (index, job) in pipeline.jobs.values().enumerate() {
            for output in job.outputs() {
                makers.entry(&output.name.text).or_default().insert(index);
            }
        }
        let before = pipeline.jobs.values().enumerate().map(|(index, job)| {
            let mut edges: Vec<Edge> = Vec::new();
            for input in job.inputs() {
                let name = input.name.text.as_str();
                let taken =
                    pipeline.jobs.get_index_of(name).filter(|_| !pipeline.resources.contains_key(name));
                let made = makers.get(name).into_iter().flatten().copied();
                let loose = made.map(|job| (job, true)).chain(taken.map(|job| (job, false)));
                edges.extend(loose.filter(|(job, _)| *job != index).map(|(job, loose)| Edge {
                    job,
                    starts: !input.switched_off,
                    loose,
                }));
            }
            edges
        });
        DependencyGraph { before: before.collect() }
    }

    /// Which jobs are selected.
    fn wanted(&self, pipeline: &Pipeline, selection: &Selection) -> Vec<bool> {
        let named: Vec<usize> =
            selection.jobs.iter().filter_map(|name| pipeline.jobs.get_index_of(name.as_str())).collect();
        let mut wanted = vec![selection.all; self.before.len()];
        named.iter().for_each(|&index| wanted[index] = true);
        if selection.upstream {
            reach(&named, &mut wanted, |index| self.before[index].iter().map(|edge| edge.job).collect());
        }
        if selection.downstream {
            let mut after = vec![Vec::new(); self.before.len()];
            for (index, edges) in self.before.iter().enumerate() {
                edges.iter().filter(|edge| edge.starts).for_each(|edge| after[edge.job].push(index));
            }
            reach(&named, &mut wanted, |index| after[index].clone());
        }
        wanted
    }

    /// All jobs, each behind those before it; where several may be next, in the order of the files. Where jobs hand
    /// resources round in a circle, it is opened where it hurts least: the first job of the files goes ahead.
    fn sequence(&self) -> Vec<usize> {
        let count = self.before.len();
        let mut after = vec![Vec::new(); count];
        let mut open: Vec<usize> = vec![0; count];
        for (index, edges) in self.before.iter().enumerate() {
            for edge in edges {
                after[edge.job].push(index);
                open[index] += 1;
            }
        }
        let mut ready: BinaryHeap<Reverse<usize>> =
            (0..count).filter(|&job| open[job] == 0).map(Reverse).collect();
        let mut done = vec![false; count];
        let mut sequence = Vec::with_capacity(count);
        while sequence.len() < count {
            let Some(Reverse(next)) = ready.pop() else {
                ready.extend(self.stuck(&done).map(Reverse));
                continue;
            };
            if std::mem::replace(&mut done[next], true) {
                continue;
            }
            sequence.push(next);
            for &job in &after[next] {
                open[job] -= 1;
                if open[job] == 0 {
                    ready.push(Reverse(job));
                }
            }
        }
        sequence
    }

    /// A job to go ahead where all wait for each other.
    fn stuck(&self, done: &[bool]) -> Option<usize> {
        let left = || (0..done.len()).filter(|&job| !done[job]);
        let open = |job: usize| self.before[job].iter().filter(|edge| !done[edge.job]);
        left()
            .find(|&job| open(job).all(|edge| edge.loose && !edge.starts))
            .or_else(|| left().find(|&job| open(job).all(|edge| edge.loose)))
            .or_else(|| left().next())
    }
}

/// Marks all that can be reached from `from`.
fn reach(from: &[usize], marked: &mut [bool], next: impl Fn(usize) -> Vec<usize>) {
    let mut seen = vec![false; marked.len()];
    let mut open = from.to_vec();
    while let Some(index) = open.pop() {
        if !std::mem::replace(&mut seen[index], true) {
            marked[index] = true;
            open.extend(next(index));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::model::files;

    /// The members in order, each with what it waits for: `b<a` if `a` has to succeed, `b~a` if it has to end.
    fn order(yaml: &str, selection: Selection) -> String {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("line.yml"), yaml).unwrap();
        let line = files::read(&["line.yml".into()], &[], Path::new(directory.path()));
        let order = Order::of(&line.pipeline, &selection);
        let name = |member: usize| &order.members[member].job.name.text;
        let member = |(index, member): (usize, &Member)| {
            let waits = member
                .after
                .iter()
                .map(|wait| format!("{}{}", if wait.starts { '<' } else { '~' }, name(wait.member)));
            format!("{}{}", name(index), waits.collect::<String>())
        };
        order.members.iter().enumerate().map(member).collect::<Vec<_>>().join(" ")
    }

    /// Jobs, each with its type and steps in short: `deploy:runSh IN=image OUT=x`; `in=` is switched off.
    fn jobs(text: &str) -> String {
        let mut yaml = String::from("resources: [{name: r, type: state}, {name: s, type: state}]\njobs:\n");
        for line in text.split(';') {
            let mut words = line.split_whitespace();
            let (name, kind) = words.next().unwrap().split_once(':').unwrap();
            yaml += &format!("  - name: {name}\n    type: {kind}\n    steps:\n");
            for word in words {
                let (key, value) = word.split_once('=').unwrap();
                yaml += &match key {
                    "in" => format!("      - {{IN: {value}, switch: off}}\n"),
                    key => format!("      - {key}: {value}\n"),
                };
            }
            yaml += "      - TASK: echo\n";
        }
        yaml
    }

    const ALL: Selection = Selection { jobs: &[], upstream: false, downstream: false, all: true };

    #[test]
    fn jobs_come_after_what_they_take() {
        let yaml = jobs("c:runSh IN=r; b:runSh IN=a OUT=r; a:runSh");
        assert_eq!(order(&yaml, ALL), "a b<a c<b");
    }

    #[test]
    fn others_may_be_wished_for() {
        let yaml = jobs("a:runSh OUT=r; b:runSh IN=r; c:runSh IN=b; d:runSh in=b; e:runSh");
        let named =
            |jobs, upstream, downstream| order(&yaml, Selection { jobs, upstream, downstream, all: false });
        let b = &["b".to_owned()];
        assert_eq!(named(b, false, false), "b");
        assert_eq!(named(b, true, false), "a b<a");
        assert_eq!(named(b, false, true), "b c<b");
        assert_eq!(named(b, true, true), "a b<a c<b");
        assert_eq!(named(&["d".to_owned(), "b".to_owned()], false, false), "b d~b");
    }

    #[test]
    fn what_lies_between_two_members_counts() {
        let yaml = jobs("a:runSh; m:dclDeploy IN=a; c:runSh IN=m; d:runSh in=m");
        assert_eq!(order(&yaml, ALL), "a c<a d~a");
        let yaml = jobs("a:runSh; b:runSh IN=a; c:runSh IN=b");
        let ends = Selection { jobs: &["a".to_owned(), "c".to_owned()], ..Selection::default() };
        assert_eq!(order(&yaml, ends), "a c<a");
    }

    #[test]
    fn a_circle_of_resources_is_opened() {
        assert_eq!(order(&jobs("a:runSh IN=r OUT=r; b:runSh IN=r OUT=r"), ALL), "a b<a");
        assert_eq!(order(&jobs("a:runSh IN=r OUT=s; b:runSh in=s OUT=r"), ALL), "b a<b");
        assert_eq!(order(&jobs("a:runSh IN=r; b:runSh IN=a OUT=r; c:runSh IN=a"), ALL), "a b<a c<a");
    }
}
