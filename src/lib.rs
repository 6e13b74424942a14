//! # tsukuru
//!
//! A reverse-mode autograd engine written from scratch, to be read. A gradient, and the gradient of a gradient:
//!
//! ```
//! use tsukuru::{backward::grad, variable::Variable};
//!
//! let x = Variable::parameter(3.0);
//! let y = x.square() * 2.0;
//! y.backward();
//! assert_eq!(x.grad().item(), 12.0);
//!
//! let [dy] = grad(&x.sin(), [&x], true); // cos x, itself differentiable
//! assert_eq!(grad(&dy, [&x], false)[0].item(), -x.sin().item());
//! ```
//!
//! A model is built and trained as in PyTorch:
//!
//! ```
//! use tsukuru::{nn::*, ops::Reduction, optim::*, random::Rng, variable::Variable};
//!
//! let (rng, x) = (&mut Rng::new(0, "init", 0), Variable::new([[-1.0], [0.0], [1.0]]));
//! let model = Sequential::new().then(Linear::new(1, 8, rng)).then(Tanh).then(Linear::new(8, 1, rng));
//! let mut optimizer = Adam::new(model.parameters(), 0.05);
//! let mut loss = Variable::new(0.0);
//! for _ in 0..200 {
//!     loss = model.forward(&x).mse_loss(&x.square(), Reduction::Mean);
//!     optimizer.zero_grad();
//!     loss.backward();
//!     optimizer.step();
//! }
//! assert!(loss.item() < 1e-3);
//! ```
//!
//! The core is three short files, in this order: [`variable`] (numbers and their place in the graph), [`graph`]
//! (how a calculation is remembered) and [`backward`] (how gradients flow back). Around it:
//!
//! | file | what it holds |
//! |---|---|
//! | [`real`], [`shape`], [`tensor`] | f32 or f64; sizes and broadcasting; plain numbers in a shape |
//! | display.rs, [`pool`] | how tensors and Variables print; recycled buffers |
//! | [`random`] | random numbers, the same on every machine |
//! | [`mode`], [`threads`] | `no_grad`, `eval_mode`; which threads calculate |
//! | [`ops`] | every operation: a value and, right below, its derivative |
//! | [`kernels`] | loops over slices: a reference and a fast implementation of each |
//! | [`gradcheck`], [`graphviz`] | finite differences for your own operation; the graph as a picture |
//! | [`nn`], [`optim`] | layers with PyTorch's names and initialisation; optimizers and moving averages |
//! | [`data`], [`checkpoint`] | IDX files and batches; models as safetensors |
//! | [`hook`], [`profile`], [`anomaly`] | events of a calculation under way; what each operation of it costs; which makes NaN |
//! | [`files`], [`memory`] | a file is there completely or not at all; how much memory there is |
//! | error.rs, output.rs | errors print as sentences; printing needs no reader |

#![warn(missing_docs, clippy::disallowed_methods)]

pub mod anomaly;
pub mod backward;
pub mod checkpoint;
pub mod data;
mod display;
mod error;
pub mod files;
pub mod gradcheck;
pub mod graph;
pub mod graphviz;
pub mod hook;
pub mod kernels;
pub mod memory;
pub mod mode;
pub mod nn;
pub mod ops;
pub mod optim;
mod output;
pub mod pool;
pub mod profile;
pub mod random;
pub mod real;
pub mod shape;
pub mod tensor;
pub mod threads;
pub mod variable;

pub use real::Real;
