//! `trueprice openapi`: the description of the REST interface, without a server.

use std::{io::Write as _, process::ExitCode};

use super::Outcome;

pub fn run() -> Outcome {
    let openapi = trueprice::web::openapi();
    writeln!(std::io::stdout(), "{}", openapi.to_pretty_json()?)?;
    Ok(ExitCode::SUCCESS)
}
