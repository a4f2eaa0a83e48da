//! Reads keys of the configuration object by the rules of v3.5.3 (state-machine.md §1.1), but a number is taken as text and a text
//! as a number everywhere, and what v3.5.3 ignores in silence becomes a warning.

use super::{ConfigError, Warning};
use serde_json::{Map, Value};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

/// One configuration object, and what was found odd about it so far.
pub(super) struct Reader<'a> {
    file: &'a str,
    values: Map<String, Value>,
    asked: RefCell<BTreeSet<&'static str>>,
    warnings: RefCell<Vec<Warning>>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(file: &'a str, text: &str) -> Result<Self, ConfigError> {
        match serde_json::from_str(text) {
            Ok(Value::Object(values)) => Ok(Self { file, values, asked: RefCell::default(), warnings: RefCell::default() }),
            Ok(_) => Err(ConfigError { file: file.into(), key: String::new(), reason: "expected one JSON object".into() }),
            Err(e) => Err(ConfigError { file: file.into(), key: String::new(), reason: format!("expected one JSON object: {e}") }),
        }
    }

    /// Every warning, those about keys that nothing asked for last.
    pub(super) fn into_warnings(self) -> Vec<Warning> {
        let asked = self.asked.into_inner();
        let mut warnings = self.warnings.into_inner();
        for key in self.values.keys().filter(|key| !asked.contains(key.as_str())) {
            warnings.push(Warning { key: key.clone(), text: "unknown key, ignored".into() });
        }
        warnings
    }

    /// An error about `key`; `expected` says what its value should be.
    pub(super) fn error(&self, key: &str, expected: impl std::fmt::Display) -> ConfigError {
        ConfigError { file: self.file.into(), key: key.into(), reason: format!("expected {expected}") }
    }

    pub(super) fn warn(&self, key: &str, text: impl Into<String>) {
        self.warnings.borrow_mut().push(Warning { key: key.into(), text: text.into() })
    }

    /// Keys that every CubeFS role knows, or another part reads: no warning about them.
    pub(super) fn accept(&self, keys: &'static [&'static str]) {
        self.asked.borrow_mut().extend(keys)
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.values.contains_key(key)
    }

    fn value(&self, key: &'static str) -> Option<&Value> {
        self.asked.borrow_mut().insert(key);
        self.values.get(key)
    }

    /// Text or number as text; anything else is warned of and counts as missing. Missing and empty are the same.
    pub(super) fn text(&self, key: &'static str) -> Option<String> {
        match self.value(key)? {
            Value::String(text) if text.is_empty() => None,
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            other => {
                self.warn(key, format!("expected text or a number, found {}; ignored", kind(other)));
                None
            }
        }
    }

    pub(super) fn required(&self, key: &'static str, expected: &str) -> Result<String, ConfigError> {
        self.text(key).ok_or_else(|| self.error(key, format_args!("{expected}; it is missing or empty")))
    }

    /// v3.5.3 `bool-def`: the default only where the key is absent; `true` and `"true"` are true, anything else is false.
    pub(super) fn flag(&self, key: &'static str, default: bool) -> bool {
        match self.value(key) {
            None => default,
            Some(Value::Bool(flag)) => *flag,
            Some(Value::String(text)) if text == "true" => true,
            Some(Value::String(text)) if text == "false" => false,
            Some(other) => {
                self.warn(key, format!("expected true or false, found {other}; taken as false"));
                false
            }
        }
    }

    /// v3.5.3 `num-str`: missing is `None`, a text that is no integer stops the start.
    pub(super) fn integer(&self, key: &'static str) -> Result<Option<i64>, ConfigError> {
        let Some(text) = self.text(key) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| self.error(key, format_args!("an integer, found {text:?}")))
    }

    /// As [`Self::integer`], but never an error: v3.5.3 reads these keys as 0 when it cannot make sense of them.
    pub(super) fn lenient(&self, key: &'static str) -> Option<i64> {
        let text = self.text(key)?;
        let value = text.parse().ok();
        if value.is_none() {
            self.warn(key, format!("expected an integer, found {text:?}; the default is used"));
        }
        value
    }

    /// A fraction; a text that is no number stops the start.
    pub(super) fn fraction(&self, key: &'static str, default: f64) -> Result<f64, ConfigError> {
        let Some(text) = self.text(key) else { return Ok(default) };
        match text.parse() {
            Ok(number) if f64::is_finite(number) => Ok(number),
            _ => Err(self.error(key, format_args!("a number, found {text:?}"))),
        }
    }

    /// `value` when it is in range, else `default` with a warning that says so. Missing gives the default without a word.
    pub(super) fn ranged<T>(&self, key: &str, value: Option<i64>, min: i64, max: i64, default: T) -> T
    where
        T: TryFrom<i64> + std::fmt::Display,
    {
        let Some(value) = value else { return default };
        match T::try_from(value) {
            Ok(fit) if (min..=max).contains(&value) => fit,
            _ => {
                let range = if max == i64::MAX { format!("at least {min}") } else { format!("{min} to {max}") };
                self.warn(key, format!("expected {range}, found {value}; the default {default} is used"));
                default
            }
        }
    }

    /// Whole seconds.
    pub(super) fn seconds(&self, key: &'static str, default: u64) -> Result<Duration, ConfigError> {
        match self.integer(key)? {
            None => Ok(Duration::from_secs(default)),
            Some(secs) => u64::try_from(secs).map(Duration::from_secs).map_err(|_| self.error(key, "seconds, 0 or more")),
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
