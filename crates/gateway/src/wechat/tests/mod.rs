//! The endpoints, asked as SDKs ask them: in this process, over a real engine in a temporary folder.

mod bills;
pub(crate) mod discounts;
mod edge;
mod orders;

use serde_json::Value;

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

fn with(mut body: Value, pointer: &str, value: Value) -> Value {
    *body.pointer_mut(pointer).unwrap() = value;
    body
}
