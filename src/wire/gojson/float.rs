//! Numbers with a point as Go writes them: the shortest text that reads back, with an exponent only below 1e-6 or from 1e21.
//!
//! Must not know: where in a document the number stands. NaN and the infinities have no form; the encoder refuses them.

/// JSON text of a finite float64.
pub fn text_of_f64(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        with_plus(format!("{value:e}"))
    } else {
        format!("{value}")
    }
}

/// JSON text of a finite float32: shorter, because it must read back in 32 bits only.
pub fn text_of_f32(value: f32) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        with_plus(format!("{value:e}"))
    } else {
        format!("{value}")
    }
}

/// Rust writes `1e21` where Go writes `1e+21`; both write `1e-7`.
fn with_plus(text: String) -> String {
    match text.split_once('e') {
        Some((digits, exponent)) if !exponent.starts_with('-') => format!("{digits}e+{exponent}"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn float64_has_the_forms_of_go() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (100.0, "100"),
            (0.1, "0.1"),
            (99.99999999998869, "99.99999999998869"),
            (0.39948793197442795, "0.39948793197442795"),
            (1e-6, "0.000001"),
            (9.99e-7, "9.99e-7"),
            (1e-7, "1e-7"),
            (-1.5e-10, "-1.5e-10"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (-1.25e21, "-1.25e+21"),
            (f64::MAX, "1.7976931348623157e+308"),
            (5e-324, "5e-324"),
        ] {
            assert_eq!(text_of_f64(value), text);
        }
    }

    #[test]
    fn float32_is_as_short_as_32_bits_allow() {
        for (value, text) in [(0.75f32, "0.75"), (0.1, "0.1"), (16777216.0, "16777216"), (1e-7, "1e-7"), (3.4028235e38, "3.4028235e+38")] {
            assert_eq!(text_of_f32(value), text);
        }
    }
}
