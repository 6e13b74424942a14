//! # Step 6: neural networks
//!
//! Whatever can be calculated can be differentiated: from there on, fitting means walking downhill (chapter 6 of the
//! book, and three programs that go further).
//!
//! [`Convnet`] reads digits; [`Judge`] asks it what others have drawn. Programs: [`mod@tensor`], [`gradient`],
//! [`regression`], [`neuralnet`], [`vision`], [`higher_order`], [`gmm_by_gradient`], [`classifier`].

pub mod classifier;
mod convnet;
mod data;
mod frechet;
pub mod gmm_by_gradient;
pub mod gradient;
pub mod higher_order;
mod judge;
pub mod neuralnet;
pub mod regression;
pub mod tensor;
pub mod vision;

pub use convnet::{Convnet, FEATURES, SIDE, Seen, argmax};
pub use frechet::frechet_distance;
pub use judge::{Distance, Judge, Verdict, accuracy};
