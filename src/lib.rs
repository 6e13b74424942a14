//! # tsukuru
//!
//! A reverse-mode autograd engine written from zero, to be read.
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
//! The heart is three short files, in this order: [`variable`] (numbers and their place in the graph), [`graph`]
//! (how a calculation is remembered) and [`backward`] (how gradients flow back). Around it:
//!
//! | file | what it holds |
//! |---|---|
//! | [`real`], [`shape`], [`tensor`] | f32 or f64; sizes and broadcasting; plain numbers in a shape |
//! | [`pool`] | recycled buffers |
//! | [`random`] | random numbers, the same on every machine |
//! | [`mode`], [`threads`] | `no_grad`, `eval_mode`; which threads calculate |
//! | [`ops`] | every operation: a value and, right below, its derivative |
//! | [`kernels`] | loops over slices: a plain twin and a fast twin of each |
//! | [`gradcheck`], [`graphviz`] | finite differences for your own operation; the graph as a picture |
//! | [`nn`], [`optim`] | layers with PyTorch's names and initialisation; optimizers |
//! | [`data`], [`checkpoint`] | IDX files and batches; models as safetensors |
//! | [`profile`] | what each operation of a calculation costs |
//! | [`files`] | a file is there completely or not at all |

pub mod backward;
pub mod checkpoint;
pub mod data;
pub mod files;
pub mod gradcheck;
pub mod graph;
pub mod graphviz;
pub mod hook;
pub mod kernels;
pub mod mode;
pub mod nn;
pub mod ops;
pub mod optim;
pub mod pool;
pub mod profile;
pub mod random;
pub mod real;
pub mod shape;
pub mod tensor;
pub mod threads;
pub mod variable;

pub use real::Real;
