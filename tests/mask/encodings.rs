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
fn percent_encoded_twice() {
    assert_hidden("a b/c+d", &["a%2520b%252Fc%252Bd", "a%2520b%252fc%252bd", "a%2Bb%252Fc%252Bd"]);
    assert_hidden("p@s:s=é", &["p%2540s%253As%253D%25C3%25A9"]);
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

#[test]
fn quoted_as_a_pattern() {
    assert_hidden("hunter2é", &[r"\h\u\n\t\e\r\2\é"]);
    assert_hidden("a.b[c]$", &[r"\a\.\b\[\c\]\$", r"a\.b\[c]\$", r"a\.b\[c\]\$"]);
}

#[test]
fn quoted_by_the_gnu_tools() {
    assert_hidden("a\tb", &["a'$'\\t''b"]);
    assert_hidden("it's\t\u{1}b", &["it'\\''s'$'\\t\\001''b"]);
    assert_hidden("x\u{85}yé", &["x'$'\\302\\205''yé", "x'$'\\302\\205''y'$'\\303\\251'"]);
}

#[test]
fn quoted_by_printf_where_a_tilde_would_be_expanded() {
    assert_hidden("p4ss=~w0rd;x", &[r"p4ss=\~w0rd\;x", r"p4ss=~w0rd\;x"]);
    assert_hidden("dir:~s3cret x", &[r"dir:\~s3cret\ x"]);
}

#[test]
fn escaped_as_in_json_with_del_as_it_is() {
    assert_hidden(
        "a\"\u{7f}é",
        &["a\\\"\u{7f}é", r#"a\"\u007fé"#, "a\\\"\u{7f}\\u00e9", r#"a\"\u007f\u00e9"#],
    );
}

#[test]
fn escaped_twice_as_in_json_inside_json() {
    assert_hidden("a\"b\\c\nd", &[r#"a\\\"b\\\\c\\nd"#, r"a\\u0022b\\u005cc\\u000ad", r#"a\\\"b\\\\c\\nd"#]);
    assert_hidden("<é\">", &[r#"\\u003cé\\\"\\u003e"#, r#"\u003cé\\\"\u003e"#, r#"<\\u00e9\\\">"#]);
}

#[test]
fn doubled_where_a_syntax_has_a_meaning_for_the_character() {
    assert_hidden("it's 5", &["it''s 5"]);
    assert_hidden("a\"b", &["a\"\"b"]);
    assert_hidden("pa$$word$1", &["pa$$$$word$$1"]);
    assert_hidden("50%off", &["50%%off"]);
}

#[test]
fn bytes_as_python_prints_them() {
    assert_hidden("é\t\"x\"", &[r#"\xc3\xa9\t"x""#]);
    assert_hidden("é'\"x", &[r#"\xc3\xa9\'"x"#]);
}

#[test]
fn escaped_as_in_xml_and_html() {
    assert_hidden(
        "Tr0ub4dor&3<x>",
        &["Tr0ub4dor&amp;3&lt;x&gt;", "Tr0ub4dor&amp;3&lt;x>", r"Tr0ub4dor\u00263\u003cx\u003e"],
    );
    assert_hidden(
        "it's \"é\"+/",
        &[
            "it&#39;s &quot;é&quot;+/",
            "it&#039;s &quot;é&quot;+/",
            "it&#x27;s &quot;é&quot;+/",
            "it&apos;s &quot;é&quot;+/",
            "it&#39;s &#34;é&#34;+/",
            "it's &quot;&#233;&quot;+/",
            "it&#39;s &quot;é&quot;+&#x2F;",
        ],
    );
}

#[test]
fn the_secrets_inside_json_after_it_was_read() {
    let pem = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nAQEFAASCBKcwExample01\n-----END PRIVATE KEY-----\n";
    let document = serde_json::json!({
        "type": "service_account",
        "private_key": pem,
        "nested": [{"clientSecret": "s3cr3t-one", "inner": "{\"token\": \"t0ken-two\"}"}],
        "client_email": "a@p.iam.example.com",
    });
    let secret = document.to_string();
    for (printed, shown) in [
        (pem.to_owned(), "***\n"),
        ("<s3cr3t-one t0ken-two>".to_owned(), "<*** ***>"),
        ("private_key: MIIEvQIBADANBgkqhkiG9w0B".to_owned(), "private_key: ***"),
        ("service_account".to_owned(), "service_account"),
    ] {
        assert_eq!(masked(&[&secret], printed), shown);
    }
    let indented = masked(&[&secret], format!("{document:#}"));
    for hidden in ["MIIE", "s3cr3t", "t0ken", "a@p.iam", "service_account"] {
        assert!(!indented.contains(hidden), "{indented}");
    }
}
