//! Whole rounds: `cargo bench --bench round`.

mod measure;

fn main() {
    measure::measure(|name| name.ends_with("round"));
}
