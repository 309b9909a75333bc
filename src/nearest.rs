//! "Did you mean …?" for names that are almost right.

/// The one of `known` that `whole` was probably meant to be.
pub fn nearest<'a>(whole: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = whole.chars().count();
    let written = whole.to_lowercase();
    known
        .into_iter()
        .map(|candidate| (candidate, candidate.to_lowercase()))
        .filter(|(candidate, _)| *candidate != whole)
        // Nothing of a word of one or two letters says what was meant, and a gigantic one is no typing error.
        .filter(|(_, lower)| *lower == written || (3..=64).contains(&length))
        .filter_map(|(candidate, lower)| Some((near(&written, &lower)?, candidate)))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How far apart two names are, if one may be the other with a typing error. In names of as many words, each word has to be
/// near the other's: `app-img` is not meant to be `app-man`.
fn near(written: &str, candidate: &str) -> Option<usize> {
    let words = |text: &str| -> Vec<String> { text.split(SEPARATORS).map(str::to_owned).collect() };
    let (a, b) = (words(written), words(candidate));
    if a.len() == b.len() {
        let distances = a.iter().zip(&b).map(|(a, b)| near_word(a, b));
        return distances.sum::<Option<usize>>().filter(|sum| *sum <= allowed(written));
    }
    near_word(&a.concat(), &b.concat()).filter(|distance| *distance <= 1).map(|distance| distance + 1)
}

/// What stands between the words of a name.
const SEPARATORS: [char; 4] = ['-', '_', '.', ' '];

fn near_word(a: &str, b: &str) -> Option<usize> {
    let allowed = allowed(a);
    if a.chars().count().abs_diff(b.chars().count()) > allowed {
        return None;
    }
    Some(distance(a, b)).filter(|distance| *distance <= allowed)
}

/// How many typing errors a text of this length may have.
fn allowed(text: &str) -> usize {
    1 + text.chars().count() / 5
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
        assert_eq!(nearest("In", ["IN", "OUT"]), Some("IN"));
        assert_eq!(nearest("description", known), None);
        assert_eq!(nearest("x", known), None);
        let names = ["app-man", "box-test", "app_repo", "demo-signup-man"];
        for far in ["app-img", "env-test", "app_test", "demo-signup"] {
            assert_eq!(nearest(far, names), None, "{far}");
        }
        assert_eq!(nearest("apprepo", names), Some("app_repo"));
        assert_eq!(nearest("app-repo", names), Some("app_repo"));
        assert_eq!(nearest("box-tset", names), Some("box-test"));
    }
}
