//! `time.Time` as Go writes it: RFC 3339 with as many fraction digits as needed, in the zone of the value.
//!
//! Must not know: what time it is.

use serde::{de, Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use time::format_description::well_known::Rfc3339;
use time::macros::datetime;
use time::{OffsetDateTime, UtcOffset};

/// A point in time with nanoseconds and a zone. The default is Go's zero time, `0001-01-01T00:00:00Z`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(OffsetDateTime);

impl Time {
    /// Go's zero time.
    pub const ZERO: Self = Self(datetime!(0001-01-01 00:00:00 UTC));

    /// UTC, from nanoseconds since 1970.
    pub fn from_unix_nanos(nanos: i64) -> Self {
        // i64 nanoseconds reach from 1677 to 2262, well inside the calendar.
        Self(OffsetDateTime::from_unix_timestamp_nanos(i128::from(nanos)).unwrap_or(Self::ZERO.0))
    }

    /// Nanoseconds since 1970, at the nearest end of i64 where it does not fit (the zero time is such a one).
    pub fn unix_nanos(self) -> i64 {
        let nanos = self.0.unix_timestamp_nanos();
        i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX })
    }

    /// Whole seconds since 1970; `-62135596800` for the zero time.
    pub fn unix_secs(self) -> i64 {
        self.0.unix_timestamp()
    }

    /// Whether it is Go's zero time.
    pub fn is_zero(self) -> bool {
        self == Self::ZERO
    }

    /// The same point in time shown in a zone that is this many seconds east of Greenwich, whole minutes counted as RFC 3339
    /// shows no more. Unchanged where there is no such zone or the calendar ends.
    pub fn in_zone(self, east_secs: i32) -> Self {
        let offset = UtcOffset::from_whole_seconds(east_secs / 60 * 60).ok();
        Self(offset.and_then(|offset| self.0.checked_to_offset(offset)).unwrap_or(self.0))
    }

    /// Reads RFC 3339.
    pub fn parse(text: &str) -> Result<Self, time::error::Parse> {
        OffsetDateTime::parse(text, &Rfc3339).map(Self)
    }
}

impl Default for Time {
    fn default() -> Self {
        Self::ZERO
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.format(&Rfc3339).map_err(|_| fmt::Error)?)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.format(&Rfc3339).map_err(serde::ser::Error::custom)?)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Through Option: Go leaves a time as it is (zero) when it meets null.
        match Option::<Cow<'de, str>>::deserialize(deserializer)? {
            Some(text) => Self::parse(&text).map_err(de::Error::custom),
            None => Ok(Self::ZERO),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_only_the_digits_it_needs() {
        for (nanos, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (1_795_450_411_602_741_748, "2026-11-23T16:13:31.602741748Z"),
            (1_795_450_182_428_217_800, "2026-11-23T16:09:42.4282178Z"),
            (1_795_450_182_500_000_000, "2026-11-23T16:09:42.5Z"),
            (-1, "1969-12-31T23:59:59.999999999Z"),
        ] {
            let time = Time::from_unix_nanos(nanos);
            assert_eq!(time.to_string(), text);
            assert_eq!(Time::parse(text).unwrap(), time);
            assert_eq!(time.unix_nanos(), nanos);
        }
    }

    #[test]
    fn zero_time_is_the_year_one() {
        assert_eq!(Time::default().to_string(), "0001-01-01T00:00:00Z");
        assert!(Time::parse("0001-01-01T00:00:00Z").unwrap().is_zero());
        assert_eq!(Time::ZERO.unix_secs(), -62_135_596_800);
    }

    #[test]
    fn zone_is_kept() {
        let text = "2026-11-23T18:09:42.5+02:00";
        assert_eq!(Time::parse(text).unwrap().to_string(), text);
        assert_eq!(Time::from_unix_nanos(1_795_450_182_500_000_000).in_zone(7200).to_string(), text);
        assert_eq!(Time::parse(text).unwrap().in_zone(3_659).to_string(), "2026-11-23T17:09:42.5+01:00");
        let last = Time::parse("9999-12-31T23:59:59Z").unwrap();
        assert_eq!(last.in_zone(3_600), last);
    }
}
