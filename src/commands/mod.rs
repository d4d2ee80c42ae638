//! What the program does when it is called by name.

pub mod user;
