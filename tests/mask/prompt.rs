//! What appears at once, and what is held back.

use shipctl::mask::Masker;

use crate::patterns;

/// What is printed after each of the chunks.
fn steps(secrets: &[&str], chunks: &[&str]) -> Vec<String> {
    let mut masker = Masker::new(&patterns(secrets));
    let push = |chunk: &&str| {
        let mut out = Vec::new();
        masker.push(chunk.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    };
    chunks.iter().map(push).collect()
}

#[test]
fn a_prompt_appears_at_once() {
    assert_eq!(steps(&["hunter2", "s3cr3t"], &["Password: ", "ok? "]), ["Password: ", "ok? "]);
}

#[test]
fn nothing_but_the_tail_that_could_begin_a_secret_is_held() {
    assert_eq!(steps(&["abcabd"], &["xxabcab", "c", "abd"]), ["xx", "abc", "***"]);
    assert_eq!(steps(&["hunter2"], &["a hu", "t"]), ["a ", "hut"]);
}

#[test]
fn a_mask_appears_as_soon_as_it_is_certain() {
    assert_eq!(steps(&["abc", "abcdef"], &["-abc", "d", "-"]), ["-***", "", "d-"]);
}

#[test]
fn a_finished_line_appears_whole() {
    let secrets = ["hunter2", "correct horse battery staple", "first\nsecond"];
    assert_eq!(
        steps(&secrets, &["all done\n", "0123456789abcdef0123\n"]),
        ["all done\n", "0123456789abcdef0123\n"]
    );
}

#[test]
fn a_prompt_after_base64_appears_at_once() {
    let secrets = ["hunter2", "correct horse battery staple"];
    let line = "web-1  | 0123456789abcdef0123456789abcdeX\n";
    assert_eq!(
        steps(&secrets, &[line, "Password: ", "web-1  | ", "ok? "]),
        [line, "Password: ", "web-1  | ", "ok? "]
    );
    // Only the end that may be the base64 of a secret is held, and only while the next line may go on with it.
    let line = "web-1  | 0123456789abcdef01234567aHVudGV\n";
    assert_eq!(steps(&secrets, &[line, "Pass"]), [&line[..line.len() - 8], "aHVudGV\nPass"]);
    assert_eq!(steps(&secrets, &[line, "web-1  | ", "z"])[1..], ["", "aHVudGV\nweb-1  | z"]);
    assert_eq!(steps(&secrets, &[line, "web-1  | ", "yMg"])[1..], ["", "***"]);
}

#[test]
fn finish_shows_what_was_held() {
    let mut masker = Masker::new(&patterns(&["hunter2"]));
    let mut out = Vec::new();
    masker.push(b"a hunt", &mut out);
    masker.finish(&mut out);
    assert_eq!(out, b"a hunt");
    masker.push(b"er2", &mut out);
    masker.finish(&mut out);
    assert_eq!(out, b"a hunter2");
}
