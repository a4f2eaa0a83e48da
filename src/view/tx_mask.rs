//! The transaction mask of a volume as text, both ways (v3.5.3 http-cluster-volume.md §2.1.2).

use crate::wire::reply::Fault;

/// Transactions paused.
pub const PAUSE: u8 = 0xFF;
/// Every kind of transaction.
pub const ALL: u8 = 0x7F;
/// The mask of a volume that says nothing.
pub const RENAME: u8 = 0x08;

/// Names by bit; joined in the order of the names, so that a mask always has the same text.
const NAMES: [(&str, u8); 7] =
    [("create", 0x01), ("link", 0x40), ("mkdir", 0x02), ("mknod", 0x10), ("remove", 0x04), ("rename", RENAME), ("symlink", 0x20)];

/// Text of a mask: `pause`, `all`, `off`, or names joined by `|`.
pub fn text(mask: u8) -> String {
    match mask {
        PAUSE => "pause".into(),
        0 => "off".into(),
        m if m & ALL == ALL => "all".into(),
        m => NAMES.iter().filter(|(_, bit)| m & bit != 0).map(|(name, _)| *name).collect::<Vec<_>>().join("|"),
    }
}

/// The mask that a text stands for.
///
/// # Errors
/// A name that is unknown, or `off`, `all` or `pause` together with others.
pub fn parse(text: &str) -> Result<u8, Fault> {
    match text {
        "pause" => return Ok(PAUSE),
        "all" => return Ok(ALL),
        "off" => return Ok(0),
        _ => {}
    }
    text.split('|').try_fold(0, |mask, word| match NAMES.iter().find(|(name, _)| *name == word) {
        Some((_, bit)) => Ok(mask | bit),
        None => Err(wrong()),
    })
}

fn wrong() -> Fault {
    let names: Vec<_> = NAMES.iter().map(|(name, _)| *name).collect();
    Fault::param(format!(
        "transaction mask key value pair should be: enableTxMaskKey=[{}]\n enableTxMaskKey=off \n enableTxMaskKey=all",
        names.join("|")
    ))
}

/// The mask after a change: a reset replaces the old one, otherwise bits are only added, and 0 stays 0.
pub fn changed(old: u8, wanted: u8, reset: bool) -> u8 {
    if reset || wanted == 0 {
        wanted
    } else {
        old | wanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_has_one_text_and_comes_back_from_it() {
        for mask in 0..=ALL {
            assert_eq!(parse(&text(mask)), Ok(mask));
        }
        assert_eq!(text(PAUSE), "pause");
        assert_eq!(text(0x01 | 0x02 | 0x40), "create|link|mkdir");
    }

    #[test]
    fn words_that_stand_alone_are_refused_in_company() {
        for bad in ["all|create", "off|all", "write", "", "create|"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn bits_are_added_unless_reset_or_off() {
        assert_eq!(changed(0x08, 0x02, false), 0x0A);
        assert_eq!(changed(0x08, 0x02, true), 0x02);
        assert_eq!(changed(0x0A, 0, false), 0);
    }
}
