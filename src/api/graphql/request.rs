//! What a GraphQL request asks for: fragments put in their places, directives obeyed, variables given their values.

use super::document::{self, Directive, Document, Literal, Selection, DEPTH_MAX};
use serde_json::{Map, Value};

/// A request.
#[derive(Debug, PartialEq)]
pub struct Request {
    pub is_mutation: bool,
    pub fields: Vec<Asked>,
}

/// A field that is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// Its key in the answer.
    pub key: String,
    pub name: String,
    pub arguments: Map<String, Value>,
    /// What of it is asked for; `None` where nothing is said.
    pub fields: Option<Vec<Asked>>,
}

/// Fields that fragments may stand for in one request.
const FIELDS_MAX: usize = 10_000;

/// Reads a request.
///
/// # Errors
/// The text for the client.
pub fn read(query: &str, variables: Map<String, Value>) -> Result<Request, String> {
    let document = document::parse(query)?;
    let [operation] = &document.operations[..] else {
        return Err(if document.operations.is_empty() { "must have a single query" } else { "only support a single query" }.into());
    };
    let mut reader = Reader { document: &document, variables, fields: 0 };
    for (name, default) in &operation.defaults {
        if !reader.variables.contains_key(name) {
            let value = reader.value(default)?;
            reader.variables.insert(name.clone(), value);
        }
    }
    Ok(Request { is_mutation: operation.is_mutation, fields: reader.fields(&operation.selections, 0)? })
}

struct Reader<'a> {
    document: &'a Document,
    variables: Map<String, Value>,
    /// Read so far.
    fields: usize,
}

impl Reader<'_> {
    fn value(&self, literal: &Literal) -> Result<Value, String> {
        Ok(match literal {
            Literal::Value(value) => value.clone(),
            Literal::Variable(name) => self.variables.get(name).cloned().unwrap_or(Value::Null),
            Literal::List(items) => Value::Array(items.iter().map(|item| self.value(item)).collect::<Result<_, _>>()?),
            Literal::Object(members) => Value::Object(self.arguments(members)?),
        })
    }

    fn arguments(&self, members: &[(String, Literal)]) -> Result<Map<String, Value>, String> {
        let mut arguments = Map::new();
        for (name, literal) in members {
            if arguments.insert(name.clone(), self.value(literal)?).is_some() {
                return Err(format!("duplicate argument {name:?}"));
            }
        }
        Ok(arguments)
    }

    fn wanted(&self, directives: &[Directive]) -> Result<bool, String> {
        let mut wanted = true;
        for Directive { name, arguments } in directives {
            let condition = self.arguments(arguments)?.get("if").and_then(Value::as_bool);
            match (name.as_str(), condition) {
                ("skip", Some(skip)) => wanted &= !skip,
                ("include", Some(include)) => wanted &= include,
                ("skip" | "include", None) => return Err(format!("required argument of @{name}: if: not a bool")),
                _ => return Err(format!("unknown directive {name:?}")),
            }
        }
        Ok(wanted)
    }

    fn fields(&mut self, selections: &[Selection], depth: usize) -> Result<Vec<Asked>, String> {
        let mut fields = Vec::new();
        self.collect(selections, depth, &mut fields)?;
        Ok(fields)
    }

    fn collect(&mut self, selections: &[Selection], depth: usize, into: &mut Vec<Asked>) -> Result<(), String> {
        if depth > DEPTH_MAX {
            return Err("nested too deep, or fragments that hold each other".into());
        }
        for selection in selections {
            self.fields += 1;
            if self.fields > FIELDS_MAX {
                return Err("too many fields".into());
            }
            match selection {
                Selection::Field(field) => {
                    if !self.wanted(&field.directives)? {
                        continue;
                    }
                    let key = field.alias.as_ref().unwrap_or(&field.name).clone();
                    let fields = match &field.selections {
                        Some(selections) => Some(self.fields(selections, depth + 1)?),
                        None => None,
                    };
                    let asked = Asked { key, name: field.name.clone(), arguments: self.arguments(&field.arguments)?, fields };
                    merge(asked, into)?;
                }
                Selection::Spread { fragment, directives } => {
                    let document = self.document;
                    let found = document.fragments.iter().find(|(name, _)| name == fragment);
                    let (_, selections) = found.ok_or_else(|| format!("unknown fragment {fragment:?}"))?;
                    if self.wanted(directives)? {
                        self.collect(selections, depth + 1, into)?;
                    }
                }
                Selection::Inline { selections, directives } => {
                    if self.wanted(directives)? {
                        self.collect(selections, depth + 1, into)?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// A key that is asked for twice must mean the same field; what is asked of it comes together.
fn merge(asked: Asked, into: &mut Vec<Asked>) -> Result<(), String> {
    let Some(present) = into.iter_mut().find(|present| present.key == asked.key) else {
        into.push(asked);
        return Ok(());
    };
    if present.name != asked.name || present.arguments != asked.arguments {
        return Err(format!("{:?} is asked for with different meanings", asked.key));
    }
    if let (Some(present), Some(more)) = (&mut present.fields, asked.fields) {
        more.into_iter().try_for_each(|field| merge(field, present))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn keys(fields: &[Asked]) -> Vec<String> {
        let inner = |field: &Asked| field.fields.as_ref().map_or(String::new(), |fields| format!("{{{}}}", keys(fields).join(" ")));
        fields.iter().map(|field| format!("{}{}", field.key, inner(field))).collect()
    }

    fn asked(query: &str) -> Result<String, String> {
        let variables = json!({"yes": true, "n": 2}).as_object().cloned().unwrap_or_default();
        read(query, variables).map(|request| keys(&request.fields).join(" "))
    }

    #[test]
    fn fragments_and_directives_are_worked_in() {
        assert_eq!(asked("{a{x ...F ...on T{y}}} fragment F on T{z x}").unwrap(), "a{x z y}");
        assert_eq!(asked("{a @skip(if:$yes) b @include(if:$yes) k:c}").unwrap(), "b k");
        assert_eq!(asked("{a{x} a{y}}").unwrap(), "a{x y}");
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        assert!(asked("{...F} fragment F on T{...F}").is_err());
        assert!(asked("{...G}").is_err());
        assert!(asked("{a:b a:c}").is_err());
        assert!(asked("{a} {b}").is_err());
        assert!(asked("{a @skip}").is_err());
    }

    #[test]
    fn variables_have_the_values_of_the_request_or_their_defaults() {
        let request = read("query($n:int64,$m:int64=7){a(n:$n,m:$m,l:[$n])}", json!({"n": 2}).as_object().cloned().unwrap()).unwrap();
        assert_eq!(Value::Object(request.fields[0].arguments.clone()), json!({"n": 2, "m": 7, "l": [2]}));
    }
}
