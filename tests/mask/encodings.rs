//! The forms that encoders give to a secret.

use crate::masked;

#[track_caller]
fn assert_hidden(secret: &str, forms: &[&str]) {
    for form in forms {
        assert_eq!(masked(&[secret], format!("<{form}>")), "<***>", "{form}");
    }
}

#[test]
fn base64_with_and_without_padding() {
    assert_hidden("hunter", &["aHVudGVy"]);
    assert_hidden("hunter2", &["aHVudGVyMg==", "aHVudGVyMg"]);
    assert_hidden("hunter22", &["aHVudGVyMjI=", "aHVudGVyMjI"]);
}

#[test]
fn base64_of_a_text_around_the_secret() {
    // The text is `:hunter2:`, after a multiple of three bytes, one and two more.
    assert_eq!(masked(&["hunter2"], "Omh1bnRlcjI6"), "Om***6");
    assert_eq!(masked(&["hunter2"], "eDpodW50ZXIyOg=="), "eDp***Og==");
    assert_eq!(masked(&["hunter2"], "eHg6aHVudGVyMjo="), "eHg6***o=");
}

#[test]
fn base64_of_a_secret_and_a_line_end() {
    assert_eq!(masked(&["hunter2"], "aHVudGVyMgo="), "***o=");
}

#[test]
fn percent_encoded() {
    assert_hidden(
        "a b/c+d",
        &["a%20b%2Fc%2Bd", "a%20b%2fc%2bd", "a+b%2Fc%2Bd", "a+b%2fc%2bd", "a%20b/c%2Bd"],
    );
    assert_hidden("p@s:s=é", &["p%40s%3As%3D%C3%A9", "p%40s%3as%3d%c3%a9", "p@s:s=%C3%A9"]);
}

#[test]
fn escaped_as_in_json() {
    assert_hidden(
        "a\"b\\c/d",
        &[r#"a\"b\\c/d"#, r#"a\"b\\c\/d"#, r"a\u0022b\u005cc\u002fd", r"a\u0022b\u005Cc\u002Fd"],
    );
    assert_hidden("one\ntwo\u{1b}", &[r"one\ntwo\u001b", r"one\ntwo\u001B", r"one\u000atwo\u001b"]);
    assert_hidden("é€🔑", &["é€🔑", r"\u00e9\u20ac\ud83d\udd11", r"\u00E9\u20AC\uD83D\uDD11"]);
    assert_hidden("<a&b>", &[r"\u003ca\u0026b\u003e", r"\u003Ca\u0026b\u003E"]);
}

#[test]
fn quoted_for_a_shell() {
    assert_hidden("it's", &[r"it'\''s", r#"it'"'"'s"#, r"it\'s"]);
    assert_hidden("a $b;`c`", &[r"a\ \$b\;\`c\`", r"a \$b;\`c\`"]);
    assert_hidden("a\nb\t\u{1b}é", &[r"a\nb\t\Eé", r"a\nb\t\E\303\251"]);
}
