//! The error answers that every operation documents.

use std::collections::BTreeMap;

use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema};

use super::error::Problem;

const ASKING: [(&str, &str); 7] = [
    ("400", "The request is not what this document says"),
    ("401", "No key, or one that nobody holds"),
    ("403", "The key's holder may not do this"),
    ("404", "There is no such thing"),
    (
        "429",
        "Too many requests; Retry-After says when to ask again",
    ),
    ("500", "Our fault"),
    (
        "503",
        "Ask again, with the same Idempotency-Key if there was one: it may have happened",
    ),
];

const SENDING: [(&str, &str); 4] = [
    ("409", "The Idempotency-Key was used for something else"),
    ("413", "The body is larger than 1 MiB"),
    ("415", "The body is not JSON"),
    ("422", "A rule says no; nothing changed"),
];

fn responses(rows: &[(&str, &str)]) -> BTreeMap<String, RefOr<Response>> {
    let response = |text: &str| {
        let schema = Ref::from_schema_name(Problem::name());
        let content = ContentBuilder::new().schema(Some(schema)).build();
        ResponseBuilder::new()
            .description(text)
            .content("application/json", content)
            .build()
    };
    rows.iter()
        .map(|(status, text)| ((*status).to_owned(), response(text).into()))
        .collect()
}

/// Of operations without a body.
pub struct Asking;

impl IntoResponses for Asking {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        responses(&ASKING)
    }
}

/// Of operations with a body.
pub struct Sending;

impl IntoResponses for Sending {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let mut all = responses(&ASKING);
        all.append(&mut responses(&SENDING));
        all
    }
}

/// Of operations that need no key.
pub struct Open;

impl IntoResponses for Open {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let mut all = Sending::responses();
        all.retain(|status, _| !["401", "403", "409", "422"].contains(&status.as_str()));
        all
    }
}
