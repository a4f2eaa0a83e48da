//! Numbers and truth values as Go's `strconv` reads them, with its error texts, because these texts reach the client
//! (v3.5.3 http-general.md §10.2). Pure.

use std::fmt;

/// Why a text is no number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumError<T> {
    function: &'static str,
    input: String,
    kind: Kind,
    /// What Go returns beside the error: 0, or the nearest value of the range. Some texts show it.
    pub value: T,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Syntax,
    Range,
}

impl<T> fmt::Display for NumError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::Syntax => "invalid syntax",
            Kind::Range => "value out of range",
        };
        write!(f, "strconv.{}: parsing {}: {kind}", self.function, quote(&self.input))
    }
}

impl<T: fmt::Debug> std::error::Error for NumError<T> {}

fn error<T>(function: &'static str, input: &str, kind: Kind, value: T) -> NumError<T> {
    NumError { function, input: input.to_owned(), kind, value }
}

/// `strconv.ParseBool`.
pub fn parse_bool(text: &str) -> Result<bool, NumError<bool>> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(false),
        _ => Err(error("ParseBool", text, Kind::Syntax, false)),
    }
}

/// `strconv.ParseUint(text, 10, bits)`: digits only, no sign, no underscore.
pub fn parse_uint(text: &str, bits: u32) -> Result<u64, NumError<u64>> {
    unsigned(text, bits).map_err(|kind| {
        let value = if kind == Kind::Range { u64::MAX >> (64 - bits) } else { 0 };
        error("ParseUint", text, kind, value)
    })
}

/// `strconv.ParseInt(text, 10, bits)`: an optional sign, then digits.
pub fn parse_int(text: &str, bits: u32) -> Result<i64, NumError<i64>> {
    signed("ParseInt", text, bits)
}

/// `strconv.Atoi`: as `ParseInt` with 64 bits, under its own name.
pub fn atoi(text: &str) -> Result<i64, NumError<i64>> {
    signed("Atoi", text, 64)
}

/// Go gives up at the digit that overflows, without a look at what follows it.
fn unsigned(text: &str, bits: u32) -> Result<u64, Kind> {
    if text.is_empty() {
        return Err(Kind::Syntax);
    }
    let max = u64::MAX >> (64 - bits);
    text.bytes().try_fold(0u64, |n, byte| {
        let digit = match byte {
            b'0'..=b'9' => u64::from(byte - b'0'),
            _ => return Err(Kind::Syntax),
        };
        let more = n.checked_mul(10).and_then(|n| n.checked_add(digit));
        more.filter(|n| *n <= max).ok_or(Kind::Range)
    })
}

fn signed(function: &'static str, text: &str, bits: u32) -> Result<i64, NumError<i64>> {
    let (negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let (min, max) = (i64::MIN >> (64 - bits), i64::MAX >> (64 - bits));
    let out_of_range = || error(function, text, Kind::Range, if negative { min } else { max });
    match unsigned(digits, 64) {
        Err(Kind::Syntax) => Err(error(function, text, Kind::Syntax, 0)),
        Err(Kind::Range) => Err(out_of_range()),
        Ok(n) => {
            let value = if negative { 0i64.checked_sub_unsigned(n) } else { i64::try_from(n).ok() };
            value.filter(|v| (min..=max).contains(v)).ok_or_else(out_of_range)
        }
    }
}

/// `strconv.ParseFloat(text, 64)`: decimal with exponent, hex with binary exponent, `inf`, `infinity`, `nan` in any case, and
/// single underscores between digits.
pub fn parse_float(text: &str) -> Result<f64, NumError<f64>> {
    let syntax = || error("ParseFloat", text, Kind::Syntax, 0.0);
    if let Some(value) = special(text) {
        return Ok(value);
    }
    let scan = scan_float(text).ok_or_else(syntax)?;
    let value = if scan.hex { scan.hex_value() } else { decimal(text).ok_or_else(syntax)? };
    if value.is_infinite() {
        return Err(error("ParseFloat", text, Kind::Range, value));
    }
    Ok(value)
}

fn special(text: &str) -> Option<f64> {
    let lower = text.to_ascii_lowercase();
    match lower.as_str() {
        "nan" => Some(f64::NAN),
        "inf" | "+inf" | "infinity" | "+infinity" => Some(f64::INFINITY),
        "-inf" | "-infinity" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

/// What the text of a float consists of.
#[derive(Default)]
struct Scan {
    negative: bool,
    hex: bool,
    /// Significant hex digits, at most 15 of them.
    mantissa: u64,
    /// Non-zero hex digits follow the mantissa.
    sticky: bool,
    /// Binary exponent of the mantissa.
    exponent: i64,
}

fn scan_float(text: &str) -> Option<Scan> {
    let mut scan = Scan::default();
    let mut rest = text.as_bytes();
    if let [sign @ (b'+' | b'-'), tail @ ..] = rest {
        scan.negative = *sign == b'-';
        rest = tail;
    }
    let number = rest;
    if let [b'0', b'x' | b'X', tail @ ..] = rest {
        scan.hex = true;
        rest = tail;
    }
    let (mut digits, mut dot, mut taken) = (false, false, 0);
    while let [byte, tail @ ..] = rest {
        match byte {
            b'_' => {}
            b'.' if !dot => dot = true,
            b'0'..=b'9' => {}
            b'a'..=b'f' | b'A'..=b'F' if scan.hex => {}
            _ => break,
        }
        if byte.is_ascii_hexdigit() {
            digits = true;
            let digit = (*byte as char).to_digit(16).map_or(0, u64::from);
            let leading_zero = taken == 0 && digit == 0;
            if taken < 15 {
                scan.mantissa = scan.mantissa << 4 | digit;
                taken += u32::from(!leading_zero);
                scan.exponent -= if dot { 4 } else { 0 };
            } else {
                scan.sticky |= digit != 0;
                scan.exponent += if dot { 0 } else { 4 };
            }
        }
        rest = tail;
    }
    if !digits {
        return None;
    }
    match rest {
        [b'p' | b'P', tail @ ..] if scan.hex => scan.exponent += exponent(tail)?,
        [b'e' | b'E', tail @ ..] if !scan.hex => {
            exponent(tail)?;
        }
        [] if !scan.hex => {}
        _ => return None,
    }
    (!number.contains(&b'_') || underscores_ok(number)).then_some(scan)
}

fn exponent(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', tail @ ..] => (true, tail),
        [b'+', tail @ ..] => (false, tail),
        _ => (false, text),
    };
    digits.first().filter(|first| first.is_ascii_digit())?;
    let mut value = 0i64;
    for byte in digits.iter().filter(|byte| **byte != b'_') {
        if !byte.is_ascii_digit() {
            return None;
        }
        if value < 10_000 {
            value = value * 10 + i64::from(byte - b'0');
        }
    }
    Some(if negative { -value } else { value })
}

/// An underscore stands only between digits, or between a base prefix and a digit.
fn underscores_ok(number: &[u8]) -> bool {
    let (hex, mut before, rest) = match number {
        [b'0', b'x' | b'X', rest @ ..] => (true, b'0', rest),
        [b'0', b'b' | b'B' | b'o' | b'O', rest @ ..] => (false, b'0', rest),
        _ => (false, b'!', number),
    };
    for byte in rest {
        before = match byte {
            b'0'..=b'9' => b'0',
            b'a'..=b'f' | b'A'..=b'F' if hex => b'0',
            b'_' if before == b'0' => b'_',
            b'_' => return false,
            _ if before == b'_' => return false,
            _ => b'!',
        };
    }
    before != b'_'
}

fn decimal(text: &str) -> Option<f64> {
    let plain: String = text.chars().filter(|c| *c != '_').collect();
    plain.parse().ok()
}

impl Scan {
    /// Rounds mantissa * 2^exponent to the nearest, ties to even, as IEEE 754 does.
    fn hex_value(&self) -> f64 {
        let sign = if self.negative { -1.0 } else { 1.0 };
        if self.mantissa == 0 {
            return 0.0 * sign;
        }
        // The mantissa has at most 60 bits. One further bit at the low end stands for everything behind it.
        let mut mantissa = self.mantissa << 1 | u64::from(self.sticky);
        let mut exponent = self.exponent.saturating_sub(1);
        let bits = i64::from(64 - mantissa.leading_zeros());
        // The exponent of the unit in the last place of the result: 53 bits, fewer below the smallest normal number.
        let unit = (exponent + bits - 53).max(-1074);
        if unit > exponent {
            let shift = unit - exponent;
            let (kept, lost, half) = match shift {
                1..=63 => (mantissa >> shift, mantissa & ((1 << shift) - 1), 1u64 << (shift - 1)),
                _ => (0, 0, 1),
            };
            mantissa = kept + u64::from(lost > half || (lost == half && kept & 1 == 1));
            exponent = unit;
        }
        let mut value = mantissa as f64 * sign;
        // Exact: multiplying by a power of two, in steps that stay normal on the way up.
        while exponent > 0 && value.is_finite() {
            let step = exponent.min(1000);
            value *= 2f64.powi(step as i32);
            exponent -= step;
        }
        while exponent < 0 && value != 0.0 {
            let step = (-exponent).min(1000);
            value /= 2f64.powi(step as i32);
            exponent += step;
        }
        value
    }
}

/// `strconv.Quote`, also `%q` of a text.
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\x07' => out.push_str("\\a"),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x0b' => out.push_str("\\v"),
            _ if is_print(c) => out.push(c),
            '\0'..='\x7f' => out.push_str(&format!("\\x{:02x}", c as u32)),
            '\u{80}'..='\u{ffff}' => out.push_str(&format!("\\u{:04x}", c as u32)),
            _ => out.push_str(&format!("\\U{:08x}", c as u32)),
        }
    }
    out.push('"');
    out
}

/// Go's `unicode.IsPrint`: letters, marks, numbers, punctuation, symbols and the space. The escapes of Rust's Debug follow the
/// same classes for any character but the first of a text.
fn is_print(c: char) -> bool {
    matches!(c, ' '..='~') || (!c.is_ascii() && !format!("a{c}").escape_debug().any(|c| c == '\\'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text<T: fmt::Display, E: fmt::Display>(result: Result<T, E>) -> String {
        result.map_or_else(|e| e.to_string(), |v| v.to_string())
    }

    #[test]
    fn truth_values() {
        for yes in ["1", "t", "T", "TRUE", "true", "True"] {
            assert_eq!(parse_bool(yes), Ok(true));
        }
        for no in ["0", "f", "F", "FALSE", "false", "False"] {
            assert_eq!(parse_bool(no), Ok(false));
        }
        assert_eq!(text(parse_bool("tRue")), r#"strconv.ParseBool: parsing "tRue": invalid syntax"#);
        assert_eq!(text(parse_bool("")), r#"strconv.ParseBool: parsing "": invalid syntax"#);
    }

    /// Every line was printed by Go 1.19.
    #[test]
    fn integers_and_their_errors() {
        for (input, bits, uint, int) in [
            ("0", 64, "0", "0"),
            ("007", 64, "7", "7"),
            ("-1", 64, "ParseUint: parsing \"-1\": invalid syntax", "-1"),
            ("+1", 64, "ParseUint: parsing \"+1\": invalid syntax", "1"),
            ("+", 64, "ParseUint: parsing \"+\": invalid syntax", "ParseInt: parsing \"+\": invalid syntax"),
            ("1_0", 64, "ParseUint: parsing \"1_0\": invalid syntax", "ParseInt: parsing \"1_0\": invalid syntax"),
            ("18446744073709551615", 64, "18446744073709551615", "ParseInt: parsing \"18446744073709551615\": value out of range"),
            (
                "18446744073709551616x",
                64,
                "ParseUint: parsing \"18446744073709551616x\": value out of range",
                "ParseInt: parsing \"18446744073709551616x\": value out of range",
            ),
            ("-9223372036854775808", 64, "ParseUint: parsing \"-9223372036854775808\": invalid syntax", "-9223372036854775808"),
            (
                "4294967296",
                32,
                "ParseUint: parsing \"4294967296\": value out of range",
                "ParseInt: parsing \"4294967296\": value out of range",
            ),
            ("2147483647", 32, "2147483647", "2147483647"),
            ("2147483648", 32, "2147483648", "ParseInt: parsing \"2147483648\": value out of range"),
            ("-2147483648", 32, "ParseUint: parsing \"-2147483648\": invalid syntax", "-2147483648"),
            ("\"\n<", 64, "ParseUint: parsing \"\\\"\\n<\": invalid syntax", "ParseInt: parsing \"\\\"\\n<\": invalid syntax"),
        ] {
            assert_eq!(text(parse_uint(input, bits)).trim_start_matches("strconv."), uint);
            assert_eq!(text(parse_int(input, bits)).trim_start_matches("strconv."), int);
        }
        assert_eq!(text(atoi("x")), "strconv.Atoi: parsing \"x\": invalid syntax");
        assert_eq!(atoi("-99999999999999999999").unwrap_err().value, i64::MIN);
        assert_eq!(parse_uint("99999999999", 32).unwrap_err().value, u64::from(u32::MAX));
        assert_eq!(parse_int("-99999999999", 32).unwrap_err().value, i64::from(i32::MIN));
    }

    /// Bits or error as printed by Go 1.19.
    #[test]
    fn floats_and_their_errors() {
        for (input, want) in [
            ("1", "3ff0000000000000"),
            ("-.5", "bfe0000000000000"),
            ("5.", "4014000000000000"),
            ("1e3", "408f400000000000"),
            ("1E+0_3", "408f400000000000"),
            ("1_0", "4024000000000000"),
            ("1_0.5_0e1_0", "4238727cda000000"),
            ("1._5", "ParseFloat: parsing \"1._5\": invalid syntax"),
            ("0x1_p0", "ParseFloat: parsing \"0x1_p0\": invalid syntax"),
            ("0b1", "ParseFloat: parsing \"0b1\": invalid syntax"),
            ("-0x0p0", "8000000000000000"),
            ("1__0", "ParseFloat: parsing \"1__0\": invalid syntax"),
            ("0x_1p0", "3ff0000000000000"),
            ("0x1.8p1", "4008000000000000"),
            ("0x1", "ParseFloat: parsing \"0x1\": invalid syntax"),
            ("0x.1P-4", "3f70000000000000"),
            ("0x1.fffffffffffff8p0", "4000000000000000"),
            ("0x1.fffffffffffff7p0", "3fffffffffffffff"),
            ("0x1.00000000000008p0", "3ff0000000000000"),
            ("0x1.000000000000080000001p0", "3ff0000000000001"),
            ("0x1p-1074", "0000000000000001"),
            ("0x1p-1075", "0000000000000000"),
            ("0x1.8p-1075", "0000000000000001"),
            ("0x1p1024", "ParseFloat: parsing \"0x1p1024\": value out of range"),
            ("0x1p1023", "7fe0000000000000"),
            ("1e309", "ParseFloat: parsing \"1e309\": value out of range"),
            ("-1e309", "ParseFloat: parsing \"-1e309\": value out of range"),
            ("1e-400", "0000000000000000"),
            ("inf", "7ff0000000000000"),
            ("-Infinity", "fff0000000000000"),
            ("+nan", "ParseFloat: parsing \"+nan\": invalid syntax"),
            ("infi", "ParseFloat: parsing \"infi\": invalid syntax"),
            ("", "ParseFloat: parsing \"\": invalid syntax"),
            (".", "ParseFloat: parsing \".\": invalid syntax"),
            ("1e", "ParseFloat: parsing \"1e\": invalid syntax"),
            (" 1", "ParseFloat: parsing \" 1\": invalid syntax"),
            ("1.2.3", "ParseFloat: parsing \"1.2.3\": invalid syntax"),
        ] {
            let got = match parse_float(input) {
                Ok(value) => format!("{:016x}", value.to_bits()),
                Err(error) => error.to_string().replace("strconv.", ""),
            };
            assert_eq!(got, want, "{input}");
        }
        assert!(parse_float("NaN").unwrap().is_nan());
    }

    #[test]
    fn quoting() {
        for (input, want) in [
            ("a\"\\b", r#""a\"\\b""#),
            ("\u{7}\u{8}\u{c}\n\r\t\u{b}\0\u{7f}", r#""\a\b\f\n\r\t\v\x00\x7f""#),
            ("é\u{301}", "\"é\u{301}\""),
            ("\u{301}", "\"\u{301}\""),
            ("\u{a0}\u{200b}\u{e000}\u{10ffff}", r#""\u00a0\u200b\ue000\U0010ffff""#),
            ("'", "\"'\""),
        ] {
            assert_eq!(quote(input), want);
        }
    }

    proptest! {
        #[test]
        fn what_rust_prints_is_read_back(n in any::<u64>(), i in any::<i64>(), f in any::<f64>().prop_filter("finite", |f| f.is_finite())) {
            prop_assert_eq!(parse_uint(&n.to_string(), 64), Ok(n));
            prop_assert_eq!(parse_int(&i.to_string(), 64), Ok(i));
            prop_assert_eq!(parse_float(&format!("{f:e}")).map(f64::to_bits), Ok(f.to_bits()));
        }

        #[test]
        fn no_text_panics(s in "\\PC*", digits in "[-+0-9a-fA-Fxp._]{0,40}") {
            for s in [&s, &digits] {
                let _ = (parse_uint(s, 32), parse_int(s, 32), atoi(s), parse_bool(s), parse_float(s), quote(s));
            }
        }
    }
}
