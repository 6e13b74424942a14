//! # Step 6: neural networks
//!
//! Whatever can be calculated can be differentiated: from there on, fitting means walking downhill (chapter 6 of the
//! book, and two programs that go further).
//!
//! Programs: [`mod@tensor`], [`gradient`], [`regression`], [`neuralnet`], [`vision`], [`higher_order`],
//! [`gmm_by_gradient`].

mod data;
pub mod gmm_by_gradient;
pub mod gradient;
pub mod higher_order;
pub mod neuralnet;
pub mod regression;
pub mod tensor;
pub mod vision;
