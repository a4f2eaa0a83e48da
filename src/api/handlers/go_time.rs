//! Dates as Go reads them, in the form `2006-01-02 15:04:05` and in JSON, with the texts of its errors.

use crate::wire::gojson::Time as GoTime;
use time::{Date, Month, PrimitiveDateTime, Time, UtcOffset};

const LAYOUT: &str = "2006-01-02 15:04:05";
const JSON_LAYOUT: &str = "\"2006-01-02T15:04:05Z07:00\"";

/// Unix seconds of a date in a zone.
///
/// # Errors
/// Go's text, with the part that could not be read.
pub fn parse_date_time(text: &str, zone: UtcOffset) -> Result<i64, String> {
    let (fields, rest) = fields(text, text, LAYOUT, " ")?;
    if !rest.is_empty() {
        return Err(format!("parsing time {text:?}: extra text: {rest:?}"));
    }
    Ok(date_time(text, fields)?.assume_offset(zone).unix_timestamp())
}

/// A time in JSON: RFC 3339, `raw` being the text between the quotes.
///
/// # Errors
/// Go's text, with the part that could not be read.
pub fn parse_json_time(raw: &str) -> Result<GoTime, String> {
    let text = format!("\"{raw}\"");
    let (fields, rest) = fields(&text, &text[1..], JSON_LAYOUT, "T")?;
    date_time(&text, fields)?;
    GoTime::parse(raw).map_err(|_| cannot_parse(&text, JSON_LAYOUT, rest, "Z07:00"))
}

fn cannot_parse(text: &str, layout: &str, rest: &str, element: &str) -> String {
    format!("parsing time {text:?} as {layout:?}: cannot parse {rest:?} as {element:?}")
}

/// Year to second, and what follows. `rest` is the part of `text` that they stand in.
fn fields<'a>(text: &str, mut rest: &'a str, layout: &str, before_hour: &str) -> Result<([u32; 6], &'a str), String> {
    let parts = [("2006", 4, "-"), ("01", 2, "-"), ("02", 2, before_hour), ("15", 2, ":"), ("04", 2, ":"), ("05", 2, "")];
    let mut found = [0; 6];
    for (slot, (element, digits, after)) in found.iter_mut().zip(parts) {
        let fail = |rest: &str, element: &str| cannot_parse(text, layout, rest, element);
        let head = rest.get(..digits).filter(|head| head.bytes().all(|b| b.is_ascii_digit())).ok_or_else(|| fail(rest, element))?;
        rest = rest[digits..].strip_prefix(after).ok_or_else(|| fail(&rest[digits..], after))?;
        *slot = head.parse().map_err(|_| fail(head, element))?;
    }
    Ok((found, rest))
}

fn date_time(text: &str, [year, month, day, hour, minute, second]: [u32; 6]) -> Result<PrimitiveDateTime, String> {
    let out = |what: &str| format!("parsing time {text:?}: {what} out of range");
    let time = match (hour, minute, second) {
        (24.., _, _) => return Err(out("hour")),
        (_, 60.., _) => return Err(out("minute")),
        (_, _, 60..) => return Err(out("second")),
        (h, m, s) => Time::from_hms(h as u8, m as u8, s as u8).map_err(|_| out("second"))?,
    };
    let month = Month::try_from(month as u8).map_err(|_| out("month"))?;
    let date = Date::from_calendar_date(year as i32, month, day as u8).map_err(|_| out("day"))?;
    Ok(PrimitiveDateTime::new(date, time))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Result<i64, String> {
        parse_date_time(text, UtcOffset::UTC)
    }

    #[test]
    fn dates_are_read_in_the_zone() {
        assert_eq!(at("2024-05-06 07:08:09"), Ok(1_714_979_289));
        assert_eq!(parse_date_time("1970-01-01 08:00:00", UtcOffset::from_hms(8, 0, 0).unwrap()), Ok(0));
    }

    #[test]
    fn errors_have_gos_texts() {
        assert_eq!(at("bad").unwrap_err(), r#"parsing time "bad" as "2006-01-02 15:04:05": cannot parse "bad" as "2006""#);
        assert_eq!(at("2024x").unwrap_err(), r#"parsing time "2024x" as "2006-01-02 15:04:05": cannot parse "x" as "-""#);
        assert_eq!(at("2024-13-01 00:00:00").unwrap_err(), r#"parsing time "2024-13-01 00:00:00": month out of range"#);
        assert_eq!(at("2024-01-01 00:00:00Z").unwrap_err(), r#"parsing time "2024-01-01 00:00:00Z": extra text: "Z""#);
    }

    #[test]
    fn times_in_json() {
        assert_eq!(parse_json_time("2030-01-01T01:00:00+01:00").unwrap().unix_secs(), 1_893_456_000);
        assert_eq!(
            parse_json_time("tomorrow").unwrap_err(),
            r#"parsing time "\"tomorrow\"" as "\"2006-01-02T15:04:05Z07:00\"": cannot parse "tomorrow\"" as "2006""#
        );
        assert!(parse_json_time("2030-01-01T01:00:00").unwrap_err().ends_with(r#"cannot parse "\"" as "Z07:00""#));
        assert!(parse_json_time("é").is_err());
    }
}
