//! The GraphQL endpoints (v3.5.3 http-general.md §13): who asks, the request, and the answer in GraphQL's own envelope.

mod clusters;
mod users;

use super::json_body::{self, Object};
use crate::api::graphql::request;
use crate::api::graphql::schema::{Caller, Schema};
use crate::api::reply::Reply;
use crate::api::request::Ctx;
use crate::model::UserType;
use crate::wire::gojson;
use crate::wire::reply::Fault;
use http::Method;
use serde::Serialize;
use serde_json::{Map, Value};

/// Names the user who asks.
const USER: &str = "_user_key";

/// `/api/cluster`.
pub async fn cluster(ctx: Ctx) -> Result<Reply, Fault> {
    serve(&ctx, &clusters::SCHEMA).await
}

/// `/api/user`.
pub async fn user(ctx: Ctx) -> Result<Reply, Fault> {
    serve(&ctx, &users::SCHEMA).await
}

async fn serve(ctx: &Ctx, schema: &Schema) -> Result<Reply, Fault> {
    let caller = match caller(ctx) {
        Ok(caller) => caller,
        Err(why) => {
            #[derive(Serialize)]
            struct Refused {
                errors: [String; 1],
            }
            return Ok(json(&Refused { errors: [why] }));
        }
    };
    #[derive(Serialize)]
    struct Envelope {
        data: Option<Value>,
        errors: Option<[String; 1]>,
    }
    Ok(json(&match answer(ctx, schema, &caller).await {
        Ok(data) => Envelope { data: Some(data), errors: None },
        Err(why) => Envelope { data: None, errors: Some([why]) },
    }))
}

fn json(answer: &impl Serialize) -> Reply {
    Reply::raw("application/json", gojson::to_vec(answer).unwrap_or_default())
}

fn caller(ctx: &Ctx) -> Result<Caller, String> {
    let id = ctx.header(USER);
    if id.is_empty() {
        return Err(format!("not found [{USER}] in header"));
    }
    let state = ctx.master.state();
    let user = state.users.get(id).ok_or_else(|| format!("user:[{id}] not found "))?;
    Ok(Caller { id: id.to_owned(), is_admin: matches!(user.user_type, UserType::ROOT | UserType::ADMIN) })
}

async fn answer(ctx: &Ctx, schema: &Schema, caller: &Caller) -> Result<Value, String> {
    if ctx.head.method != Method::POST {
        return Err("request must be a POST".into());
    }
    let (query, variables) = read(&ctx.body)?;
    schema.answer(ctx, caller, request::read(&query, variables)?).await
}

/// The text of the request and its variables.
fn read(body: &[u8]) -> Result<(String, Map<String, Value>), String> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err("EOF".into());
    }
    let text = |fault: Fault| fault.msg.into_owned();
    let json = json_body::parse(body).map_err(text)?;
    let mut object = Object::new(&json, "graphql.httpPostBody").map_err(text)?;
    let query = object.text("query");
    let query = object.finish(query).map_err(text)?;
    #[derive(serde::Deserialize, Default)]
    #[serde(default)]
    struct Body {
        variables: Option<Map<String, Value>>,
    }
    let body: Body = gojson::from_slice(body).map_err(|e| e.to_string())?;
    Ok((query, body.variables.unwrap_or_default()))
}

/// A view as a value, so that parts of it can be taken.
fn value(view: &impl Serialize) -> Result<Value, String> {
    let text = gojson::to_string(view).map_err(|e| e.to_string())?;
    serde_json::from_str(&text).map_err(|e| e.to_string())
}
