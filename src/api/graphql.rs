//! The two GraphQL endpoints (v3.5.3 http-general.md §13): reading a request, and giving it the fields that it asks for.
//!
//! * `document.rs`: the text of a request, parsed.
//! * `request.rs`: fragments, directives and variables worked in: what is asked for, and nothing else.
//! * `schema.rs`: which fields there are, and the answer as far as it was asked for.
//!
//! Must not know: what a field means. Introspection is not served.

mod document;
pub mod request;
pub mod schema;
