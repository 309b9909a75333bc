//! Patterns with `*`, `?` and `[…]`, as `find -name` and git's branch patterns have them.

/// Whether the whole `name` fits `pattern`. A `/` or a leading dot is nothing special.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    // Where to go on when something after the last `*` does not fit: that `*` then takes one letter more. Going back
    // to the last one alone is enough, and keeps the time from exploding.
    let mut retry = None;
    let (mut p, mut n) = (0, 0);
    while p < pattern.len() || n < name.len() {
        if pattern.get(p) == Some(&'*') {
            retry = Some((p, n + 1));
            p += 1;
            continue;
        }
        if let Some(&letter) = name.get(n)
            && let Some(length) = one(&pattern[p..], letter)
        {
            p += length;
            n += 1;
            continue;
        }
        match retry {
            Some((star, from)) if from <= name.len() => {
                retry = Some((star, from + 1));
                (p, n) = (star + 1, from);
            }
            _ => return false,
        }
    }
    true
}

/// How much of the pattern stands for `letter`; `None` if it does not fit.
fn one(pattern: &[char], letter: char) -> Option<usize> {
    match pattern {
        ['?', ..] => Some(1),
        ['\\', literal, ..] => (*literal == letter).then_some(2),
        ['[', class @ ..] => match class_end(class) {
            Some(end) => in_class(&class[..end], letter).then_some(end + 2),
            None => (letter == '[').then_some(1),
        },
        [literal, ..] => (*literal == letter).then_some(1),
        [] => None,
    }
}

/// Where the `]` stands that closes a class: one right at the beginning belongs to it.
fn class_end(class: &[char]) -> Option<usize> {
    let start = usize::from(matches!(class.first(), Some('!' | '^')));
    (start + 1..class.len()).find(|&at| class[at] == ']')
}

fn in_class(class: &[char], letter: char) -> bool {
    let negated = matches!(class.first(), Some('!' | '^'));
    let mut rest = &class[usize::from(negated)..];
    let mut found = false;
    while let Some((&from, after)) = rest.split_first() {
        rest = match after {
            ['-', to, after @ ..] => {
                found |= (from..=*to).contains(&letter);
                after
            }
            after => {
                found |= from == letter;
                after
            }
        };
    }
    found != negated
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_fit_whole_names() {
        for (pattern, name) in [
            ("*_spec.js", "a_spec.js"),
            ("*", ""),
            ("*", ".hidden"),
            ("v1.*", "v1.2"),
            ("?[a-c]*[!x]", "1bcd"),
            ("[]]", "]"),
            ("[a", "[a"),
            ("a\\*b", "a*b"),
            ("*a*b*", "xxaxxbxx"),
            ("feature/*", "feature/x/y"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("*_spec.js", "a_spec.jsx"),
            ("v1.*", "v2.1"),
            ("", "a"),
            ("?", ""),
            ("[!a]", "a"),
            ("a\\*b", "axb"),
        ] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn many_stars_take_no_time() {
        assert!(!matches(&("a*".repeat(50) + "b"), &"a".repeat(5_000)));
    }
}
