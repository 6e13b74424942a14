//! The answers to the exercises (steps/stepNN/ANSWERS.md): each number there is computed here, or in a run whose command
//! stands beside it. `cargo test --release -p steps --test answers -- --nocapture` prints them.

mod diffusion;
mod step01;
mod step02;
mod step03;
mod step04;
mod step05;
mod step06;
mod step07;
mod step08;
mod step09;
mod step10;
mod step11;
mod step12;

/// A number of an answer must be this, to the digits that are given.
#[track_caller]
fn is(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance, "{found}, not {expected} +- {tolerance}");
}

/// Whether a network can be trained in seconds: not with the plain loops of the reference kernels, and so not with f64.
fn trains_fast() -> bool {
    size_of::<tsukuru::Real>() == 4 && std::env::var_os("KERNELS").is_none_or(|choice| choice != "reference")
}
