//! What the documentation says, held against the program: every command line that stands in it is run, every documented shape of a
//! result is compared with a real one, and every list of keys with what is written.
//!
//! Everything runs on the CPU twins in one small folder with made-up data sets, and with settings that make large experiments small.

mod commands;
mod facts;
mod links;
mod pages;
mod place;
mod schemas;
mod shape;
mod shapes;
mod tables;
mod tutorial;
