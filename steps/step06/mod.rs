//! # Step 6: neural networks
//!
//! Every calculation on [`Variable`](tsukuru::variable::Variable)s can be differentiated, so that any model can be
//! fitted by gradient descent (chapter 6 of the book, and three programs that go further).
//!
//! [`Convnet`] classifies digits; with it [`Evaluator`] measures how good generated digits are. Programs:
//! [`mod@tensor`], [`gradient`], [`regression`], [`neuralnet`], [`vision`], [`higher_order`], [`gmm_by_gradient`],
//! [`classifier`].

pub mod classifier;
mod convnet;
mod data;
mod evaluator;
mod frechet;
pub mod gmm_by_gradient;
pub mod gradient;
pub mod higher_order;
pub mod neuralnet;
pub mod regression;
pub mod tensor;
pub mod vision;

pub use convnet::{Convnet, FEATURES, Prediction, SIDE, argmax};
pub use evaluator::{Distances, Evaluator, Metrics, accuracy};
pub use frechet::frechet_distance;
