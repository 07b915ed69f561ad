//! The program as a whole: runs, kills, replays, wrong requests, and what it prints. Everything here starts the binary, on the
//! best adapter there is (the CPU twins where there is none), with a run small enough for about a second.

mod check;
mod common;
mod compare;
mod damage;
mod diverged;
mod dropout;
mod extend;
mod floors;
mod fork;
#[cfg(unix)]
mod gpu_check;
mod groups;
mod habits;
mod heterofl;
mod killed;
mod larger;
mod layouts;
mod methods;
mod norms;
mod outfiles;
mod outputs;
mod own;
mod phases;
mod precision;
mod probe;
mod profile;
mod repeat;
mod replay;
mod report;
mod requests;
mod sequential;
mod streams;
mod sweep;
mod sweep_command;
mod sweep_processes;
mod unchanged;
mod warnings;
mod watch;
mod ways;
