//! Reading parameters by the two notations of the specification (v3.5.3 http-general.md §10.3, http-partitions-nodes.md §0.3).
//! Every error is code 2 with the text of v3.5.3; a route that answers code 1 instead uses [`Fault::with_code`].
//!
//! A parameter that is present but empty counts as missing.

use super::go_parse::{atoi, parse_bool, parse_float, parse_int, parse_uint, NumError};
use super::inputs::{Inputs, Type};
use crate::wire::reply::Fault;
use std::fmt::Display;

/// The parameters of one request, in the order in which they count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params {
    pairs: Vec<(String, String)>,
    /// What the route declares; `None` outside of handlers.
    inputs: Option<&'static Inputs>,
}

impl Params {
    pub(super) fn push(&mut self, key: String, value: String) {
        self.pairs.push((key, value));
    }

    /// The parameters as those of a route, whose handler reads what it declares and nothing else.
    pub(super) fn of(self, path: &str) -> Self {
        Self { inputs: super::inputs::of(path), ..self }
    }

    /// The first value of a parameter that is read as this type, or "".
    fn find(&self, key: &str, kind: Type) -> &str {
        if let Some(inputs) = self.inputs.filter(|_| cfg!(debug_assertions)) {
            inputs.assert_reads(key, kind);
        }
        self.pairs.iter().find(|(name, _)| name == key).map_or("", |(_, value)| value)
    }

    /// The same unless it is missing or empty.
    fn given(&self, key: &str, kind: Type) -> Option<&str> {
        Some(self.find(key, kind)).filter(|value| !value.is_empty())
    }

    /// The same, or `parameter k not found`.
    fn needed(&self, key: &str, kind: Type) -> Result<&str, Fault> {
        self.given(key, kind).ok_or_else(|| Fault::no_key(key))
    }

    /// `str(k)`: the first value, or "".
    pub fn get(&self, key: &str) -> &str {
        self.find(key, Type::Text)
    }

    /// The first value unless it is missing or empty.
    pub fn optional(&self, key: &str) -> Option<&str> {
        self.given(key, Type::Text)
    }

    /// True when there is a value that is not empty.
    pub fn has(&self, key: &str) -> bool {
        self.optional(key).is_some()
    }

    /// `k!`: a value, or `parameter k not found`.
    pub fn required(&self, key: &str) -> Result<&str, Fault> {
        self.needed(key, Type::Text)
    }

    // ---- required, the text of Go's error as it is ----------------------------------------------------------------

    /// `name!`: a volume name.
    pub fn name(&self) -> Result<&str, Fault> {
        let name = self.required("name")?;
        if !is_volume_name(name) {
            return Err(Fault::param("name can only be number and letters"));
        }
        Ok(name)
    }

    /// `enable!`, `status!`.
    pub fn enable(&self) -> Result<bool, Fault> {
        self.bool_raw("enable")
    }

    /// Required, ParseBool.
    pub fn bool_raw(&self, key: &str) -> Result<bool, Fault> {
        raw(parse_bool(self.needed(key, Type::Bool)?))
    }

    /// Required, ParseUint 64; `id!` is `u64_raw("id")`.
    pub fn u64_raw(&self, key: &str) -> Result<u64, Fault> {
        raw(parse_uint(self.needed(key, Type::U64)?, 64))
    }

    /// Required, ParseUint 32.
    pub fn u32_raw(&self, key: &str) -> Result<u32, Fault> {
        raw(parse_uint(self.needed(key, Type::U32)?, 32)).map(|n| n as u32)
    }

    /// Required, ParseInt 64.
    pub fn i64_raw(&self, key: &str) -> Result<i64, Fault> {
        raw(parse_int(self.needed(key, Type::I64)?, 64))
    }

    /// Required, Atoi.
    pub fn atoi_raw(&self, key: &str) -> Result<i64, Fault> {
        raw(atoi(self.needed(key, Type::I64)?))
    }

    /// Required, ParseFloat.
    pub fn f64_raw(&self, key: &str) -> Result<f64, Fault> {
        raw(parse_float(self.needed(key, Type::F64)?))
    }

    // ---- optional, the text of Go's error as it is ----------------------------------------------------------------

    /// Missing gives `default`; ParseBool.
    pub fn bool_raw_or(&self, key: &str, default: bool) -> Result<bool, Fault> {
        self.given(key, Type::Bool).map_or(Ok(default), |text| raw(parse_bool(text)))
    }

    /// Missing gives `default`; ParseUint 64.
    pub fn u64_raw_or(&self, key: &str, default: u64) -> Result<u64, Fault> {
        self.given(key, Type::U64).map_or(Ok(default), |text| raw(parse_uint(text, 64)))
    }

    /// Missing gives `default`; ParseUint 32. `mediaType` is `u32_raw_or("mediaType", 0)`.
    pub fn u32_raw_or(&self, key: &str, default: u32) -> Result<u32, Fault> {
        self.given(key, Type::U32).map_or(Ok(default), |text| raw(parse_uint(text, 32)).map(|n| n as u32))
    }

    /// Missing gives `default`; ParseFloat.
    pub fn f64_raw_or(&self, key: &str, default: f64) -> Result<f64, Fault> {
        self.given(key, Type::F64).map_or(Ok(default), |text| raw(parse_float(text)))
    }

    // ---- the notation of http-general.md --------------------------------------------------------------------------

    /// `bool(k,d)` of clusters, volumes and users.
    pub fn bool_or(&self, key: &str, default: bool) -> Result<bool, Fault> {
        let Some(text) = self.given(key, Type::Bool) else { return Ok(default) };
        parse_bool(text).map_err(|_| Fault::param(format!("parse [{key}] is not a bool val [false]")))
    }

    /// `int(k,d)` of clusters, volumes and users: Atoi, 0 or more.
    pub fn int_or(&self, key: &str, default: i64) -> Result<i64, Fault> {
        self.given(key, Type::I64).map_or(Ok(default), |text| not_negative(key, atoi(text)))
    }

    /// `i64(k,d)`: ParseInt 64, 0 or more.
    pub fn i64_or(&self, key: &str, default: i64) -> Result<i64, Fault> {
        self.given(key, Type::I64).map_or(Ok(default), |text| not_negative(key, parse_int(text, 64)))
    }

    /// `u32(k,d)`; `u32_0(k)` is `u32_or(k, 0)`.
    pub fn u32_or(&self, key: &str, default: u32) -> Result<u32, Fault> {
        let Some(text) = self.given(key, Type::U32) else { return Ok(default) };
        match parse_uint(text, 32) {
            Ok(n) => Ok(n as u32),
            Err(e) => Err(Fault::param(format!("parse [{key}] is not valid uint32 [0], err {e}"))),
        }
    }

    /// `u64(k,d)`.
    pub fn u64_or(&self, key: &str, default: u64) -> Result<u64, Fault> {
        let Some(text) = self.given(key, Type::U64) else { return Ok(default) };
        parse_uint(text, 64).map_err(|e| Fault::param(format!("parse [{key}] is not valid uint64 [{}], err {e}", e.value)))
    }

    /// `uint0(k)`, `uint(k)`: 32 bits, 0 or more, missing 0.
    pub fn uint0(&self, key: &str) -> Result<u32, Fault> {
        let Some(text) = self.given(key, Type::U32) else { return Ok(0) };
        parse_int(text, 32).ok().and_then(|n| u32::try_from(n).ok()).ok_or_else(|| not_legal(key, text))
    }

    /// `u64_0(k)`: missing 0.
    pub fn u64_0(&self, key: &str) -> Result<u64, Fault> {
        let Some(text) = self.given(key, Type::U64) else { return Ok(0) };
        parse_uint(text, 64).map_err(|_| not_legal(key, text))
    }

    /// `pint(k)` and the `int(k)` of http-partitions-nodes.md: 32 bits, negative allowed, missing 0.
    pub fn pint(&self, key: &str) -> Result<i32, Fault> {
        let Some(text) = self.given(key, Type::I32) else { return Ok(0) };
        match parse_int(text, 32) {
            Ok(n) => Ok(n as i32),
            Err(e) => Err(Fault::param(format!("parseUintParam {key}-{text} is not legal, err {e}"))),
        }
    }

    /// `arg(k)`: missing keeps `present`.
    pub fn arg_or<T: Arg>(&self, key: &str, present: T) -> Result<T, Fault> {
        self.given(key, T::TYPE).map_or(Ok(present), |text| arg(key, text))
    }

    /// `arg(k)` that may not be missing.
    pub fn arg_required<T: Arg>(&self, key: &str) -> Result<T, Fault> {
        let text = self.given(key, T::TYPE).ok_or_else(|| Fault::param(format!("key({key}) can not omit empty")))?;
        arg(key, text)
    }

    // ---- the notation of http-partitions-nodes.md -----------------------------------------------------------------

    /// `bool(k,d)` of partitions and nodes.
    pub fn bool_val_or(&self, key: &str, default: bool) -> Result<bool, Fault> {
        let Some(text) = self.given(key, Type::Bool) else { return Ok(default) };
        parse_bool(text).map_err(|e| Fault::param(format!("parse {key} bool val err, err {e}")))
    }

    /// `raftForce`.
    pub fn raft_force(&self) -> Result<bool, Fault> {
        self.bool_val_or("raftForceDel", false)
    }

    /// Weight of a decommission whose request says none.
    pub const WEIGHT_DEFAULT: i64 = 2;

    /// `weight`: missing [`Params::WEIGHT_DEFAULT`].
    pub fn weight(&self) -> Result<i64, Fault> {
        let Some(text) = self.given("weight", Type::I64) else { return Ok(Self::WEIGHT_DEFAULT) };
        match atoi(text) {
            Ok(n) if n < 0 => Err(Fault::param("weight should not be set to less than 0")),
            Ok(n) => Ok(n),
            Err(e) => Err(Fault::param(format!("parse weight int val err, err {e}"))),
        }
    }

    /// `dstNodeSet`: missing 0.
    pub fn dst_node_set(&self) -> Result<u64, Fault> {
        let Some(text) = self.given("dstNodeSet", Type::U64) else { return Ok(0) };
        parse_uint(text, 64).map_err(|e| Fault::param(format!("parse dstNodeSet uint64 vaal err, err {e}")))
    }
}

/// What [`Params::arg_or`] reads.
pub trait Arg: Sized {
    /// What the route declares it as.
    const TYPE: Type;

    fn read(text: &str) -> Result<Self, String>;
}

impl Arg for String {
    const TYPE: Type = Type::Text;

    fn read(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }
}

impl Arg for bool {
    const TYPE: Type = Type::Bool;

    fn read(text: &str) -> Result<Self, String> {
        parse_bool(text).map_err(|e| e.to_string())
    }
}

impl Arg for i64 {
    const TYPE: Type = Type::I64;

    fn read(text: &str) -> Result<Self, String> {
        parse_int(text, 64).map_err(|e| e.to_string())
    }
}

impl Arg for i32 {
    const TYPE: Type = Type::I32;

    fn read(text: &str) -> Result<Self, String> {
        parse_int(text, 32).map(|n| n as i32).map_err(|e| e.to_string())
    }
}

impl Arg for u64 {
    const TYPE: Type = Type::U64;

    fn read(text: &str) -> Result<Self, String> {
        parse_uint(text, 64).map_err(|e| e.to_string())
    }
}

impl Arg for u32 {
    const TYPE: Type = Type::U32;

    fn read(text: &str) -> Result<Self, String> {
        parse_uint(text, 32).map(|n| n as u32).map_err(|e| e.to_string())
    }
}

fn arg<T: Arg>(key: &str, text: &str) -> Result<T, Fault> {
    T::read(text).map_err(|e| Fault::param(format!("key({key}) can not omit error({e})")))
}

fn raw<T, E: Display>(result: Result<T, E>) -> Result<T, Fault> {
    result.map_err(|e| Fault::param(e.to_string()))
}

fn not_negative(key: &str, result: Result<i64, NumError<i64>>) -> Result<i64, Fault> {
    let (value, error) = match result {
        Ok(n) if n >= 0 => return Ok(n),
        Ok(n) => (n, "<nil>".to_owned()),
        Err(e) => (e.value, e.to_string()),
    };
    Err(Fault::param(format!("parse [{key}] is not valid int [{value}], err {error}")))
}

fn not_legal(key: &str, text: &str) -> Fault {
    Fault::param(format!("args [{key}] is not legal, val {text}"))
}

/// `^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,61}[a-zA-Z0-9]$`
pub fn is_volume_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    let [first, middle @ .., last] = bytes else { return false };
    (3..=63).contains(&bytes.len())
        && first.is_ascii_alphanumeric()
        && last.is_ascii_alphanumeric()
        && middle.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(value: &str) -> Params {
        let mut params = Params::default();
        params.push("k".into(), value.into());
        params
    }

    fn text<T: Display>(result: Result<T, Fault>) -> String {
        match result {
            Ok(value) => value.to_string(),
            Err(fault) => {
                assert_eq!(fault.code, 2);
                fault.to_string()
            }
        }
    }

    #[test]
    fn missing_and_empty_are_the_same() {
        for params in [Params::default(), params("")] {
            assert_eq!(text(params.required("k")), "parameter k not found");
            assert_eq!(text(params.u64_raw("k")), "parameter k not found");
            assert_eq!(params.bool_or("k", true), Ok(true));
            assert_eq!(params.int_or("k", -7), Ok(-7));
            assert_eq!(params.pint("k"), Ok(0));
            assert_eq!(params.arg_or("k", "old".to_owned()), Ok("old".to_owned()));
            assert_eq!(text(params.arg_required::<bool>("k")), "key(k) can not omit empty");
            assert_eq!(params.weight(), Ok(2));
        }
    }

    #[test]
    fn error_texts_of_the_cluster_and_volume_routes() {
        let syntax = |f: &str| format!("strconv.{f}: parsing \"x\": invalid syntax");
        let big = "99999999999999999999";
        let range = |f: &str| format!("strconv.{f}: parsing \"{big}\": value out of range");
        assert_eq!(text(params("x").bool_or("k", false)), "parse [k] is not a bool val [false]");
        assert_eq!(text(params("x").int_or("k", 1)), format!("parse [k] is not valid int [0], err {}", syntax("Atoi")));
        assert_eq!(text(params("-5").int_or("k", 1)), "parse [k] is not valid int [-5], err <nil>");
        assert_eq!(text(params(big).int_or("k", 1)), format!("parse [k] is not valid int [9223372036854775807], err {}", range("Atoi")));
        assert_eq!(
            text(params(big).i64_or("k", 1)),
            format!("parse [k] is not valid int [9223372036854775807], err {}", range("ParseInt"))
        );
        assert_eq!(text(params("x").u32_or("k", 1)), format!("parse [k] is not valid uint32 [0], err {}", syntax("ParseUint")));
        assert_eq!(
            text(params(big).u64_or("k", 1)),
            format!("parse [k] is not valid uint64 [18446744073709551615], err {}", range("ParseUint"))
        );
        assert_eq!(text(params("-1").uint0("k")), "args [k] is not legal, val -1");
        assert_eq!(text(params("2147483648").uint0("k")), "args [k] is not legal, val 2147483648");
        assert_eq!(text(params("x").u64_0("k")), "args [k] is not legal, val x");
        assert_eq!(params("-2").pint("k"), Ok(-2));
        assert_eq!(text(params("x").pint("k")), format!("parseUintParam k-x is not legal, err {}", syntax("ParseInt")));
        assert_eq!(text(params("x").arg_or("k", 1u64)), format!("key(k) can not omit error({})", syntax("ParseUint")));
        assert_eq!(text(params("x").arg_or("k", true)), format!("key(k) can not omit error({})", syntax("ParseBool")));
    }

    #[test]
    fn error_texts_of_the_partition_and_node_routes() {
        let named = |key: &str, value: &str| {
            let mut params = Params::default();
            params.push(key.into(), value.into());
            params
        };
        assert_eq!(
            text(named("raftForceDel", "x").raft_force()),
            "parse raftForceDel bool val err, err strconv.ParseBool: parsing \"x\": invalid syntax"
        );
        assert_eq!(text(named("weight", "x").weight()), "parse weight int val err, err strconv.Atoi: parsing \"x\": invalid syntax");
        assert_eq!(text(named("weight", "-1").weight()), "weight should not be set to less than 0");
        assert_eq!(
            text(named("dstNodeSet", "x").dst_node_set()),
            "parse dstNodeSet uint64 vaal err, err strconv.ParseUint: parsing \"x\": invalid syntax"
        );
    }

    #[test]
    fn volume_names() {
        for good in ["abc", "a_c", "1-.9", &"a".repeat(63)] {
            assert!(is_volume_name(good), "{good}");
        }
        for bad in ["", "a", "ab", "-bc", "ab_", "a b", "aéb", "a\nb", "abc\n", &"a".repeat(64)] {
            assert!(!is_volume_name(bad), "{bad}");
        }
    }
}
