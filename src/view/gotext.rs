//! Texts as Go's fmt and time packages write them. They reach clients inside messages and views (v3.5.3 http-types.md, "Encoding rules").
//!
//! Invariant: pure functions of their arguments; the zone of the master is given as an offset.

use std::fmt::Write as _;
use time::{OffsetDateTime, UtcOffset};

/// The zone in which times are written and read. v3.5.3 uses that of the machine, which differs between masters of one cluster.
pub const ZONE: UtcOffset = UtcOffset::UTC;

/// `%v` of a float64: the shortest digits that read back, with an exponent below 0.0001 and from a million on (`1e+06`).
pub fn float(v: f64) -> String {
    general(v, format!("{v:e}"), v.to_string())
}

/// `%v` of a float32.
pub fn float32(v: f32) -> String {
    general(f64::from(v), format!("{v:e}"), v.to_string())
}

fn general(v: f64, exponential: String, plain: String) -> String {
    if v.is_nan() {
        return "NaN".into();
    }
    if v.is_infinite() {
        return if v > 0.0 { "+Inf".into() } else { "-Inf".into() };
    }
    let Some((mantissa, exponent)) = exponential.split_once('e').and_then(|(m, e)| Some((m, e.parse::<i32>().ok()?))) else {
        return plain;
    };
    if v != 0.0 && !(-4..6).contains(&exponent) {
        return format!("{mantissa}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.unsigned_abs());
    }
    plain
}

/// `%v` of a slice: `[1 2 3]`, `[]`.
pub fn list<T: std::fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
    let mut out = String::from("[");
    for (i, item) in items.into_iter().enumerate() {
        let _ = write!(out, "{}{item}", if i == 0 { "" } else { " " });
    }
    out.push(']');
    out
}

/// `%v` of a map, the keys sorted: `map[a:1 b:2]`.
pub fn map(pairs: &std::collections::BTreeMap<&str, String>) -> String {
    let inner: Vec<String> = pairs.iter().map(|(k, v)| format!("{k}:{v}")).collect();
    format!("map[{}]", inner.join(" "))
}

/// `2006-01-02 15:04:05` in the zone of the master; the zero time for a moment that has no date.
pub fn date_time(unix_seconds: i64, zone: UtcOffset) -> String {
    let Ok(t) = OffsetDateTime::from_unix_timestamp(unix_seconds) else {
        return ZERO_DATE_TIME.into();
    };
    let t = t.to_offset(zone);
    format!("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", t.year(), u8::from(t.month()), t.day(), t.hour(), t.minute(), t.second())
}

/// The zero time in the form of [`date_time`].
pub const ZERO_DATE_TIME: &str = "0001-01-01 00:00:00";

/// `time.Time` with `String()`: `2006-01-02 15:04:05 -0700 MST`; the zone name is `UTC` for offset zero and the offset elsewhere.
pub fn time_text(unix_seconds: i64, zone: UtcOffset) -> String {
    let (h, m, _) = zone.as_hms();
    let sign = if zone.is_negative() { '-' } else { '+' };
    let name = if zone.is_utc() { "UTC".into() } else { format!("{sign}{:02}", h.unsigned_abs()) };
    format!("{} {sign}{:02}{:02} {name}", date_time(unix_seconds, zone), h.unsigned_abs(), m.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_the_shortest_that_read_back() {
        assert_eq!(float(0.6543210987), "0.6543210987");
        assert_eq!(float(7.0), "7");
        assert_eq!(float32(1.1), "1.1");
        assert_eq!(float(0.00001), "1e-05");
        assert_eq!(float(0.0001), "0.0001");
        assert_eq!(float(999_999.0), "999999");
        assert_eq!(float(16_777_216.0), "1.6777216e+07");
        assert_eq!(float(f64::NAN), "NaN");
        assert_eq!(float(0.0), "0");
    }

    #[test]
    fn dates_follow_the_zone() {
        let zone = UtcOffset::from_hms(8, 0, 0).unwrap();
        assert_eq!(date_time(0, UtcOffset::UTC), "1970-01-01 00:00:00");
        assert_eq!(date_time(0, zone), "1970-01-01 08:00:00");
        assert_eq!(time_text(0, UtcOffset::UTC), "1970-01-01 00:00:00 +0000 UTC");
        assert_eq!(date_time(-62_135_596_800, UtcOffset::UTC), ZERO_DATE_TIME);
    }

    #[test]
    fn lists_and_maps_are_written_as_percent_v() {
        assert_eq!(list([1, 2, 3]), "[1 2 3]");
        assert_eq!(list(Vec::<u64>::new()), "[]");
        assert_eq!(map(&[("b", "2".to_owned()), ("a", "1".to_owned())].into()), "map[a:1 b:2]");
    }
}
