//! Makes the request lines of v3.5.3 clients fit for hyper.
//!
//! The SDK puts parameters into the query without percent-encoding, and Go's server takes any visible byte there; hyper's does not.
//! So `"`, `<`, `>`, `#` and bytes outside ASCII are percent-encoded in the query of a request line, which does not change what they
//! decode to. Nothing else of the stream is touched.

/// Where in a request line the stream is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RequestLine {
    /// At its first byte, or in the method.
    #[default]
    Method,
    /// Behind the method's space.
    Path,
    Query,
    /// Behind the target, in headers or a body.
    Past,
}

impl RequestLine {
    /// Passes `bytes` on to `out`. `awaited` says that a new request is due: bytes that come then begin a request line.
    pub fn pass(&mut self, bytes: &[u8], awaited: bool, out: &mut Vec<u8>) {
        if awaited && *self == Self::Past && begins_request(bytes) {
            *self = Self::Method;
        }
        let mut rest = bytes;
        while let [byte, tail @ ..] = rest {
            if *self == Self::Past {
                break;
            }
            *self = match (*self, byte) {
                (Self::Method, b'A'..=b'Z') => Self::Method,
                (Self::Method, b' ') => Self::Path,
                // Empty lines may stand before a request.
                (Self::Method, b'\r' | b'\n') => Self::Method,
                (Self::Path, b'?') => Self::Query,
                (Self::Path | Self::Query, b'!'..=b'~' | 0x80..) => *self,
                _ => Self::Past,
            };
            match byte {
                b'"' | b'<' | b'>' | b'#' | 0x80.. if *self == Self::Query => out.extend(format!("%{byte:02X}").bytes()),
                _ => out.push(*byte),
            }
            rest = tail;
        }
        out.extend_from_slice(rest);
    }
}

/// A method's capital letters and the rest of a request follow, not what is left of a body.
fn begins_request(bytes: &[u8]) -> bool {
    let method = bytes.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
    method > 0 && bytes[method..].starts_with(b" /")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn passed(chunks: &[&[u8]]) -> String {
        let mut line = RequestLine::default();
        let mut all = Vec::new();
        for chunk in chunks {
            let mut out = Vec::new();
            line.pass(chunk, false, &mut out);
            all.extend(out);
        }
        String::from_utf8(all).unwrap()
    }

    #[test]
    fn only_the_query_of_the_request_line_is_encoded() {
        let request = "POST /a\"b?x=<\u{e9}>#\"{}|\\^` HTTP/1.1\r\nX: ?\"<\r\n\r\n?\"<";
        let want = "POST /a\"b?x=%3C%C3%A9%3E%23%22{}|\\^` HTTP/1.1\r\nX: ?\"<\r\n\r\n?\"<";
        assert_eq!(passed(&[request.as_bytes()]), want);
        for cut in 0..request.len() {
            let (one, other) = request.as_bytes().split_at(cut);
            assert_eq!(passed(&[one, other]), want);
        }
    }

    #[test]
    fn the_next_request_begins_where_one_is_awaited() {
        let (mut line, mut out) = (RequestLine::Past, Vec::new());
        line.pass(b"GET /b?\"", false, &mut out);
        assert_eq!(out, b"GET /b?\"");
        out.clear();
        line.pass(b"rest of a body?\"", true, &mut out);
        assert_eq!(out, b"rest of a body?\"");
        out.clear();
        line.pass(b"GET /b?\" ", true, &mut out);
        assert_eq!(out, b"GET /b?%22 ");
    }

    proptest! {
        #[test]
        fn plain_requests_pass_unchanged(text in "[A-Z]{1,6} /[a-zA-Z/]{0,20}\\?[a-z=&%0-9{}\\[\\]|]{0,40} HTTP/1.1\r\n[ -~]{0,80}") {
            prop_assert_eq!(passed(&[text.as_bytes()]), text);
        }
    }
}
