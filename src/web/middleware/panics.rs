//! A panic is our fault: logged with its text, answered with nothing of it.

use std::any::Any;

use axum::response::{IntoResponse as _, Response};

use crate::error::Problem;

#[expect(clippy::needless_pass_by_value, reason = "the layer's signature")]
pub(super) fn answer(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without text");
    Problem::internal(&text).into_response()
}
