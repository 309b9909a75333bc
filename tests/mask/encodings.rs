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
