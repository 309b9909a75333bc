use super::*;

fn key() -> (Keys, Recipient) {
    let (text, public) = generate();
    (Keys::parse(text.expose(), "here".to_owned()).unwrap(), public)
}

fn opened(keys: &Keys, text: &str) -> Result<String, OpenError> {
    keys.open(text).map(|secret| secret.expose().to_owned())
}

#[test]
fn every_recipient_opens_what_was_encrypted_and_nobody_else() {
    let ((ann, to_ann), (ben, to_ben), (eve, _)) = (key(), key(), key());
    for value in ["", "hunter2", "a\nb\n", "ü\u{0}", &"x".repeat(200_000)] {
        let text = encrypt(&[to_ann.clone(), to_ben.clone()], &Secret::new(value.to_owned())).unwrap();
        assert!(is_age(&text) && text.ends_with("\n"));
        assert_eq!(opened(&ann, &text).as_deref(), Ok(value));
        assert_eq!(opened(&ben, &as_one_line(&text).unwrap()).as_deref(), Ok(value));
        assert_eq!(opened(&eve, &text), Err(OpenError::OtherKeys));
    }
    assert!(encrypt(&[], &Secret::new(String::new())).is_err());
}

#[test]
fn no_part_of_a_text_and_no_altered_text_is_opened() {
    let (ann, to_ann) = key();
    let text = encrypt(&[to_ann], &Secret::new("hunter2".to_owned())).unwrap();
    for end in 0..text.trim_end().len() {
        assert!(opened(&ann, &text[..end]).is_err(), "{end}");
    }
    let one_line = as_one_line(&text).unwrap();
    for end in 0..one_line.len() {
        assert!(opened(&ann, &one_line[..end]).is_err(), "{end}");
    }
    for at in (0..text.trim_end().len()).filter(|at| text.as_bytes()[*at].is_ascii_alphanumeric()) {
        let mut altered = text.clone();
        let other = if text.as_bytes()[at] == b'A' { "B" } else { "A" };
        altered.replace_range(at..=at, other);
        assert!(opened(&ann, &altered).is_err(), "{altered}");
    }
    for other in ["", "x", "aGVsbG8=", "-----BEGIN PGP MESSAGE-----"] {
        assert_eq!(opened(&ann, other), Err(OpenError::NotAge));
    }
}

#[test]
fn a_folded_or_indented_text_is_the_same_text() {
    let (ann, to_ann) = key();
    let text = encrypt(&[to_ann], &Secret::new("hunter2".to_owned())).unwrap();
    let folded = text.replace("\n", " ");
    assert_eq!(opened(&ann, &folded).as_deref(), Ok("hunter2"));
    let yaml = format!("secure: |\n  {}\n", text.trim_end().replace('\n', "\n  "));
    assert_eq!(opened(&ann, find_armoured(&yaml).unwrap()).as_deref(), Ok("hunter2"));
}

#[test]
fn a_file_of_keys_has_comments_and_several_keys() {
    let ((one, _), (two, _)) = (generate(), generate());
    let keys =
        Keys::parse(&format!("# mine\n\n{}  \r\n{}", one.expose(), two.expose()), String::new()).unwrap();
    assert_eq!(keys.recipients().len(), 2);
    for (text, why) in [
        ("# none\n", "there is no key in it"),
        ("\nage1x", "line 2 is a recipient, the public half of a key"),
        ("AGE-SECRET-KEY-1XYZ", "line 1 is no secret key: one begins with AGE-SECRET-KEY-1"),
    ] {
        assert_eq!(
            Keys::parse(text, String::new()).err().map(|error| error.to_string()).as_deref(),
            Some(why)
        );
    }
}
