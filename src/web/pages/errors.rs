//! An error as a page: what is wrong, and what to do next.

use askama::Template;
use askama_web::WebTemplate;
use axum::http::StatusCode;

use super::Page;
use crate::error::Problem;

/// `templates/error.html`.
#[derive(Debug, Clone, Template, WebTemplate)]
#[template(path = "error.html")]
pub struct ErrorPage {
    /// The frame.
    pub page: Page,
    /// What is told.
    pub facts: Facts,
}

/// `templates/maintenance.html`: what those see who are not let in just now.
#[derive(Debug, Clone, Template, WebTemplate)]
#[template(path = "maintenance.html")]
pub struct MaintenancePage {
    /// The frame: without an entry, for nothing else is open.
    pub page: Page,
    /// Who is signed in, and may sign out.
    pub email: String,
    /// What they are told.
    pub message: String,
}

impl MaintenancePage {
    /// The page for somebody who is signed in.
    #[must_use]
    pub fn new(csrf: String, email: String, message: String) -> Self {
        let title = "Closed for maintenance".to_owned();
        Self { page: Page { title, user: None, csrf, path: String::new() }, email, message }
    }
}

/// What a person is told of a problem; the same that the problem document has.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The status' words.
    pub title: String,
    /// The status.
    pub status: u16,
    /// What is wrong.
    pub detail: String,
    /// The machine word.
    pub code: &'static str,
    /// The request id.
    pub instance: String,
    /// Where to go next: a path and its words.
    pub way_on: (&'static str, &'static str),
}

impl Facts {
    /// The facts of a problem at `path`; its member `instance` is the request id.
    #[must_use]
    pub fn of(problem: &Problem, path: &str) -> Self {
        let title = problem.status.canonical_reason().unwrap_or("Error").to_owned();
        let instance = problem.members.get("instance");
        let way_on = match problem.status {
            StatusCode::UNAUTHORIZED => ("/login", "Sign in"),
            _ if problem.code == "password_change_required" => ("/account", "Choose a password"),
            StatusCode::NOT_FOUND if path.starts_with("/uploads/") => {
                ("/uploads", "Go to the upload log")
            }
            _ if path.starts_with("/link/") => ("/login", "Go to the sign-in page"),
            _ => ("/", "Go to the start page"),
        };
        Self {
            title,
            status: problem.status.as_u16(),
            detail: problem.detail.clone(),
            code: problem.code,
            instance: instance.and_then(|id| id.as_str()).unwrap_or_default().to_owned(),
            way_on,
        }
    }
}
