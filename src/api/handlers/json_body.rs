//! JSON bodies read as Go's `json.Unmarshal` reads them, down to the texts of its errors, which reach clients
//! (v3.5.3 http-cluster-volume.md §3.1).
//!
//! [`parse`] checks the whole text first; an [`Object`] then hands out members without regard to the case of their names, the last one
//! winning. The first member of a wrong type is the error, but all members are looked at, as in Go.
//!
//! Must not know: what a body is for.

use crate::wire::reply::Fault;

/// Nested deeper than this a text is refused (Go: 10,000; nothing that reaches us needs 100).
const DEPTH_MAX: usize = 200;

/// A JSON value; numbers keep their text.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// What Go calls the kind of the value in its messages.
    fn kind(&self) -> &'static str {
        match self {
            Json::Null => "null",
            Json::Bool(_) => "bool",
            Json::Number(_) => "number",
            Json::Text(_) => "string",
            Json::Array(_) => "array",
            Json::Object(_) => "object",
        }
    }
}

/// Reads a whole body.
///
/// # Errors
/// `PARAM` with Go's text of a syntax error.
pub fn parse(body: &[u8]) -> Result<Json, Fault> {
    let mut scanner = Scanner { bytes: body, at: 0 };
    scanner.document().map_err(Fault::param)
}

/// Go's refusal of a value that cannot become `go_type`.
pub fn wrong_type(json: &Json, go_type: &str) -> Fault {
    Fault::param(format!("json: cannot unmarshal {} into Go value of type {go_type}", json.kind()))
}

/// An object being read into a Go struct: collects the first error of a type.
pub struct Object<'a> {
    members: &'a [(String, Json)],
    /// Name of the Go struct, without its package.
    name: String,
    fault: Option<Fault>,
}

impl<'a> Object<'a> {
    /// The members of `json`; `null` has none. `go_type` is the Go name with its package: `proto.UserCreateParam`.
    ///
    /// # Errors
    /// `PARAM` when it is another kind of value.
    pub fn new(json: &'a Json, go_type: &str) -> Result<Self, Fault> {
        let members: &[_] = match json {
            Json::Object(members) => members,
            Json::Null => &[],
            other => return Err(wrong_type(other, go_type)),
        };
        let name = go_type.rsplit('.').next().unwrap_or(go_type).to_owned();
        Ok(Self { members, name, fault: None })
    }

    /// The member of this name, if it is there and not null.
    pub fn get(&self, key: &str) -> Option<&'a Json> {
        let named = |(name, _): &&(String, Json)| name.eq_ignore_ascii_case(key);
        self.members.iter().rev().find(named).map(|(_, value)| value).filter(|value| **value != Json::Null)
    }

    fn mismatch<T: Default>(&mut self, key: &str, value: &str, go_type: &str) -> T {
        let text = format!("json: cannot unmarshal {value} into Go struct field {}.{key} of type {go_type}", self.name);
        self.fault.get_or_insert_with(|| Fault::param(text));
        T::default()
    }

    /// A text member, "" when absent.
    pub fn text(&mut self, key: &str) -> String {
        match self.get(key) {
            None => String::new(),
            Some(Json::Text(text)) => text.clone(),
            Some(other) => self.mismatch(key, other.kind(), "string"),
        }
    }

    /// A bool member, false when absent.
    pub fn flag(&mut self, key: &str) -> bool {
        match self.get(key) {
            None => false,
            Some(Json::Bool(value)) => *value,
            Some(other) => self.mismatch(key, other.kind(), "bool"),
        }
    }

    /// An integer member, 0 when absent. `go_type` is the name of the Go type, whose range is that of `T`.
    pub fn number<T: std::str::FromStr + Default>(&mut self, key: &str, go_type: &str) -> T {
        match self.get(key) {
            None => T::default(),
            Some(Json::Number(text)) => match text.parse() {
                Ok(value) => value,
                Err(_) => self.mismatch(key, &format!("number {text}"), go_type),
            },
            Some(other) => self.mismatch(key, other.kind(), go_type),
        }
    }

    /// A list of texts, empty when absent.
    pub fn texts(&mut self, key: &str) -> Vec<String> {
        let items = match self.get(key) {
            None => return Vec::new(),
            Some(Json::Array(items)) => items,
            Some(other) => return self.mismatch(key, other.kind(), "[]string"),
        };
        let mut out = Vec::with_capacity(items.len());
        for item in items {
            out.push(match item {
                Json::Text(text) => text.clone(),
                Json::Null => String::new(),
                other => self.mismatch(key, other.kind(), "string"),
            });
        }
        out
    }

    /// `value`, unless a member had a wrong type.
    ///
    /// # Errors
    /// `PARAM` with Go's text.
    pub fn finish<T>(self, value: T) -> Result<T, Fault> {
        match self.fault {
            Some(fault) => Err(fault),
            None => Ok(value),
        }
    }
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

const END: &str = "unexpected end of JSON input";

impl Scanner<'_> {
    fn document(&mut self) -> Result<Json, String> {
        let value = self.value(0)?;
        match self.next_visible() {
            None => Ok(value),
            Some(c) => Err(invalid(c, "after top-level value")),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// The next byte that is no white space; the scanner stays in front of it.
    fn next_visible(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.peek() {
            self.at += 1;
        }
        self.peek()
    }

    fn value(&mut self, depth: usize) -> Result<Json, String> {
        if depth > DEPTH_MAX {
            return Err("exceeded max depth".into());
        }
        match self.next_visible() {
            None => Err(END.into()),
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.text().map(Json::Text),
            Some(b't') => self.literal("true", Json::Bool(true)),
            Some(b'f') => self.literal("false", Json::Bool(false)),
            Some(b'n') => self.literal("null", Json::Null),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(c) => Err(invalid(c, "looking for beginning of value")),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Json, String> {
        self.at += 1;
        let mut members = Vec::new();
        if self.next_visible() == Some(b'}') {
            self.at += 1;
            return Ok(Json::Object(members));
        }
        loop {
            let key = match self.next_visible() {
                Some(b'"') => self.text()?,
                Some(c) => return Err(invalid(c, "looking for beginning of object key string")),
                None => return Err(END.into()),
            };
            self.expect(b':', "after object key")?;
            members.push((key, self.value(depth + 1)?));
            match self.next_visible() {
                Some(b',') => self.at += 1,
                Some(b'}') => break self.at += 1,
                Some(c) => return Err(invalid(c, "after object key:value pair")),
                None => return Err(END.into()),
            }
        }
        Ok(Json::Object(members))
    }

    fn array(&mut self, depth: usize) -> Result<Json, String> {
        self.at += 1;
        let mut items = Vec::new();
        if self.next_visible() == Some(b']') {
            self.at += 1;
            return Ok(Json::Array(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            match self.next_visible() {
                Some(b',') => self.at += 1,
                Some(b']') => break self.at += 1,
                Some(c) => return Err(invalid(c, "after array element")),
                None => return Err(END.into()),
            }
        }
        Ok(Json::Array(items))
    }

    fn expect(&mut self, wanted: u8, context: &str) -> Result<(), String> {
        match self.next_visible() {
            Some(c) if c == wanted => {
                self.at += 1;
                Ok(())
            }
            Some(c) => Err(invalid(c, context)),
            None => Err(END.into()),
        }
    }

    fn literal(&mut self, word: &str, value: Json) -> Result<Json, String> {
        for (i, wanted) in word.bytes().enumerate() {
            match self.peek() {
                Some(c) if c == wanted => self.at += 1,
                Some(c) if i > 0 => return Err(invalid(c, &format!("in literal {word} (expecting {})", quoted(wanted)))),
                _ => return Err(END.into()),
            }
        }
        Ok(value)
    }

    fn digits(&mut self, context: &str) -> Result<(), String> {
        match self.peek() {
            Some(b'0'..=b'9') => {
                while let Some(b'0'..=b'9') = self.peek() {
                    self.at += 1;
                }
                Ok(())
            }
            Some(c) => Err(invalid(c, context)),
            None => Err(END.into()),
        }
    }

    fn number(&mut self) -> Result<Json, String> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits("in numeric literal")?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits("after decimal point in numeric literal")?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits("in exponent of numeric literal")?;
        }
        Ok(Json::Number(String::from_utf8_lossy(&self.bytes[start..self.at]).into_owned()))
    }

    /// A string, from its opening quote.
    fn text(&mut self) -> Result<String, String> {
        self.at += 1;
        let mut out = Vec::new();
        loop {
            let Some(c) = self.peek() else { return Err(END.into()) };
            self.at += 1;
            match c {
                b'"' => return Ok(String::from_utf8_lossy(&out).into_owned()),
                b'\\' => {
                    let c = self.escape()?;
                    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                }
                0..=0x1F => return Err(invalid(c, "in string literal")),
                c => out.push(c),
            }
        }
    }

    fn escape(&mut self) -> Result<char, String> {
        let Some(c) = self.peek() else { return Err(END.into()) };
        self.at += 1;
        Ok(match c {
            b'"' | b'\\' | b'/' => char::from(c),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(),
            c => return Err(invalid(c, "in string escape code")),
        })
    }

    /// `\uXXXX`, two of them for a surrogate pair; half a pair is U+FFFD.
    fn unicode(&mut self) -> Result<char, String> {
        let first = self.hex()?;
        if (0xD800..0xDC00).contains(&first) && self.bytes[self.at..].starts_with(b"\\u") {
            let back = self.at;
            self.at += 2;
            let second = self.hex()?;
            if (0xDC00..0xE000).contains(&second) {
                return Ok(char::from_u32(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00)).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.at = back;
        }
        Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn hex(&mut self) -> Result<u32, String> {
        let mut value = 0;
        for _ in 0..4 {
            let Some(c) = self.peek() else { return Err(END.into()) };
            let Some(digit) = char::from(c).to_digit(16) else { return Err(invalid(c, "in \\u hexadecimal character escape")) };
            value = value * 16 + digit;
            self.at += 1;
        }
        Ok(value)
    }
}

fn invalid(c: u8, context: &str) -> String {
    format!("invalid character {} {context}", quoted(c))
}

/// A byte as Go quotes it in these messages.
fn quoted(c: u8) -> String {
    match c {
        b'\'' => "'\\''".into(),
        b'"' => "'\"'".into(),
        b'\\' => "'\\\\'".into(),
        b'\n' => "'\\n'".into(),
        b'\r' => "'\\r'".into(),
        b'\t' => "'\\t'".into(),
        7 => "'\\a'".into(),
        8 => "'\\b'".into(),
        11 => "'\\v'".into(),
        12 => "'\\f'".into(),
        0..=0x1F | 0x7F => format!("'\\x{c:02x}'"),
        0x80..=0xA0 | 0xAD => format!("'\\u{:04x}'", u32::from(c)),
        c => format!("'{}'", char::from(c)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> String {
        parse(text.as_bytes()).unwrap_err().msg.into_owned()
    }

    #[test]
    fn syntax_errors_have_gos_texts() {
        for (text, want) in [
            ("", "unexpected end of JSON input"),
            ("xyz", "invalid character 'x' looking for beginning of value"),
            ("{", "unexpected end of JSON input"),
            ("{a}", "invalid character 'a' looking for beginning of object key string"),
            (r#"{"a"}"#, "invalid character '}' after object key"),
            (r#"{"a":1 "b"}"#, "invalid character '\"' after object key:value pair"),
            ("[1 2]", "invalid character '2' after array element"),
            ("{} x", "invalid character 'x' after top-level value"),
            ("trux", "invalid character 'x' in literal true (expecting 'e')"),
            ("-x", "invalid character 'x' in numeric literal"),
            ("01", "invalid character '1' after top-level value"),
            ("1.", "unexpected end of JSON input"),
            ("\"\n\"", "invalid character '\\n' in string literal"),
            (r#""\x""#, "invalid character 'x' in string escape code"),
        ] {
            assert_eq!(fault(text), want, "{text}");
        }
    }

    #[test]
    fn types_that_do_not_fit_are_named() {
        for (text, want) in [
            (r#"{"id":"ua","type":"3"}"#, "json: cannot unmarshal string into Go struct field UserCreateParam.type of type proto.UserType"),
            (r#"{"type":300}"#, "json: cannot unmarshal number 300 into Go struct field UserCreateParam.type of type proto.UserType"),
            (r#"{"id":1,"type":300}"#, "json: cannot unmarshal number into Go struct field UserCreateParam.id of type string"),
        ] {
            let json = parse(text.as_bytes()).unwrap();
            let mut object = Object::new(&json, "proto.UserCreateParam").unwrap();
            let (id, kind) = (object.text("id"), object.number::<u8>("type", "proto.UserType"));
            assert_eq!(object.finish((id, kind)).unwrap_err().msg, want);
        }
        let array = parse(b"[]").unwrap();
        let want = "json: cannot unmarshal array into Go value of type proto.UserCreateParam";
        assert_eq!(Object::new(&array, "proto.UserCreateParam").err().unwrap().msg, want);
    }

    #[test]
    fn names_match_in_any_case_and_null_is_absent() {
        let json = parse(br#"{"ID":"uc","Type":3,"Extra":[{}],"policy":null}"#).unwrap();
        let mut object = Object::new(&json, "proto.X").unwrap();
        assert_eq!((object.text("id"), object.number::<u8>("type", "uint8"), object.texts("policy")), ("uc".into(), 3, vec![]));
        assert!(object.finish(()).is_ok());
    }

    #[test]
    fn deep_nesting_is_refused_without_a_crash() {
        assert_eq!(fault(&"[".repeat(1 << 20)), "exceeded max depth");
    }

    #[test]
    fn escapes_are_resolved() {
        assert_eq!(parse(br#""a\n\u00e9\ud83d\ude00\ud800x""#), Ok(Json::Text("a\né😀\u{FFFD}x".into())));
    }
}
