//! Kernels and forward passes: `cargo bench --bench kernels`.

mod measure;

fn main() {
    measure::measure(|name| !name.ends_with("round"));
}
