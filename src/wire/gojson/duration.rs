//! Durations as text in Go's form: `2h0m0s`, `10s`, `604.8µs`, `5ns`.
//!
//! Must not know: what is measured. A duration is a signed number of nanoseconds.

const UNITS: &[(&str, u64)] = &[
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000), // U+00B5
    ("μs", 1_000), // U+03BC
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Text of a duration as Go's `Duration.String` gives it.
pub fn to_text(nanos: i64) -> String {
    let size = nanos.unsigned_abs();
    let sign = if nanos < 0 { "-" } else { "" };
    let body = match size {
        0 => "0s".to_owned(),
        1..1_000 => format!("{size}ns"),
        1_000..1_000_000 => format!("{}µs", decimal(size, 1_000)),
        1_000_000..1_000_000_000 => format!("{}ms", decimal(size, 1_000_000)),
        _ => {
            let minutes = size / 60_000_000_000;
            let seconds = decimal(size % 60_000_000_000, 1_000_000_000);
            match (minutes / 60, minutes % 60) {
                (0, 0) => format!("{seconds}s"),
                (0, m) => format!("{m}m{seconds}s"),
                (h, m) => format!("{h}h{m}m{seconds}s"),
            }
        }
    };
    format!("{sign}{body}")
}

/// `size / unit` with as many fraction digits as needed.
fn decimal(size: u64, unit: u64) -> String {
    let (whole, rest) = (size / unit, size % unit);
    if rest == 0 {
        return whole.to_string();
    }
    let width = unit.ilog10() as usize;
    format!("{whole}.{rest:0width$}").trim_end_matches('0').to_owned()
}

/// Reads what Go's `ParseDuration` reads: an optional sign, then numbers each with a unit; `0` alone needs none.
pub fn parse(text: &str) -> Option<i64> {
    let (negative, mut rest) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let (whole, after) = digits(rest);
        let (fraction, after) = after.strip_prefix('.').map_or(("", after), digits);
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let unit_len = after.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(after.len());
        let unit = UNITS.iter().find(|(name, _)| *name == &after[..unit_len])?.1;
        let whole = if whole.is_empty() { 0 } else { whole.parse::<u64>().ok()? };
        total = total.checked_add(whole.checked_mul(unit)?)?.checked_add(fraction_nanos(fraction, unit))?;
        rest = &after[unit_len..];
    }
    match (negative, i64::try_from(total)) {
        (false, Ok(nanos)) => Some(nanos),
        (true, Ok(nanos)) => Some(-nanos),
        (true, Err(_)) if total == i64::MIN.unsigned_abs() => Some(i64::MIN),
        _ => None,
    }
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

/// Digits behind the point, in nanoseconds, cut off like Go does. Digits beyond the 18th cannot matter.
fn fraction_nanos(digits: &str, unit: u64) -> u64 {
    let digits = &digits[..digits.len().min(18)];
    let scale = 10u128.pow(digits.len() as u32);
    let value: u128 = digits.bytes().fold(0, |value, digit| value * 10 + u128::from(digit - b'0'));
    (value * u128::from(unit) / scale) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_the_one_of_go_and_reads_back() {
        for (nanos, text) in [
            (0, "0s"),
            (5, "5ns"),
            (604_800, "604.8µs"),
            (1_500_000, "1.5ms"),
            (10_000_000_000, "10s"),
            (90_000_000_000, "1m30s"),
            (7_200_000_000_000, "2h0m0s"),
            (604_800_000_000_000, "168h0m0s"),
            (3_600_000_000_001, "1h0m0.000000001s"),
            (-1_000_000_000, "-1s"),
            (i64::MAX, "2562047h47m16.854775807s"),
            (i64::MIN, "-2562047h47m16.854775808s"),
        ] {
            assert_eq!(to_text(nanos), text);
            assert_eq!(parse(text), Some(nanos), "{text}");
        }
    }

    #[test]
    fn other_spellings_are_read() {
        for (text, nanos) in
            [("0", Some(0)), ("+1.5h", Some(5_400_000_000_000)), (".5s", Some(500_000_000)), ("1us", Some(1_000)), ("1μs", Some(1_000))]
        {
            assert_eq!(parse(text), nanos);
        }
    }

    #[test]
    fn wrong_text_is_none() {
        for text in ["", "-", "1", "s", "1x", ".s", "1h-1m", "3000000h", "1 s", "9223372036854775808ns"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
