//! The kinds of mistakes, each with an id that stays.

/// A kind of mistake.
pub struct Rule {
    /// Its id, for `--allow` and comments.
    pub id: &'static str,
    /// What it is, in a sentence.
    pub about: &'static str,
    /// Why it matters, and what to do.
    pub more: &'static str,
}

/// What is wrong with the shape of something, where no other rule says more.
pub const INVALID: &str = "invalid";

/// Two of one name.
pub const DECLARED_TWICE: &str = "declared-twice";

/// What does nothing, where no other rule says more.
pub(super) const NO_EFFECT: &str = "no-effect";

/// All of them, by id.
#[rustfmt::skip]
pub const RULES: &[Rule] = &[
    Rule { id: "circle", about: "Jobs wait for each other, or integrations take their credentials from each other.", more: "None of them can begin. Remove one of the INs, or the `sourceIntegration` of one of the integrations." },
    Rule { id: DECLARED_TWICE, about: "Two resources, jobs or integrations have the same name.", more: "Steps could mean either. Rename one of them, or remove it." },
    Rule { id: "incomplete-job", about: "A manifest, release or deploy lacks what it cannot be run without, or has what does not run.", more: "The hint of each says what to add. Other jobs of the line are not concerned." },
    Rule { id: "integration-field", about: "An integration lacks a field of its type, or has one that its type does not know.", more: "`shipctl integration types TYPE` lists the fields of a type." },
    Rule { id: "invalid", about: "Something is not written as an assembly line needs it.", more: "It is an error: what stands there has no meaning that could be taken for the one that was meant." },
    Rule { id: "left-out", about: "A part of the line that the original service had does nothing here.", more: "The hint says what to use instead, if there is something." },
    Rule { id: "lost-secret", about: "An encrypted value cannot be opened.", more: "Shippable encrypted it, and its key is gone with the service; or it is not in the age format. Encrypt the value anew with `shipctl encrypt`. Until then its variables are not set." },
    Rule { id: "misread-shell", about: "A line of a script means something else to YAML than to a shell.", more: "`- ! grep x` loses its `!`, which is a tag, and `- [ -f x ]` is a list. Put the entry into quotes, or write it as a block below `- |`." },
    Rule { id: "no-effect", about: "Something has no effect.", more: "It may be misspelt, or stand in the wrong place: a key indented too little or too far is part of something else." },
    Rule { id: "no-script", about: "A TASK has no script.", more: "It runs nothing. A misspelt `script:` looks like this, too." },
    Rule { id: "no-type", about: "A job, resource or integration does not say what it is.", more: "Add `type:`. Jobs with scripts are of type runSh." },
    Rule { id: "no-variables", about: "Nothing is left of a name for the names of its variables.", more: "Variables keep ASCII letters, digits and `_`, without leading digits: `1` has none. Rename it." },
    Rule { id: "plain-secret", about: "A secret stands in plain in a file that git tracks, or that others may read.", more: "Encrypt it with `shipctl integration encrypt`, or say where it is: `{env: VARIABLE}`, `{command: [program]}`. What git once had it keeps: change the secret where it comes from, too." },
    Rule { id: "replaced-variable", about: "A value of the line replaces a variable that programs or the job rely on.", more: "PATH, HOME, BASH_ENV and the like change how programs run, and JOB_NAME and the like tell scripts of their job. Rename the key, unless this is what you want." },
    Rule { id: "replica", about: "An OUT is to be a copy of something that does not go in.", more: "`replicate:` names an IN of the same job. Add the IN, or correct the name." },
    Rule { id: "same-key", about: "Two key-value integrations of a job have the same key.", more: "The job has one variable of that name, with one of the two values. Rename one of the keys." },
    Rule { id: "same-variables", about: "Two names come to the same variables.", more: "`my-key` and `MYKEY` both become MYKEY. Rename one of them." },
    Rule { id: "stale-secret", about: "Encrypted values are not encrypted for the recipients that the line lists.", more: "`shipctl key rotate` encrypts all values to those listed." },
    Rule { id: "starts-itself", about: "A resource goes into a job and comes out of it.", more: "At the original, each new version started the job again. `switch: off` at the IN stops that." },
    Rule { id: "undeclared", about: "A step names a resource or job that is declared nowhere.", more: "Its YAML may live in another repository; a job that names it cannot be run here. `shipctl init` writes stubs for what is missing." },
    Rule { id: "undeclared-integration", about: "An integration is named and declared nowhere.", more: "Declare it in shippable.integrations.yml (`shipctl init` writes one), or give it by variables SHIPCTL_INTEGRATION_<NAME>_TYPE and _<FIELD>." },
    Rule { id: "unknown-key", about: "A key is none that is known where it stands.", more: "It has no effect. It is misspelt, indented too little or too far, or of another tool." },
    Rule { id: "unknown-type", about: "The type of a job or a resource is almost a known one.", more: "Types are written as in the hint, with the same capital letters." },
    Rule { id: "unset-variable", about: "A placeholder `$NAME` refers to a variable that nothing sets.", more: "It becomes empty. Set it in params that go IN before, or with -e." },
    Rule { id: "yaml", about: "A file is not YAML.", more: "Nothing of it can be read. Look at the place, and at the indentation and the quotes above it." },
];

/// Whether a comment allows a rule: `shipctl: allow unknown-key, no-effect`.
pub(super) fn allows(comment: &str, rule: &str) -> bool {
    let Some((_, ids)) = comment.split_once("shipctl:") else { return false };
    let Some(ids) = ids.trim_start().strip_prefix("allow ") else { return false };
    ids.split(|c: char| c == ',' || c.is_whitespace()).any(|id| id == rule)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_in_order() {
        assert!(RULES.is_sorted_by(|a, b| a.id < b.id));
        for rule in RULES {
            assert!(rule.about.ends_with('.') && rule.more.ends_with('.'), "{}", rule.id);
        }
    }

    #[test]
    fn a_comment_allows_what_it_names() {
        assert!(allows(" shipctl: allow unknown-key", "unknown-key"));
        assert!(allows(" why. shipctl: allow no-effect, unknown-key", "unknown-key"));
        assert!(!allows(" shipctl: allow unknown", "unknown-key"));
        assert!(!allows(" allow unknown-key", "unknown-key"));
    }
}
