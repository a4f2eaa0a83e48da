//! Which fields there are, and an answer as far as it was asked for. Texts of errors are those of the library that v3.5.3 uses.

use super::request::{Asked, Request};
use crate::api::request::Ctx;
use crate::env::BoxFuture;
use serde_json::{Map, Value};
use std::future::Future;

/// One endpoint.
pub struct Schema {
    pub queries: &'static [Root],
    pub mutations: &'static [Root],
}

/// A field at the top.
pub struct Root {
    pub name: &'static str,
    /// All of them are required.
    pub arguments: &'static [(&'static str, Kind)],
    pub shape: Shape,
    /// Only administrators may ask for it.
    pub admin: bool,
    pub resolve: &'static dyn Resolve,
}

/// What an argument must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Bool,
    Number,
    Text,
    Texts,
}

impl Kind {
    fn refusal(self, value: &Value) -> Option<&'static str> {
        match self {
            Self::Bool => (!value.is_boolean()).then_some("not a bool"),
            Self::Number => (!value.is_number()).then_some("not a number"),
            Self::Text => (!value.is_string()).then_some("not a string"),
            Self::Texts => match value {
                Value::Array(items) => (!items.iter().all(Value::is_string)).then_some("not a string"),
                _ => Some("not a list"),
            },
        }
    }
}

/// What a field holds.
#[derive(Clone, Copy)]
pub enum Shape {
    Scalar,
    Object(&'static Type),
    List(&'static Type),
}

/// An object. The key of a field in the value is its name, or its name with the first letter raised.
pub struct Type {
    pub name: &'static str,
    /// Fields that hold numbers, texts, bools and lists of them.
    pub scalars: &'static [&'static str],
    pub objects: &'static [(&'static str, Shape)],
}

impl Type {
    fn shape(&self, field: &str) -> Option<Shape> {
        let object = self.objects.iter().find(|(name, _)| *name == field).map(|(_, shape)| *shape);
        object.or_else(|| self.scalars.contains(&field).then_some(Shape::Scalar))
    }
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub id: String,
    pub is_admin: bool,
}

impl Caller {
    /// The refusal of what only administrators may do.
    pub fn refused(&self) -> String {
        format!("user:[{}] permissions has err:[1] your:[2]", self.id)
    }
}

/// What a resolver is given.
pub struct Call {
    pub ctx: Ctx,
    pub caller: Caller,
    arguments: Map<String, Value>,
    fields: Option<Vec<Asked>>,
}

impl Call {
    /// Is the field at the end of this path of names asked for?
    pub fn wants(&self, path: &[&str]) -> bool {
        let Some((last, others)) = path.split_last() else { return true };
        let mut fields: Vec<&Asked> = self.fields.iter().flatten().collect();
        for name in others {
            fields = fields.into_iter().filter(|field| field.name == *name).flat_map(|field| field.fields.iter().flatten()).collect();
        }
        fields.iter().any(|field| field.name == *last)
    }

    pub fn text(&self, name: &str) -> &str {
        self.arguments.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    pub fn flag(&self, name: &str) -> bool {
        self.arguments.get(name).and_then(Value::as_bool).unwrap_or_default()
    }

    /// 0 for what is no whole number, or below it.
    pub fn number(&self, name: &str) -> u64 {
        let number = self.arguments.get(name);
        number.and_then(Value::as_u64).or_else(|| number.and_then(Value::as_f64).map(|n| n as u64)).unwrap_or_default()
    }

    pub fn texts(&self, name: &str) -> Vec<String> {
        let items = self.arguments.get(name).and_then(Value::as_array);
        items.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    }
}

/// What makes the value of a field at the top. Every `async fn(Call) -> Result<Value, String>` does.
pub trait Resolve: Send + Sync {
    fn call(&self, call: Call) -> BoxFuture<'static, Result<Value, String>>;
}

impl<F, Fut> Resolve for F
where
    F: Fn(Call) -> Fut + Send + Sync,
    Fut: Future<Output = Result<Value, String>> + Send + 'static,
{
    fn call(&self, call: Call) -> BoxFuture<'static, Result<Value, String>> {
        Box::pin(self(call))
    }
}

impl Schema {
    /// Answers a request: all that it asks for, or the first error. Nothing is done before the whole request was checked.
    ///
    /// # Errors
    /// The text for the client.
    pub async fn answer(&self, ctx: &Ctx, caller: &Caller, request: Request) -> Result<Value, String> {
        let roots = if request.is_mutation { self.mutations } else { self.queries };
        let mut asked = Vec::new();
        for field in request.fields {
            if field.name.starts_with("__") {
                return Err(format!("invalid top-level selection {:?}", field.name));
            }
            let root = roots.iter().find(|root| root.name == field.name).ok_or_else(|| unknown(&field.name))?;
            root.check(&field)?;
            asked.push((root, field));
        }
        let mut answer = Map::new();
        for (root, field) in asked {
            let failed = |why: String| format!("{}: {why}", field.key);
            if root.admin && !caller.is_admin {
                return Err(failed(caller.refused()));
            }
            let Asked { arguments, fields, .. } = field.clone();
            let call = Call { ctx: ctx.clone(), caller: caller.clone(), arguments, fields };
            let value = root.resolve.call(call).await.map_err(failed)?;
            answer.insert(field.key.clone(), project(&value, root.shape, field.fields.as_deref()));
        }
        Ok(Value::Object(answer))
    }
}

fn unknown(field: &str) -> String {
    format!("unknown field {field:?}")
}

impl Root {
    fn check(&self, field: &Asked) -> Result<(), String> {
        for (name, kind) in self.arguments {
            let value = field.arguments.get(*name).unwrap_or(&Value::Null);
            if let Some(refusal) = kind.refusal(value) {
                return Err(format!("error parsing args for {:?}: {name}: {refusal}", self.name));
            }
        }
        if let Some(name) = field.arguments.keys().find(|name| !self.arguments.iter().any(|(known, _)| known == name)) {
            return Err(format!("error parsing args for {:?}: unknown arg {name}", self.name));
        }
        check(self.shape, field)
    }
}

fn check(shape: Shape, asked: &Asked) -> Result<(), String> {
    match (shape, &asked.fields) {
        (Shape::Scalar, None) => Ok(()),
        (Shape::Scalar, Some(_)) => Err("scalar field must have no selections".into()),
        (Shape::Object(_) | Shape::List(_), None) => Err("object field must have selections".into()),
        (Shape::Object(of) | Shape::List(of), Some(fields)) => fields.iter().try_for_each(|field| {
            if field.name == "__typename" {
                return Ok(());
            }
            check(of.shape(&field.name).ok_or_else(|| unknown(&field.name))?, field)
        }),
    }
}

/// The part of a value that was asked for.
fn project(value: &Value, shape: Shape, fields: Option<&[Asked]>) -> Value {
    match (shape, value) {
        (Shape::List(of), Value::Array(items)) => Value::Array(items.iter().map(|item| project(item, Shape::Object(of), fields)).collect()),
        (Shape::Object(of), Value::Object(members)) => {
            let mut out = Map::new();
            for field in fields.unwrap_or_default() {
                let value = match of.shape(&field.name) {
                    Some(shape) => project(member(members, &field.name), shape, field.fields.as_deref()),
                    None => Value::String(of.name.to_owned()),
                };
                out.insert(field.key.clone(), value);
            }
            Value::Object(out)
        }
        (_, value) => value.clone(),
    }
}

fn member<'a>(members: &'a Map<String, Value>, name: &str) -> &'a Value {
    let raised = || {
        let mut chars = name.chars();
        let first = chars.next().map(|c| c.to_ascii_uppercase());
        members.get(&first.into_iter().chain(chars).collect::<String>())
    };
    members.get(name).or_else(raised).unwrap_or(&Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::graphql::request::read;
    use serde_json::json;

    const ITEM: Type = Type { name: "Item", scalars: &["iD", "user_id"], objects: &[] };
    const THING: Type = Type { name: "Thing", scalars: &["addr"], objects: &[("items", Shape::List(&ITEM))] };

    fn checked(query: &str) -> Result<Value, String> {
        async fn nothing(_: Call) -> Result<Value, String> {
            Ok(Value::Null)
        }
        let root = Root { name: "get", arguments: &[("on", Kind::Bool)], shape: Shape::Object(&THING), admin: true, resolve: &nothing };
        let field = read(query, Map::new())?.fields.remove(0);
        root.check(&field)?;
        let value = json!({"Addr": "a", "Items": [{"ID": 1, "user_id": "u"}], "Secret": 1});
        Ok(project(&value, root.shape, field.fields.as_deref()))
    }

    #[test]
    fn only_what_is_asked_for_is_answered_under_the_names_asked_for() {
        let answer = checked("{get(on:true){a:addr items{iD user_id __typename}}}").unwrap();
        assert_eq!(answer, json!({"a": "a", "items": [{"iD": 1, "user_id": "u", "__typename": "Item"}]}));
    }

    #[test]
    fn a_request_is_checked_before_anything_is_done() {
        let refused = |query: &str| checked(query).unwrap_err();
        assert_eq!(refused("{get(on:true){secret}}"), "unknown field \"secret\"");
        assert_eq!(refused("{get{addr}}"), "error parsing args for \"get\": on: not a bool");
        assert_eq!(refused("{get(on:true,x:1){addr}}"), "error parsing args for \"get\": unknown arg x");
        assert_eq!(refused("{get(on:true)}"), "object field must have selections");
        assert_eq!(refused("{get(on:true){addr{x}}}"), "scalar field must have no selections");
    }
}
