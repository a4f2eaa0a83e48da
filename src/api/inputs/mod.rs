//! What each route reads from a request, declared once: parameters with their types, and bodies. The OpenAPI document is made of it, and
//! handlers are held to it: wherever assertions of debug builds run (tests, chapters, simulation), a handler that reads a parameter which
//! its route does not declare, or reads it as another type, panics and names both ([`Inputs::assert_reads`]).

mod list;

pub use list::INPUTS;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{LazyLock, Mutex};

/// How the text of a parameter is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    Text,
    /// `true`, `false`, `1`, `0`, `t`, `f` and the like.
    Bool,
    U32,
    U64,
    I32,
    I64,
    F64,
}

/// A parameter of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Input {
    pub name: &'static str,
    pub kind: Type,
    /// Without it the route refuses.
    pub required: bool,
}

const fn must(name: &'static str, kind: Type) -> Input {
    Input { name, kind, required: true }
}

const fn may(name: &'static str, kind: Type) -> Input {
    Input { name, kind, required: false }
}

/// A JSON body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JsonBody {
    /// v3.5.3's name of its type.
    pub title: &'static str,
    /// A body that the route can read, as JSON text.
    pub example: &'static str,
}

/// What one route reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inputs {
    pub path: &'static str,
    groups: &'static [&'static [Input]],
    pub body: Option<JsonBody>,
}

const fn takes(path: &'static str, groups: &'static [&'static [Input]]) -> Inputs {
    Inputs { path, groups, body: None }
}

/// Any route with a ticket reads it, before its handler does anything.
const TICKET: &str = "clientIDKey";

impl Inputs {
    const fn body(self, title: &'static str, example: &'static str) -> Self {
        Self { body: Some(JsonBody { title, example }), ..self }
    }

    /// The parameters.
    pub fn params(&self) -> impl Iterator<Item = &'static Input> {
        self.groups.iter().copied().flatten()
    }

    /// Panics when the parameter is not declared, or as another type. Text may be read of any: the handler judges it by itself.
    pub fn assert_reads(&self, name: &str, read_as: Type) {
        let declared = self.params().find(|input| input.name == name);
        let kind = declared.map(|input| input.kind);
        let fits = kind.is_some_and(|kind| read_as == Type::Text || kind == read_as) || name == TICKET;
        assert!(fits, "{} reads {name} as {read_as:?}, and src/api/inputs declares {kind:?}", self.path);
        if let Some(input) = declared {
            READ.lock().expect("no holder panics").insert((self.path, input.name));
        }
    }
}

/// Path and parameter of what [`Inputs::assert_reads`] saw in this process.
static READ: Mutex<BTreeSet<(&str, &str)>> = Mutex::new(BTreeSet::new());

/// Path and name of the parameters that are declared and that no handler has read so far: for a test that has called every route.
pub fn never_read() -> Vec<(&'static str, &'static str)> {
    let read = READ.lock().expect("no holder panics");
    let all = INPUTS.iter().flat_map(|inputs| inputs.params().map(|input| (inputs.path, input.name)));
    all.filter(|input| !read.contains(input)).collect()
}

/// What the route of that path reads.
pub fn of(path: &str) -> Option<&'static Inputs> {
    static BY_PATH: LazyLock<BTreeMap<&str, &Inputs>> = LazyLock::new(|| INPUTS.iter().map(|inputs| (inputs.path, inputs)).collect());
    BY_PATH.get(path).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::table::ROUTES;

    #[test]
    fn every_route_has_one_entry_in_the_order_of_the_table() {
        let declared: Vec<_> = INPUTS.iter().map(|inputs| inputs.path).collect();
        assert_eq!(declared, ROUTES.iter().map(|route| route.path).collect::<Vec<_>>());
    }

    #[test]
    fn a_parameter_stands_once_and_an_example_is_json() {
        for inputs in INPUTS {
            let names: BTreeSet<_> = inputs.params().map(|input| input.name).collect();
            assert_eq!(names.len(), inputs.params().count(), "{}", inputs.path);
            assert!(inputs.body.is_none_or(|body| serde_json::from_str::<serde_json::Value>(body.example).is_ok()), "{}", inputs.path);
        }
    }

    #[test]
    #[should_panic(expected = "/admin/getVol reads nmae as Text, and src/api/inputs declares None")]
    fn a_parameter_that_is_not_declared_is_named() {
        of("/admin/getVol").unwrap().assert_reads("nmae", Type::Text);
    }

    #[test]
    #[should_panic(expected = "/metaPartition/get reads id as Bool, and src/api/inputs declares Some(U64)")]
    fn a_parameter_that_is_read_as_another_type_is_named() {
        of("/metaPartition/get").unwrap().assert_reads("id", Type::Bool);
    }
}
