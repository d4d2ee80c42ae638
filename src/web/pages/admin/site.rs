//! `/admin/site`: the switches of the site, and what it is set up with.

use askama::Template;
use askama_web::WebTemplate;
use axum::{
    Router,
    extract::State,
    response::{IntoResponse as _, Redirect, Response},
    routing::{get, post},
};

use crate::{
    app::App,
    audit::Actor,
    db::site::{self as rows, Switch, Switches},
    domain::{Registered, Role as ComponentRole, registry},
    error::{Problem, Result},
    site,
    web::{
        body::{StrictForm, missing},
        pages::{Page, PageContext, errors::MaintenancePage, form::filled, format::iso_name},
        parameters::{FromParameters, NoQuery, Parameters, StrictQuery},
    },
};

/// The page and its forms.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/admin/site", get(show).post(turn))
        .route("/admin/site/preview", post(preview))
}

/// A switch as the form shows it.
#[derive(Debug)]
struct SwitchView {
    name: &'static str,
    title: &'static str,
    note: &'static str,
    switch: Switch,
}

#[derive(Template, WebTemplate)]
#[template(path = "admin/site.html")]
struct SitePage {
    page: Page,
    error: Option<String>,
    saved: bool,
    switches: [SwitchView; 2],
    default_message: &'static str,
    curve_timezone: String,
    disclaimer: Option<String>,
    search: String,
    components: Vec<&'static Registered>,
}

impl SitePage {
    fn new(app: &App, page: Page, Switches { ui, api }: Switches) -> Self {
        let ui_note = "Everybody who signs in with a browser.";
        let api_note = "Every token, and with it Excel, scripts and BI.";
        let view = |name, title, note, switch| SwitchView { name, title, note, switch };
        Self {
            page,
            error: None,
            saved: false,
            switches: [view("ui", "Pages", ui_note, ui), view("api", "API", api_note, api)],
            default_message: site::DEFAULT_MESSAGE,
            curve_timezone: app.config.curve_timezone.name().to_owned(),
            disclaimer: app.config.downloads.disclaimer.clone(),
            search: String::new(),
            components: registry().iter().collect(),
        }
    }
}

/// What is looked for among the components, and what was just done.
struct View {
    search: String,
    saved: bool,
}

impl FromParameters for View {
    const NAMES: &'static [&'static str] = &["component", "done"];

    fn from_parameters(parameters: &mut Parameters) -> Result<Self> {
        let saved = match parameters.text("done")?.as_deref() {
            None => false,
            Some("saved") => true,
            Some(other) => return Err(Problem::bad_parameter("done", other, "it is saved")),
        };
        Ok(Self { search: filled(parameters, "component")?.unwrap_or_default(), saved })
    }
}

async fn show(
    context: PageContext,
    State(app): State<App>,
    StrictQuery(View { search, saved }): StrictQuery<View>,
) -> Result<SitePage> {
    let context = context.admin()?;
    let switches = rows::read(&app.pool).await?.switches;
    let page = SitePage::new(&app, context.page("Site"), switches);
    let components = registry().iter().filter(|entry| is_found(entry, &search)).collect();
    Ok(SitePage { saved, search, components, ..page })
}

/// Whether an entry has every word of a search, in any case.
fn is_found(entry: &Registered, search: &str) -> bool {
    let role = role_name(entry.role);
    let text = format!("{} {} {} {role}", iso_name(entry.iso), entry.name, entry.unit);
    let text = text.to_lowercase();
    search.to_lowercase().split_whitespace().all(|word| text.contains(word))
}

const fn role_name(role: ComponentRole) -> &'static str {
    match role {
        ComponentRole::Charge => "charge",
        ComponentRole::Capacity => "capacity price",
        ComponentRole::Scaler => "scaler",
    }
}

struct SwitchesForm(Switches);

impl FromParameters for SwitchesForm {
    const NAMES: &'static [&'static str] = &["ui_open", "ui_message", "api_open", "api_message"];

    fn from_parameters(parameters: &mut Parameters) -> Result<Self> {
        let mut switch = |open: &str, message: &str| {
            Ok::<_, Problem>(Switch {
                open: parameters.value(open)?.ok_or_else(|| missing(open, " from the form"))?,
                message: parameters.text(message)?.unwrap_or_default(),
            })
        };
        let ui = switch("ui_open", "ui_message")?;
        Ok(Self(Switches { ui, api: switch("api_open", "api_message")? }))
    }
}

async fn turn(
    context: PageContext,
    State(app): State<App>,
    actor: Actor,
    _: NoQuery,
    StrictForm(SwitchesForm(wanted)): StrictForm<SwitchesForm>,
) -> Result<Response> {
    let context = context.admin()?;
    match site::switch(&app, &actor, wanted.clone()).await {
        Ok(()) => Ok(Redirect::to("/admin/site?done=saved").into_response()),
        Err(problem) => {
            let page = SitePage::new(&app, context.page("Site"), wanted);
            let error = Some(problem.detail);
            Ok((problem.status, SitePage { error, ..page }).into_response())
        }
    }
}

/// The page that those see who are not let in, with the message of the form.
async fn preview(
    context: PageContext,
    _: NoQuery,
    StrictForm(SwitchesForm(wanted)): StrictForm<SwitchesForm>,
) -> Result<MaintenancePage> {
    let context = context.admin()?;
    let csrf = context.page("").csrf;
    let message = site::told(wanted.ui.message.trim()).to_owned();
    Ok(MaintenancePage::new(csrf, context.principal.email, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_are_found_by_every_word() {
        let found = |search: &str| registry().iter().filter(|e| is_found(e, search)).count();
        assert_eq!(found(""), registry().len());
        assert_eq!(found("pjm SCALER"), 1);
        assert_eq!(found("kw-mo nyiso"), 3);
        assert_eq!(found("nothing like it"), 0);
    }
}
