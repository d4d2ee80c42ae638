//! Tableau and other tools that speak SQL: each user may have a login role of PostgreSQL, which sees
//! the views of schemas `trueprice` and `bi` (migration 0013), and of these what the user's grants
//! allow.
//!
//! [`roles`] makes the roles and [`scram`] what is stored of their passwords; [`derive`] keeps the
//! computed prices that the views show; [`watchdog`] ends what must not go on; [`connect`] tells
//! people how to connect. Nothing here decides who sees what: the views do.

pub mod connect;
pub mod derive;
pub mod roles;
mod scram;
pub mod watchdog;
