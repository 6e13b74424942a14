//! # tsukuru
//!
//! A reverse-mode autograd engine written from zero, to be read.
//!
//! The heart is three short files, in this order: [`variable`] (a value and its place in the graph), [`function`]
//! (how a calculation is remembered) and [`backward`] (how gradients flow back). Around it:
//!
//! | file | what it holds |
//! |---|---|
//! | [`shape`], [`tensor`] | sizes and broadcasting; plain numbers in a shape |
//! | [`pool`] | recycled buffers |
//! | [`random`] | random numbers, the same on every machine |
//! | [`mode`] | `no_grad`, `evaluating` |
//! | [`ops`] | every operation: a value and, right below, its derivative |
//! | [`kernels`] | loops over slices: a plain twin and a fast twin of each |
//! | [`nn`], [`optim`] | layers with PyTorch's names and initialisation; optimizers |
//! | [`data`], [`checkpoint`] | IDX files and batches; models as safetensors |
//! | [`files`] | a file is there completely or not at all |

pub mod backward;
pub mod checkpoint;
pub mod data;
pub mod files;
pub mod function;
pub mod gradcheck;
pub mod graphviz;
pub mod kernels;
pub mod mode;
pub mod nn;
pub mod ops;
pub mod optim;
pub mod pool;
pub mod random;
pub mod real;
pub mod shape;
pub mod tensor;
pub mod variable;

pub use real::Real;
