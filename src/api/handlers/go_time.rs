//! Dates as Go's `time.ParseInLocation` reads them in the form `2006-01-02 15:04:05`, with the texts of its errors.

use time::{Date, Month, PrimitiveDateTime, Time, UtcOffset};

const LAYOUT: &str = "2006-01-02 15:04:05";

/// Unix seconds of a date in a zone.
///
/// # Errors
/// Go's text, with the part that could not be read.
pub fn parse_date_time(text: &str, zone: UtcOffset) -> Result<i64, String> {
    let mut rest = text;
    let mut number = |element: &str, digits: usize, after: &str| -> Result<u32, String> {
        let fail = |rest: &str, element: &str| format!("parsing time {text:?} as {LAYOUT:?}: cannot parse {rest:?} as {element:?}");
        let head = rest.get(..digits).filter(|head| head.bytes().all(|b| b.is_ascii_digit())).ok_or_else(|| fail(rest, element))?;
        rest = &rest[digits..];
        if !after.is_empty() {
            rest = rest.strip_prefix(after).ok_or_else(|| fail(rest, after))?;
        }
        head.parse().map_err(|_| fail(head, element))
    };
    let year = number("2006", 4, "-")?;
    let month = number("01", 2, "-")?;
    let day = number("02", 2, " ")?;
    let hour = number("15", 2, ":")?;
    let minute = number("04", 2, ":")?;
    let second = number("05", 2, "")?;
    if !rest.is_empty() {
        return Err(format!("parsing time {text:?}: extra text: {rest:?}"));
    }
    let out = |what: &str| format!("parsing time {text:?}: {what} out of range");
    let time = match (hour, minute, second) {
        (24.., _, _) => return Err(out("hour")),
        (_, 60.., _) => return Err(out("minute")),
        (_, _, 60..) => return Err(out("second")),
        (h, m, s) => Time::from_hms(h as u8, m as u8, s as u8).map_err(|_| out("second"))?,
    };
    let month = Month::try_from(month as u8).map_err(|_| out("month"))?;
    let date = Date::from_calendar_date(year as i32, month, day as u8).map_err(|_| out("day"))?;
    Ok(PrimitiveDateTime::new(date, time).assume_offset(zone).unix_timestamp())
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
}
