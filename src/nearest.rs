//! "Did you mean …?" for names that are almost right.

/// The one of `known` that `written` was probably meant to be.
pub fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = written.chars().count();
    // Nothing of a word of one or two letters says what was meant, and a gigantic one is no typing error.
    if !(3..=64).contains(&length) {
        return None;
    }
    let allowed = 1 + length / 5;
    known
        .into_iter()
        .filter(|candidate| *candidate != written && candidate.chars().count().abs_diff(length) <= allowed)
        .map(|candidate| (distance(&written.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many insertions, deletions, replacements and swaps of neighbours lead from `a` to `b`.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = [vec![0; b.len() + 1], (0..=b.len()).collect::<Vec<_>>(), vec![0; b.len() + 1]];
    for i in 1..=a.len() {
        rows[2][0] = i;
        for j in 1..=b.len() {
            let replaced = rows[1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(rows[1][j] + 1).min(rows[2][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[0][j - 2] + 1);
            }
            rows[2][j] = best;
        }
        rows.rotate_left(1);
    }
    rows[1][b.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn finds_what_was_meant() {
        let known = ["integration", "pointer", "seed", "on_success", "on_failure"];
        assert_eq!(nearest("intergration", known), Some("integration"));
        assert_eq!(nearest("on_sucess", known), Some("on_success"));
        assert_eq!(nearest("sede", known), Some("seed"));
        assert_eq!(nearest("Pointer", known), Some("pointer"));
        assert_eq!(nearest("description", known), None);
        assert_eq!(nearest("x", known), None);
    }
}
