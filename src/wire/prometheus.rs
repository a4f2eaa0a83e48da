//! The text format of Prometheus, version 0.0.4: families of samples, sorted by name, numbers as Go's client prints them.
//!
//! Must not know: which metrics there are.

use std::collections::BTreeMap;
use std::fmt::Write;

/// The content type of a page.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What is exposed, under one prefix.
#[derive(Clone, Debug)]
pub struct Page {
    prefix: &'static str,
    families: BTreeMap<String, Family>,
}

#[derive(Clone, Debug)]
struct Family {
    kind: &'static str,
    lines: Vec<String>,
}

/// Name and value of each label.
pub type Labels<'a> = &'a [(&'a str, &'a str)];

impl Page {
    /// An empty page; `prefix` stands before every name.
    pub fn new(prefix: &'static str) -> Self {
        Self { prefix, families: BTreeMap::new() }
    }

    /// A value that goes up and down.
    pub fn gauge(&mut self, name: &str, labels: Labels<'_>, value: f64) {
        self.sample(name, "gauge", "", labels, value);
    }

    /// A value that only grows.
    pub fn counter(&mut self, name: &str, labels: Labels<'_>, value: f64) {
        self.sample(name, "counter", "", labels, value);
    }

    /// A histogram of one bucket: how many of `count` were at most `bound`.
    pub fn histogram(&mut self, name: &str, bound: &str, within: u64, count: u64, sum: f64) {
        self.sample(name, "histogram", "_bucket", &[("le", bound)], within as f64);
        self.sample(name, "histogram", "_bucket", &[("le", "+Inf")], count as f64);
        self.sample(name, "histogram", "_sum", &[], sum);
        self.sample(name, "histogram", "_count", &[], count as f64);
    }

    fn sample(&mut self, name: &str, kind: &'static str, suffix: &str, labels: Labels<'_>, value: f64) {
        let name = format!("{}{name}", self.prefix);
        let mut line = format!("{name}{suffix}");
        for (at, (label, value)) in labels.iter().enumerate() {
            let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            // Writing into a text cannot fail.
            let _ = write!(line, "{}{label}=\"{value}\"", if at == 0 { '{' } else { ',' });
        }
        line.push_str(if labels.is_empty() { " " } else { "} " });
        line.push_str(&number(value));
        self.families.entry(name).or_insert(Family { kind, lines: Vec::new() }).lines.push(line);
    }

    /// The page as text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (name, family) in &self.families {
            let _ = writeln!(text, "# HELP {name} \n# TYPE {name} {}", family.kind);
            for line in &family.lines {
                text.push_str(line);
                text.push('\n');
            }
        }
        text
    }
}

/// Go's `strconv.FormatFloat(value, 'g', -1, 64)`: the shortest text, with an exponent below 1e-4 and from 1e6.
fn number(value: f64) -> String {
    if value.is_nan() {
        return "NaN".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf".into() } else { "-Inf".into() };
    }
    if value == 0.0 || (1e-4..1e6).contains(&value.abs()) {
        return format!("{value}");
    }
    let text = format!("{value:e}");
    match text.split_once('e') {
        Some((digits, exponent)) => match exponent.strip_prefix('-') {
            Some(exponent) => format!("{digits}e-{exponent:0>2}"),
            None => format!("{digits}e+{exponent:0>2}"),
        },
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_go() {
        for (value, text) in [
            (0.0, "0"),
            (2.0, "2"),
            (0.5, "0.5"),
            (999_999.0, "999999"),
            (1_000_000.0, "1e+06"),
            (53_687_091_200.0, "5.36870912e+10"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (-3.25, "-3.25"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn a_page_has_its_families_in_order() {
        let mut page = Page::new("cfs_master_");
        page.gauge("vol_count", &[], 2.0);
        page.gauge("node", &[("addr", "a\"b"), ("type", "x")], 1.0);
        page.gauge("node", &[("addr", "c"), ("type", "y")], 0.0);
        page.histogram("req_x_hist", "1000", 1, 2, 1500.0);
        let want = "# HELP cfs_master_node \n# TYPE cfs_master_node gauge\n\
            cfs_master_node{addr=\"a\\\"b\",type=\"x\"} 1\ncfs_master_node{addr=\"c\",type=\"y\"} 0\n\
            # HELP cfs_master_req_x_hist \n# TYPE cfs_master_req_x_hist histogram\n\
            cfs_master_req_x_hist_bucket{le=\"1000\"} 1\ncfs_master_req_x_hist_bucket{le=\"+Inf\"} 2\n\
            cfs_master_req_x_hist_sum 1500\ncfs_master_req_x_hist_count 2\n\
            # HELP cfs_master_vol_count \n# TYPE cfs_master_vol_count gauge\ncfs_master_vol_count 2\n";
        assert_eq!(page.text(), want);
    }
}
