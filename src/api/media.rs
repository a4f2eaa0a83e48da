//! Go's `mime.ParseMediaType`, with its error texts. Pure.

use super::form::text_of;

/// `type/subtype; key=value`, lower case but for the values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MediaType {
    pub name: String,
    params: Vec<(String, String)>,
}

/// Why a content type is none. `media_type` is what Go gives beside the error: the name where only a parameter is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaError {
    pub media_type: String,
    pub text: &'static str,
}

impl MediaType {
    /// Reads a Content-Type.
    pub fn parse(value: &[u8]) -> Result<Self, MediaError> {
        let value = text_of(value);
        let base = value.split(';').next().unwrap_or_default();
        let name = base.to_lowercase().trim().to_owned();
        check_name(&name).map_err(|text| MediaError { media_type: String::new(), text })?;
        let params = params(&value[base.len()..])
            .map_err(|text| MediaError { media_type: if text == DUPLICATE { String::new() } else { name.clone() }, text })?;
        Ok(Self { name, params })
    }

    /// A parameter by its lower-case name.
    pub fn param(&self, key: &str) -> Option<&str> {
        self.params.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }
}

const INVALID: &str = "mime: invalid media parameter";
const DUPLICATE: &str = "mime: duplicate parameter name";

fn check_name(name: &str) -> Result<(), &'static str> {
    let (kind, rest) = token(name);
    if kind.is_empty() {
        return Err("mime: no media type");
    }
    if rest.is_empty() {
        return Ok(());
    }
    let rest = rest.strip_prefix('/').ok_or("mime: expected slash after first token")?;
    match token(rest) {
        ("", _) => Err("mime: expected token after slash"),
        (_, "") => Ok(()),
        _ => Err("mime: unexpected content after media subtype"),
    }
}

fn params(mut rest: &str) -> Result<Vec<(String, String)>, &'static str> {
    let mut params: Vec<(String, String)> = Vec::new();
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            return Ok(params);
        }
        let Some((key, value, after)) = param(rest) else {
            return if rest.trim() == ";" { Ok(params) } else { Err(INVALID) };
        };
        if params.iter().any(|(name, _)| *name == key) {
            return Err(DUPLICATE);
        }
        params.push((key, value));
        rest = after;
    }
}

/// `; key=value` and what follows it.
fn param(text: &str) -> Option<(String, String, &str)> {
    let (key, rest) = token(text.strip_prefix(';')?.trim_start());
    if key.is_empty() {
        return None;
    }
    let rest = rest.trim_start().strip_prefix('=')?.trim_start();
    let (value, after) = if rest.starts_with('"') { quoted(rest)? } else { (token(rest).0.to_owned(), token(rest).1) };
    (after.len() < rest.len()).then(|| (key.to_lowercase(), value, after))
}

/// A quoted text. A backslash escapes only the special characters, so that `"C:\dev\go"` stays whole.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &text[at + 1..])),
            '\r' | '\n' => return None,
            '\\' => match chars.next_if(|(_, next)| is_special(*next)) {
                Some((_, escaped)) => value.push(escaped),
                None => value.push('\\'),
            },
            _ => value.push(c),
        }
    }
    None
}

fn token(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_graphic() || is_special(c)).unwrap_or(text.len());
    text.split_at(end)
}

fn is_special(c: char) -> bool {
    r#"()<>@,;:\"/[]?="#.contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each line was printed by Go 1.19.
    #[test]
    fn names_parameters_and_errors() {
        for (value, want) in [
            ("text/plain", "text/plain"),
            (" Text/PLAIN ;", "text/plain"),
            ("form", "form"),
            ("a/b; c=d; E=\"f;\\\"g\\x\"", "a/b c=d e=f;\"g\\x"),
            ("a/b; c=d; c=d", "! mime: duplicate parameter name"),
            ("a/b; c=d; c=e", "! mime: duplicate parameter name"),
            ("a/b; =", "a/b! mime: invalid media parameter"),
            ("a/b; c", "a/b! mime: invalid media parameter"),
            ("a/b; c=", "a/b! mime: invalid media parameter"),
            ("a/b; c=\"d", "a/b! mime: invalid media parameter"),
            ("a/b; c=\"\"", "a/b c="),
            ("a/b c", "! mime: unexpected content after media subtype"),
            ("a/", "! mime: expected token after slash"),
            ("a b", "! mime: expected slash after first token"),
            ("/", "! mime: no media type"),
            ("", "! mime: no media type"),
        ] {
            let got = match MediaType::parse(value.as_bytes()) {
                Ok(media) => media.params.iter().fold(media.name.clone(), |text, (k, v)| format!("{text} {k}={v}")),
                Err(error) => format!("{}! {}", error.media_type, error.text),
            };
            assert_eq!(got, want, "{value}");
        }
    }
}
