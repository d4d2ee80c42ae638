//! `trueprice openapi`: the description of the REST interface, without a server.

use std::{io::Write as _, process::ExitCode};

use super::Outcome;

pub fn run() -> Outcome {
    let (_, openapi) = trueprice::web::api::routes().split_for_parts();
    writeln!(std::io::stdout(), "{}", openapi.to_pretty_json()?)?;
    Ok(ExitCode::SUCCESS)
}
