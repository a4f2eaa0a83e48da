//! Base64 as Go's `encoding/base64` decodes it, with its error text, because that reaches clients. Pure.

/// `base64.StdEncoding.DecodeString`: padded, line breaks skipped, spare bits ignored.
///
/// # Errors
/// Go's text, with the position it names.
pub fn decode(text: &str) -> Result<Vec<u8>, String> {
    let src = text.as_bytes();
    let mut out = Vec::with_capacity(src.len() / 4 * 3);
    let mut at = 0;
    while let Some((bits, count)) = quantum(src, &mut at).map_err(|at| format!("illegal base64 data at input byte {at}"))? {
        out.extend_from_slice(&bits.to_be_bytes()[1..count]);
        if count < 4 {
            break;
        }
    }
    Ok(out)
}

/// Four characters as 24 bits, and how many of them were no padding; `None` at the end. The error is the position.
fn quantum(src: &[u8], at: &mut usize) -> Result<Option<(u32, usize)>, usize> {
    let mut bits = 0;
    let mut count = 0;
    while count < 4 {
        let Some(byte) = src.get(*at) else {
            return if count == 0 { Ok(None) } else { Err(*at - count) };
        };
        *at += 1;
        match byte {
            b'\r' | b'\n' => continue,
            b'=' => {
                end_of_padding(src, at, count)?;
                return Ok(Some((bits << (6 * (4 - count)), count)));
            }
            _ => {
                bits = bits << 6 | value(*byte).ok_or(*at - 1)?;
                count += 1;
            }
        }
    }
    Ok(Some((bits, 4)))
}

/// Behind the first `=`: another one where two characters came before, and nothing else.
fn end_of_padding(src: &[u8], at: &mut usize, count: usize) -> Result<(), usize> {
    let skip_breaks = |at: &mut usize| {
        while matches!(src.get(*at), Some(b'\r' | b'\n')) {
            *at += 1;
        }
    };
    match count {
        0 | 1 => return Err(*at - 1),
        2 => {
            skip_breaks(at);
            match src.get(*at) {
                None => return Err(src.len()),
                Some(b'=') => *at += 1,
                Some(_) => return Err(*at - 1),
            }
        }
        _ => {}
    }
    skip_breaks(at);
    if *at < src.len() {
        return Err(*at);
    }
    Ok(())
}

fn value(byte: u8) -> Option<u32> {
    let value = match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(u32::from(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD;
    use base64::Engine;
    use proptest::prelude::*;

    /// Each line was printed by Go 1.19.
    #[test]
    fn texts_and_positions() {
        for (text, want) in [
            ("", Ok("")),
            ("eA==", Ok("x")),
            ("eA\n=\r\n=\n", Ok("x")),
            ("eHk=", Ok("xy")),
            ("eB==", Ok("x")),
            ("eHl6", Ok("xyz")),
            ("***", Err(0)),
            ("abc", Err(0)),
            ("eHl6abc", Err(4)),
            ("eHl6a", Err(4)),
            ("e===", Err(1)),
            ("=", Err(0)),
            ("eA=", Err(3)),
            ("eA=x", Err(2)),
            ("eA==x", Err(4)),
            ("eHk=x", Err(4)),
            ("eHl-", Err(3)),
        ] {
            let want = want.map(|text| text.as_bytes().to_vec()).map_err(|at| format!("illegal base64 data at input byte {at}"));
            assert_eq!(decode(text), want, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_read_back(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            prop_assert_eq!(decode(&STANDARD.encode(&bytes)), Ok(bytes));
        }

        #[test]
        fn no_text_panics(text in "[A-Za-z0-9+/=\r\n*]{0,12}") {
            let _ = decode(&text);
        }
    }
}
