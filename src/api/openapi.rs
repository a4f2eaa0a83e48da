//! The OpenAPI 3.0 document of the API, made of the route table and of what the routes read ([`super::inputs`]): whatever the router, the
//! authentication and the limiter go by stands in it, and nothing else does.

use super::inputs::{self, Input, Inputs, Type};
use super::route::{Effect, Route, Served};
use super::table::{NOT_SUPPORTED_YET, ROUTES};
use crate::wire::reply::{code, fault};
use bytes::Bytes;
use http::Method;
use serde_json::{json, Map, Value};
use std::sync::LazyLock;

const JSON: &str = "application/json";
const PLAIN: &str = "text/plain";

/// The document as JSON text.
pub fn text() -> Bytes {
    static TEXT: LazyLock<Bytes> = LazyLock::new(|| Bytes::from(document().to_string()));
    TEXT.clone()
}

/// The document.
pub fn document() -> Value {
    let paths: Map<String, Value> = ROUTES.iter().map(|route| (route.path.to_owned(), path_item(route))).collect();
    json!({
        "openapi": "3.0.3",
        "info": {
            "title": "cfs-master",
            "version": env!("CARGO_PKG_VERSION"),
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
            "description": "The HTTP API of the master of a CubeFS v3.5.3 cluster. Parameters may stand in the query or, of a POST or PUT, in a \
                form; the first value counts, that of the form before that of the query, and an empty one counts as missing. A reply is an \
                envelope with status 200, also a refusal: its code says which. A follower passes a request on to the leader.",
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": {"Code": code_schema(), "Envelope": envelope_schema()},
            "responses": {
                "NotNow": plain_response("No leader is known (`no leader`), or another master has to be asked: its address. Also data that has no JSON."),
                "TooMany": plain_response("The rate limit of this API (`/admin/setApiQpsLimit`) is used up."),
                "TooLarge": {"description": "The body is too large."},
            },
            "securitySchemes": {"ticket": {
                "type": "apiKey", "in": "query", "name": "clientIDKey",
                "description": "Asked for when the configuration says `authenticate`: a key of the auth nodes whose capabilities name the \
                    resource in `x-resource`.",
            }},
        },
    })
}

fn path_item(route: &Route) -> Value {
    let inputs = inputs::of(route.path).expect("every route declares what it reads");
    let operation = |method: &Method| (method.as_str().to_lowercase(), operation(route, inputs, method));
    Value::Object(route.methods.list().iter().map(operation).collect())
}

fn operation(route: &Route, inputs: &Inputs, method: &Method) -> Value {
    let mut operation = json!({
        "operationId": operation_id(route.path, method),
        "summary": route.purpose,
        "description": description(route, inputs, method),
        "tags": [tag(route.path)],
        "parameters": inputs.params().map(parameter).collect::<Vec<_>>(),
        "responses": responses(route),
        "security": [],
    });
    if let Some(ticket) = route.ticket {
        operation["security"] = json!([{"ticket": []}]);
        operation["x-resource"] = ticket.resource.into();
    }
    if let Some(name) = route.limiter {
        operation["x-limiter"] = name.into();
    }
    if let Some(body) = inputs.body.filter(|_| *method != Method::GET && *method != Method::DELETE) {
        let example: Value = serde_json::from_str(body.example).expect("an example is JSON");
        let kind = if example.is_array() { json!({"type": "array", "items": {"type": "object"}}) } else { json!({"type": "object"}) };
        operation["requestBody"] = json!({"required": true, "content": {JSON: {"schema": titled(kind, body.title), "example": example}}});
    }
    operation
}

fn titled(mut schema: Value, title: &str) -> Value {
    schema["title"] = title.into();
    schema
}

fn description(route: &Route, inputs: &Inputs, method: &Method) -> String {
    let mut parts = vec![match route.effect {
        Effect::Read => "Reads.",
        Effect::Change => "Changes the cluster.",
        Effect::Report => "Tells this master something that no other one needs to agree on.",
    }
    .to_owned()];
    parts.push(
        match route.served {
            Served::Leader => "The leader answers.",
            Served::Any => "Every master answers for itself.",
            Served::AnyWithCache => "Every master answers for itself while `enableFollowerCache` is on.",
            Served::LeaderOrView => "The leader answers, or a follower that holds a ready view.",
        }
        .to_owned(),
    );
    if let Some(body) = inputs.body.filter(|_| *method == Method::GET || *method == Method::DELETE) {
        parts.push(format!("The body is a {} as JSON: `{}`.", body.title, body.example));
    }
    if NOT_SUPPORTED_YET.contains(&route.path) {
        parts.push("Not supported yet: answers code 1.".into());
    }
    parts.join(" ")
}

/// `getAdminGetVol`.
fn operation_id(path: &str, method: &Method) -> String {
    let mut id = method.as_str().to_lowercase();
    for part in path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty()) {
        id.push_str(&part[..1].to_uppercase());
        id.push_str(&part[1..]);
    }
    id
}

/// The first part of the path.
fn tag(path: &str) -> &str {
    path.split('/').find(|part| !part.is_empty()).unwrap_or("api")
}

fn parameter(input: &Input) -> Value {
    json!({
        "name": input.name, "in": "query", "required": input.required, "schema": schema(input.kind), "example": example(input),
    })
}

fn schema(kind: Type) -> Value {
    match kind {
        Type::Text => json!({"type": "string"}),
        Type::Bool => json!({"type": "boolean"}),
        Type::U32 => json!({"type": "integer", "format": "int64", "minimum": 0, "maximum": u32::MAX}),
        Type::U64 => json!({"type": "integer", "minimum": 0, "maximum": u64::MAX}),
        Type::I32 => json!({"type": "integer", "format": "int32"}),
        Type::I64 => json!({"type": "integer", "format": "int64"}),
        Type::F64 => json!({"type": "number", "format": "double"}),
    }
}

/// A value that says what is meant.
fn example(input: &Input) -> Value {
    match (input.kind, input.name) {
        (Type::Bool, _) => json!(true),
        (Type::F64, _) => json!(0.75),
        (Type::Text, name) => json!(match name {
            "addr" | "srcAddr" => "10.0.0.21:17310",
            "targetAddr" => "10.0.0.22:17310",
            "name" | "vol" | "volName" => "vol1",
            "keywords" => "vol",
            "owner" | "user" => "user1",
            "disk" | "diskName" => "/data1",
            "zoneName" => "default",
            "authKey" => "24c9e15e52afc47c225b757e7bee1f9d",
            "ak" => "9VhbwqxomI5jyHS2",
            "ip" | "host" => "10.0.0.51",
            "op" => "info",
            "config" => "metaPartitionInodeIdStep",
            "enableTxMask" => "create|mkdir",
            "allowedStorageClass" => "1,2",
            "nodesetId" => "1,2",
            "heartbeatPort" => "17330",
            "replicaPort" => "17340",
            "threshold" => "4096,65536",
            "clusterCreateTime" => "2026-11-24 12:00:00",
            "dpId" => "1",
            "remoteCachePath" => "/dir",
            _ => "text",
        }),
        (_, name) => json!(match name {
            "capacity" => 100,
            "mediaType" | "dataMediaType" | "volStorageClass" | "quotaClass" => 1,
            "op" => 0,
            "nodeType" => 2,
            "metaNodeGOGC" | "dataNodeGOGC" => 100,
            "dpRepairBlockSize" => 524_288,
            "flowRKey" | "flowWKey" | "iopsRKey" | "iopsWKey" => 1000,
            "qosLimit" => 3000,
            _ => 1,
        }),
    }
}

fn responses(route: &Route) -> Value {
    let success = match route.path {
        "/metrics" => json!({"description": "The metrics in Prometheus' text form.", "content": {PLAIN: {"schema": {"type": "string"}}}}),
        "/api/cluster" | "/api/user" => {
            json!({"description": "GraphQL's own reply, with `data` and `errors`.", "content": {JSON: {"schema": {"type": "object"}}}})
        }
        "/openapi.json" => json!({"description": "This document.", "content": {JSON: {"schema": {"type": "object"}}}}),
        _ => json!({
            "description": "The outcome: code 0 and data, or a refusal.",
            "content": {JSON: {"schema": {"$ref": "#/components/schemas/Envelope"}, "examples": {
                "done": {"value": {"code": code::SUCCESS, "msg": "success", "data": Value::Null}},
                "refused": {"value": {"code": code::PARAM_ERROR, "msg": "parameter name not found", "data": Value::Null}},
            }}},
        }),
    };
    let mut responses = json!({
        "200": success,
        "400": {"$ref": "#/components/responses/NotNow"},
        "413": {"$ref": "#/components/responses/TooLarge"},
    });
    if route.limiter.is_some() {
        responses["429"] = json!({"$ref": "#/components/responses/TooMany"});
    }
    if route.path == "/metrics" {
        responses["404"] = plain_response("`exporterEnable` is off.");
    }
    responses
}

fn plain_response(what: &str) -> Value {
    json!({"description": what, "content": {PLAIN: {"schema": {"type": "string"}}}})
}

fn envelope_schema() -> Value {
    json!({
        "type": "object",
        "required": ["code", "msg", "data"],
        "additionalProperties": false,
        "properties": {
            "code": {"$ref": "#/components/schemas/Code"},
            "msg": {"type": "string", "description": "`success`, another word of success, or why the request is refused"},
            "data": {"description": "as v3.5.3 answers this path; null in a refusal, unless that shows the balance plan it is about"},
        },
    })
}

/// The codes with their texts.
fn code_schema() -> Value {
    let codes: Vec<i32> = std::iter::once(code::SUCCESS).chain(fault::CODED.iter().map(|fault| fault.code)).collect();
    let meanings: Vec<String> = fault::CODED.iter().map(|fault| format!("{}: {}", fault.code, fault.msg)).collect();
    json!({"type": "integer", "format": "int32", "enum": codes, "description": format!("0: success; {}", meanings.join("; "))})
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_route_and_method_is_described_once() {
        let document = document();
        let operations: Vec<&Value> =
            document["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap().values()).collect();
        assert_eq!(operations.len(), ROUTES.iter().map(|route| route.methods.list().len()).sum::<usize>());
        let ids: BTreeSet<_> = operations.iter().map(|operation| operation["operationId"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), operations.len());
        assert!(ids.contains("getAdminGetVol") && ids.contains("postAdminCreateVol"));
        let get = &document["paths"]["/metaPartition/get"]["get"]["parameters"][0];
        assert_eq!((&get["name"], &get["required"], &get["schema"]["type"]), (&json!("id"), &json!(true), &json!("integer")));
        let create = &document["paths"]["/admin/createVol"]["post"];
        assert_eq!((&create["x-resource"], &create["security"]), (&json!("master:createvol"), &json!([{"ticket": []}])));
    }

    #[test]
    fn every_code_that_a_reply_can_have_is_listed() {
        let schema = code_schema();
        let listed: BTreeSet<i64> = schema["enum"].as_array().unwrap().iter().map(|code| code.as_i64().unwrap()).collect();
        assert_eq!(listed.len(), schema["enum"].as_array().unwrap().len(), "each once");
        assert!((0..=2).all(|code| listed.contains(&code)) && listed.contains(&67));
    }
}
