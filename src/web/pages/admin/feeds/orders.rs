//! The forms of the pages: run, backfill, pause.

use axum::{
    extract::{Path, State},
    response::{IntoResponse as _, Redirect, Response},
};
use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};

use super::{Done, detail::ScopePage, view::path};
use crate::{
    app::App,
    audit::Actor,
    error::Result,
    feeds::runner::orders::{self, History, Ordered, Turn},
    web::{
        body::{StrictForm, missing},
        pages::{PageContext, form::filled},
        parameters::{FromParameters, NoQuery, Parameters},
    },
};

/// Days of a form, in UTC; the last is asked for, too.
pub(super) struct Range {
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
    /// Whether the form was in the list.
    in_list: bool,
}

impl FromParameters for Range {
    const NAMES: &'static [&'static str] = &["from", "to", "in_list"];

    fn from_parameters(parameters: &mut Parameters) -> Result<Self> {
        Ok(Self {
            from: filled(parameters, "from")?,
            to: filled(parameters, "to")?,
            in_list: filled::<bool>(parameters, "in_list")?.unwrap_or_default(),
        })
    }
}

fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}

impl Range {
    fn instants(&self) -> (Option<DateTime<Utc>>, Option<DateTime<Utc>>) {
        let after = self.to.map(|to| to.checked_add_days(Days::new(1)).unwrap_or(to));
        (self.from.map(midnight), after.map(midnight))
    }
}

pub(super) async fn run(
    context: PageContext,
    State(app): State<App>,
    actor: Actor,
    Path((feed, scope)): Path<(String, String)>,
    _: NoQuery,
    StrictForm(range): StrictForm<Range>,
) -> Result<Response> {
    let context = context.admin()?;
    let (from, to) = range.instants();
    let done = async {
        let window = orders::range(from, to, app.clock.now())?;
        let ordered = Ordered::of(&app, &feed)?;
        orders::run(&app, &actor, &ordered, Some(std::slice::from_ref(&scope)), window).await
    };
    let done = done.await.map(|_| Done::Run);
    answer(&app, &context, (&feed, &scope), done, range.in_list).await
}

pub(super) async fn backfill(
    context: PageContext,
    State(app): State<App>,
    actor: Actor,
    Path((feed, scope)): Path<(String, String)>,
    _: NoQuery,
    StrictForm(range): StrictForm<Range>,
) -> Result<Response> {
    let context = context.admin()?;
    let (from, to) = range.instants();
    let done = async {
        let window = orders::range(from, to, app.clock.now())?;
        let window = window.ok_or_else(|| missing("from", ": the first day"))?;
        let ordered = Ordered::of(&app, &feed)?;
        let (history, scopes) = (History { window, every_slot: false }, [scope.clone()]);
        orders::backfill(&app, &actor, &ordered, Some(&scopes), history).await
    };
    let done = done.await.map(|_| Done::Backfill);
    answer(&app, &context, (&feed, &scope), done, range.in_list).await
}

/// The button that was pressed.
pub(super) struct Button(Turn);

impl FromParameters for Button {
    const NAMES: &'static [&'static str] = &["do"];

    fn from_parameters(parameters: &mut Parameters) -> Result<Self> {
        parameters.value("do")?.map(Self).ok_or_else(|| missing("do", " from the form"))
    }
}

pub(super) async fn turn(
    context: PageContext,
    State(app): State<App>,
    actor: Actor,
    Path((feed, scope, number)): Path<(String, String, i64)>,
    _: NoQuery,
    StrictForm(Button(turn)): StrictForm<Button>,
) -> Result<Response> {
    let context = context.admin()?;
    let done = orders::turn(&app, &actor, Some(&feed), number, turn).await;
    answer(&app, &context, (&feed, &scope), done.map(|()| Done::Turned), false).await
}

pub(super) async fn pause(
    context: PageContext,
    State(app): State<App>,
    actor: Actor,
    Path(feed): Path<String>,
    _: NoQuery,
    StrictForm(Button(wanted)): StrictForm<Button>,
) -> Result<Redirect> {
    context.admin()?;
    let (is_paused, done) = match wanted {
        Turn::Pause => (true, Done::Paused),
        Turn::Resume => (false, Done::Resumed),
        Turn::Cancel => return Err(missing("do", ": pause or resume")),
    };
    orders::pause(&app, &actor, &Ordered::of(&app, &feed)?, is_paused).await?;
    Ok(Redirect::to(&format!("/admin/feeds?done={done}")))
}

/// The page again: with the news, or with what went wrong.
async fn answer(
    app: &App,
    context: &PageContext,
    (feed, scope): (&str, &str),
    outcome: Result<Done>,
    in_list: bool,
) -> Result<Response> {
    match outcome {
        Ok(done) => {
            let page = if in_list { "/admin/feeds".to_owned() } else { path(feed, scope) };
            Ok(Redirect::to(&format!("{page}?done={done}")).into_response())
        }
        Err(problem) if problem.status.is_server_error() => Err(problem),
        Err(problem) => {
            let (status, error) = (problem.status, Some(problem.detail));
            let page = ScopePage::load(app, context, (feed, scope), error, None).await?;
            Ok((status, page).into_response())
        }
    }
}
