//! Random numbers: host streams for choices that are made once a round (split, sampling, shuffling).

pub mod host;
