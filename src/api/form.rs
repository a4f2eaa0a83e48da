//! Where parameters come from: Go's form semantics (v3.5.3 http-general.md §10.1). Pure: bytes in, values and the first error out.
//!
//! Values of the body come before those of the query, the first value of a key wins, pairs that cannot be decoded are skipped, and
//! the first error is kept beside what could be read: whoever parses explicitly reports it, the others ignore it.

use super::go_parse::quote;
use super::media::MediaType;
use super::multipart;
use super::params::Params;
use crate::limits;
use crate::wire::reply::Fault;
use http::Method;

/// The parts of a request that parameters are read from.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    pub method: &'a Method,
    /// The raw query, without `?`.
    pub query: &'a str,
    /// The raw header, if there is one.
    pub content_type: Option<&'a [u8]>,
    pub body: &'a [u8],
}

/// What an explicit parse gives: the parameters, or code 2 with the text of the first error.
pub fn explicit(source: Source<'_>) -> Result<Params, Fault> {
    match parse(source) {
        (params, None) => Ok(params),
        (_, Some(error)) => Err(Fault::param(error)),
    }
}

/// What handlers see that never parse explicitly: whatever could be read, the fields of a multipart body last.
pub fn implicit(source: Source<'_>) -> Params {
    let (mut params, _) = parse(source);
    let boundary = source.content_type.and_then(|value| MediaType::parse(value).ok()).and_then(|media| {
        let form_data = media.name == "multipart/form-data";
        media.param("boundary").filter(|_| form_data).map(str::to_owned)
    });
    if let Some(fields) = boundary.and_then(|boundary| multipart::fields(source.body, &boundary)) {
        for (name, value) in fields {
            params.push(name, value);
        }
    }
    params
}

/// What parsing leaves of the body: nothing of a form.
pub fn unread<'a>(source: Source<'a>) -> &'a [u8] {
    let reads_body = matches!(*source.method, Method::POST | Method::PUT | Method::PATCH);
    let is_form = |media: &str| media == "application/x-www-form-urlencoded";
    let form = source.content_type.filter(|value| !value.is_empty()).is_some_and(|value| match MediaType::parse(value) {
        Ok(media) => is_form(&media.name),
        Err(error) => is_form(&error.media_type),
    });
    if reads_body && form {
        &[]
    } else {
        source.body
    }
}

fn parse(source: Source<'_>) -> (Params, Option<String>) {
    let mut params = Params::default();
    let mut error = None;
    if matches!(*source.method, Method::POST | Method::PUT | Method::PATCH) {
        error = parse_body(source, &mut params);
    }
    let query_error = parse_pairs(source.query.as_bytes(), &mut params);
    (params, error.or(query_error))
}

/// A form-encoded body. A bad parameter of the content type is an error, and yet the body is read.
fn parse_body(source: Source<'_>, params: &mut Params) -> Option<String> {
    let (media, error) = match source.content_type.filter(|value| !value.is_empty()) {
        None => return None,
        Some(value) => match MediaType::parse(value) {
            Ok(media) => (media.name, None),
            Err(error) => (error.media_type, Some(error.text.to_owned())),
        },
    };
    if media != "application/x-www-form-urlencoded" {
        return error;
    }
    if source.body.len() > limits::HTTP_FORM_BYTES_MAX {
        return Some("http: POST too large".into());
    }
    let pairs_error = parse_pairs(source.body, params);
    error.or(pairs_error)
}

/// Go's `url.ParseQuery`: adds the pairs, gives the error. One about a semicolon outdoes one about an escape.
fn parse_pairs(text: &[u8], params: &mut Params) -> Option<String> {
    let mut error = None;
    for pair in text.split(|byte| *byte == b'&') {
        if pair.contains(&b';') {
            error = Some("invalid semicolon separator in query".to_owned());
            continue;
        }
        if pair.is_empty() {
            continue;
        }
        let mut halves = pair.splitn(2, |byte| *byte == b'=');
        let (key, value) = (halves.next().unwrap_or_default(), halves.next().unwrap_or_default());
        match unescape(key).and_then(|key| Ok((key, unescape(value)?))) {
            Ok((key, value)) => params.push(key, value),
            Err(bad) => error = error.or(Some(bad)),
        }
    }
    error
}

/// Go's `url.QueryUnescape`.
fn unescape(text: &[u8]) -> Result<String, String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [byte, tail @ ..] = rest {
        rest = match (byte, tail) {
            (b'%', [high, low, tail @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                out.push(hex(*high) << 4 | hex(*low));
                tail
            }
            (b'%', _) => {
                let shown = text_of(&rest[..rest.len().min(3)]);
                return Err(format!("invalid URL escape {}", quote(&shown)));
            }
            (b'+', _) => {
                out.push(b' ');
                tail
            }
            _ => {
                out.push(*byte);
                tail
            }
        };
    }
    Ok(text_of(&out))
}

fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => digit - b'A' + 10,
    }
}

/// Text of bytes as Go's JSON shows it: each byte that is not UTF-8 becomes U+FFFD.
pub(super) fn text_of(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        out.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FORM: &str = "application/x-www-form-urlencoded";

    fn post<'a>(query: &'a str, content_type: &'a str, body: &'a str) -> Source<'a> {
        Source { method: &Method::POST, query, content_type: Some(content_type.as_bytes()), body: body.as_bytes() }
    }

    fn get(query: &str) -> Source<'_> {
        Source { method: &Method::GET, query, content_type: None, body: b"" }
    }

    fn error(source: Source<'_>) -> String {
        explicit(source).unwrap_err().to_string()
    }

    #[test]
    fn the_first_value_of_a_key_wins_and_the_body_comes_first() {
        assert_eq!(explicit(get("a=1&a=2&b")).unwrap().get("a"), "1");
        let params = explicit(post("a=q&c=3", FORM, "a=b&b=%C3%A9+x")).unwrap();
        assert_eq!((params.get("a"), params.get("b"), params.get("c"), params.get("d")), ("b", "é x", "3", ""));
    }

    #[test]
    fn a_body_counts_only_when_its_method_and_type_say_so() {
        let all = |source| implicit(source).get("a").to_owned();
        assert_eq!(all(post("", FORM, "a=1")), "1");
        assert_eq!(all(post("", "APPLICATION/X-www-form-urlencoded ; charset=utf-8", "a=1")), "1");
        assert_eq!(all(post("", "text/plain", "a=1")), "");
        assert_eq!(all(post("", "application/json", "a=1")), "");
        assert_eq!(all(Source { method: &Method::DELETE, ..post("", FORM, "a=1") }), "");
        assert_eq!(all(Source { method: &Method::PUT, ..post("", FORM, "a=1") }), "1");
        assert_eq!(all(Source { content_type: None, ..post("", FORM, "a=1") }), "");
    }

    #[test]
    fn error_texts_are_those_of_go() {
        for (query, text) in [
            ("a=1;b=2", "invalid semicolon separator in query"),
            ("a=%zz", "invalid URL escape \"%zz\""),
            ("%", "invalid URL escape \"%\""),
            ("x=%4", "invalid URL escape \"%4\""),
            ("x=%\"1", "invalid URL escape \"%\\\"1\""),
            ("a=%zz&b;c", "invalid semicolon separator in query"),
            ("b;c&a=%zz", "invalid semicolon separator in query"),
        ] {
            assert_eq!(error(get(query)), text);
        }
        assert_eq!(error(post("a=%zz", FORM, "a=%yy")), "invalid URL escape \"%yy\"");
        assert_eq!(error(post("a=%zz", "a/b; =", "a=%yy")), "mime: invalid media parameter");
        assert_eq!(error(post("", "/", "")), "mime: no media type");
        assert_eq!(explicit(post("", FORM, "%zz")).unwrap_err().code, 2);
    }

    #[test]
    fn what_can_be_read_is_read_beside_an_error() {
        let params = implicit(get("name=nosuch&other=%zz&x;y=1&last=%31"));
        assert_eq!((params.get("name"), params.get("other"), params.get("last")), ("nosuch", "", "1"));
        assert_eq!(implicit(post("", "application/x-www-form-urlencoded; =", "a=1")).get("a"), "1");
    }

    #[test]
    fn a_form_body_has_a_limit() {
        let large = format!("a={}", "x".repeat(limits::HTTP_FORM_BYTES_MAX));
        assert_eq!(error(post("", FORM, &large)), "http: POST too large");
        assert_eq!(implicit(post("q=1", FORM, &large)).get("q"), "1");
    }

    #[test]
    fn multipart_counts_only_without_an_explicit_parse() {
        let body = "--B\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nnosuch\r\n--B--\r\n";
        let source = post("authKey=k", "multipart/form-data; boundary=B", body);
        assert_eq!(implicit(source).get("name"), "nosuch");
        assert_eq!(implicit(source).get("authKey"), "k");
        assert_eq!(explicit(source).unwrap().get("name"), "");
    }

    #[test]
    fn bytes_that_are_no_text_become_one_replacement_each() {
        assert_eq!(implicit(get("a=%e4%b8x")).get("a"), "\u{fffd}\u{fffd}x");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(query in "\\PC*", kind in "\\PC*", body in proptest::collection::vec(any::<u8>(), 0..200)) {
            for content_type in [kind.as_str(), FORM, "multipart/form-data; boundary=B"] {
                let source = Source { method: &Method::POST, query: &query, content_type: Some(content_type.as_bytes()), body: &body };
                let _ = explicit(source);
                implicit(source);
            }
        }

        #[test]
        fn what_is_encoded_is_read_back(pairs in proptest::collection::vec(("\\PC{1,8}", "\\PC{0,8}"), 0..6)) {
            let encode = |s: &str| percent_encoding::utf8_percent_encode(s, percent_encoding::NON_ALPHANUMERIC).to_string();
            let query = pairs.iter().map(|(k, v)| format!("{}={}", encode(k), encode(v))).collect::<Vec<_>>().join("&");
            let params = explicit(get(&query)).unwrap();
            for (key, _) in &pairs {
                let first = pairs.iter().find(|(k, _)| k == key).unwrap();
                prop_assert_eq!(params.get(key), &first.1);
            }
        }
    }
}
