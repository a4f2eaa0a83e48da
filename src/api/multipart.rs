//! The fields of a `multipart/form-data` body, as Go's `mime/multipart` finds them. Pure.
//!
//! Files are skipped. A body that does not end with its closing boundary, or has a part without a header block, has no fields at all.

use super::form::text_of;
use super::media::MediaType;

/// Parts read from one body; more make the whole body void, as an unbounded number of them would be an attack.
const PARTS_MAX: usize = 1_000;

/// Names and values of the fields, in the order of the body.
pub fn fields(body: &[u8], boundary: &str) -> Option<Vec<(String, String)>> {
    let dash = format!("--{boundary}").into_bytes();
    let mut rest = skip_preamble(body, &dash)?;
    let mut fields = Vec::new();
    for _ in 0..PARTS_MAX {
        let (part, delimiter) = until_delimiter(rest, &dash)?;
        fields.extend(field(part)?);
        match delimiter {
            Delimiter::End => return Some(fields),
            Delimiter::Next(after) => rest = after,
        }
    }
    None
}

enum Delimiter<'a> {
    Next(&'a [u8]),
    End,
}

/// What follows the first boundary line.
fn skip_preamble<'a>(body: &'a [u8], dash: &[u8]) -> Option<&'a [u8]> {
    let mut rest = body;
    loop {
        if let Some(after) = rest.strip_prefix(dash).and_then(end_of_line) {
            return Some(after);
        }
        let line = rest.iter().position(|byte| *byte == b'\n')?;
        rest = &rest[line + 1..];
    }
}

/// A part and the delimiter behind it: a line break, the dashes and the boundary, then `--` or a line break.
fn until_delimiter<'a>(rest: &'a [u8], dash: &[u8]) -> Option<(&'a [u8], Delimiter<'a>)> {
    // The delimiter may follow the boundary line before it without a part between them.
    let breaks = rest.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at);
    for at in breaks {
        let Some(after) = rest[at + 1..].strip_prefix(dash) else { continue };
        let part = rest[..at].strip_suffix(b"\r").unwrap_or(&rest[..at]);
        if after.starts_with(b"--") {
            return Some((part, Delimiter::End));
        }
        if let Some(next) = end_of_line(after) {
            return Some((part, Delimiter::Next(next)));
        }
    }
    None
}

/// What follows when only blanks stand before the line's end.
fn end_of_line(text: &[u8]) -> Option<&[u8]> {
    let blanks = text.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let text = &text[blanks..];
    text.strip_prefix(b"\r\n").or_else(|| text.strip_prefix(b"\n"))
}

/// The field of a part; `Some(None)` for a part that is none, `None` when its header never ends.
fn field(part: &[u8]) -> Option<Option<(String, String)>> {
    let mut rest = part;
    let mut disposition = None;
    loop {
        let end = rest.iter().position(|byte| *byte == b'\n')?;
        let line = rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]);
        rest = &rest[end + 1..];
        if line.is_empty() {
            break;
        }
        let colon = line.iter().position(|byte| *byte == b':')?;
        if line[..colon].eq_ignore_ascii_case(b"content-disposition") {
            disposition = MediaType::parse(line[colon + 1..].trim_ascii()).ok();
        }
    }
    let Some(disposition) = disposition.filter(|d| d.name == "form-data" && d.param("filename").is_none()) else {
        return Some(None);
    };
    let name = disposition.param("name").filter(|name| !name.is_empty());
    Some(name.map(|name| (name.to_owned(), text_of(rest))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn part(headers: &str, value: &str) -> String {
        format!("--B\r\n{headers}\r\n\r\n{value}\r\n")
    }

    fn read(body: &str) -> Option<Vec<(String, String)>> {
        fields(body.as_bytes(), "B")
    }

    #[test]
    fn fields_are_read_and_files_skipped() {
        let body = format!(
            "preamble\r\n{}{}{}{}--B--\r\n",
            part("Content-Disposition: form-data; name=\"a\"", "1\r\n2\r\n--Bx"),
            part("content-disposition: form-data; name=f; filename=\"x\"", "file"),
            part("X-Other: y", "no name"),
            part("Content-Type: text/plain\r\nContent-Disposition: form-data; name=b", "")
        );
        let want = vec![("a".to_owned(), "1\r\n2\r\n--Bx".to_owned()), ("b".to_owned(), String::new())];
        assert_eq!(read(&body), Some(want.clone()));
        assert_eq!(read(&body.replace("\r\n", "\n")).map(|f| f.len()), Some(2));
    }

    #[test]
    fn a_cut_body_has_no_fields() {
        let whole = part("Content-Disposition: form-data; name=\"a\"", "1") + "--B--";
        for cut in 0..whole.len() - 1 {
            assert_eq!(read(&whole[..cut]), None, "{cut}");
        }
        assert!(read(&whole).is_some());
    }

    proptest! {
        #[test]
        fn any_body_is_read_without_panic(body in "(\r\n|--B|--|\n|:|[a-z ;=\"]|Content-Disposition: form-data; name=a){0,40}") {
            read(&body);
        }
    }
}
