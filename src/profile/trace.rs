//! Timelines in Chrome's trace format, which Perfetto (ui.perfetto.dev) and `chrome://tracing` open.

use serde_json::{Value, json};

use super::measure::Phase;
use super::shape::{shape, way};
use crate::device::Timeline;
use crate::device::timeline::Ran;

/// Tracks: the device, what the host does, the phases.
const DEVICE: u32 = 1;
const HOST: u32 = 2;
const PHASES: u32 = 3;

/// A trace of the phases, one after another; times in microseconds.
pub fn trace(adapter: &str, phases: &[(Phase, Timeline)]) -> Value {
    let mut events = vec![
        json!({"ph": "M", "name": "process_name", "pid": 1, "args": {"name": "zowarmup"}}),
        name(DEVICE, adapter),
        name(HOST, "host"),
        name(PHASES, "phase"),
    ];
    let mut origin = 0.0;
    for (phase, timeline) in phases {
        let at = |start: f64| (origin + start) * 1e6;
        let rounds = json!({"rounds": phase.rounds, "clock": timeline.clock.name()});
        events.push(slice(PHASES, phase.phase, at(0.0), timeline.seconds, rounds));
        for event in &timeline.events {
            let (name, args) = match &event.ran {
                Ran::Kernel(d) => (
                    d.kernel.name,
                    json!({"way": way(d), "shape": shape(d), "variant": d.variant.to_string(), "grid": d.grid,
                        "operations": d.cost, "bytes": d.bytes}),
                ),
                Ran::Move { what, bytes } => (*what, json!({ "bytes": bytes })),
            };
            events.push(slice(DEVICE, name, at(event.start), event.seconds, args));
        }
        for event in &timeline.host {
            events.push(slice(HOST, event.what.name(), at(event.start), event.seconds, json!({})));
        }
        origin += timeline.seconds;
    }
    json!({"displayTimeUnit": "ms", "traceEvents": events})
}

fn name(track: u32, name: &str) -> Value {
    json!({"ph": "M", "name": "thread_name", "pid": 1, "tid": track, "args": {"name": name}})
}

fn slice(track: u32, name: &str, at: f64, seconds: f64, args: Value) -> Value {
    json!({"ph": "X", "name": name, "pid": 1, "tid": track, "ts": at, "dur": seconds * 1e6, "args": args})
}
