//! JSON exactly as Go's `encoding/json` writes it and as leniently as it reads it (v3.5.3 http-general.md §7, http-types.md).
//!
//! Any serde type works with [`to_vec`] and [`from_slice`]; [`List`], [`Time`] and [`uint_keys`] fill in what serde's own types
//! cannot express: a nil slice, a `time.Time`, a map with number keys.
//!
//! Must not know: which structures there are.

mod de;
pub mod duration;
mod float;
mod list;
mod ser;
mod text_only;
mod time;
pub mod uint_keys;

pub use de::{from_slice, from_str, Lenient};
pub use float::{text_of_f32, text_of_f64};
pub use list::List;
pub use ser::{to_string, to_vec};
pub use time::Time as GoTime;
pub use time::Time;

/// What went wrong in either direction, with the place where there is one.
pub type Error = serde_json::Error;
