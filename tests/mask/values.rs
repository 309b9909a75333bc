//! Values as they are.

use crate::{masked, patterns};

#[test]
fn a_secret_becomes_three_stars() {
    assert_eq!(masked(&["hunter2"], "login: hunter2\n"), "login: ***\n");
}

#[test]
fn each_secret_becomes_a_mask_of_its_own() {
    assert_eq!(masked(&["abc", "xyz"], "abcxyzabc abc"), "********* ***");
}

#[test]
fn no_secrets_change_nothing() {
    assert_eq!(masked(&[], "abc"), "abc");
    assert!(patterns(&[]).is_empty());
    assert_eq!(masked(&["abc"], ""), "");
}

#[test]
fn values_below_three_bytes_are_left_out() {
    assert_eq!(masked(&["", "a", "ab"], "a ab abc"), "a ab abc");
    assert!(patterns(&["", "a", "ab"]).is_empty());
    assert_eq!(masked(&["é1"], "é1"), "***");
}

#[test]
fn a_short_secret_that_begins_a_long_one_leaves_no_tail() {
    for secrets in [["pass", "password"], ["password", "pass"]] {
        assert_eq!(masked(&secrets, "password, pass, passw"), "***, ***, ***w");
    }
}

#[test]
fn secrets_that_overlap_are_hidden_together() {
    assert_eq!(masked(&["abcd", "cdef"], "-abcdef-"), "-***-");
    assert_eq!(masked(&["abcd", "cdef", "efgh"], "-abcdefgh-"), "-***-");
    assert_eq!(masked(&["abab"], "-ababab-"), "-***-");
    assert_eq!(masked(&["abcdef", "cd"], "-abcdef-"), "-***-");
}

#[test]
fn a_long_secret_that_fails_at_its_end_gives_way_to_the_short_ones_in_it() {
    assert_eq!(masked(&["abcdefg", "cde"], "-abcdefX-"), "-ab***fX-");
}

#[test]
fn bytes_that_are_not_utf8_pass() {
    let shown = patterns(&["hunter2"]).mask(b"\xff\xfehunter2\x80\0");
    assert_eq!(shown, b"\xff\xfe***\x80\0");
}

#[test]
fn each_line_is_a_secret() {
    let key = "-----BEGIN-----\nfirst line\nx\nsecond line\n-----END-----\n";
    assert_eq!(masked(&[key], "see second line and first lines"), "see *** and ***s");
    assert_eq!(masked(&[key], key), "***\n");
    assert_eq!(masked(&[key], "first line\nx\n"), "***\nx\n");
}

#[test]
fn line_ends_may_be_turned_round() {
    let (unix, dos) = ("one\n2\nthree\n", "one\r\n2\r\nthree\r\n");
    assert_eq!(masked(&[unix], dos), "***\r\n");
    assert_eq!(masked(&[dos], unix), "***\n");
    assert_eq!(masked(&[dos], "one three\r\n"), "*** ***\r\n");
}

#[test]
fn a_line_is_known_without_its_indentation() {
    let json = "{\n  \"key\": \"value\"\n}";
    assert_eq!(masked(&[json], "\"key\": \"value\""), "***");
    assert_eq!(masked(&["    \nsecret"], "    secret"), "    ***");
}

#[test]
fn a_secret_is_known_after_a_shell_has_split_it_into_words() {
    assert_eq!(masked(&[" hunter2 "], "hunter2"), "***");
    assert_eq!(masked(&["correct  horse\tbattery"], "correct horse battery"), "***");
    assert_eq!(masked(&["one  1\ntwo  \t2 \n"], "one 1 two 2"), "*** ***");
}

#[test]
fn a_secret_longer_than_any_buffer_becomes_one_mask() {
    let secret: String =
        (0..200_000).map(|at| char::from(b'a' + (at * 31 / 7 % 26 + at / 997 % 5) as u8)).collect();
    assert_eq!(masked(&[&secret], format!("<{secret}>")), "<***>");
}

#[test]
fn a_secret_is_hidden_to_its_end_whatever_else_begins_in_it() {
    let secrets = ["aab", "baa", "b\n\n\nbabb\nb\na\n\nabba", "ba\naabaaa", "abaaaaabb\n\nbaaabb\naa"];
    let text = "bbbaaaaaaaaaaaaaaababbabaaaaabaabaaaaaa";
    assert_eq!(masked(&secrets, text), "bb***aaaaaaaaaaa******a***aaa");
}
