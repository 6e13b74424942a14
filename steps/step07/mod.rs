//! # Step 7: the variational autoencoder
//!
//! A digit is described by twenty numbers z that nobody has measured, as the mixture of step 4 has a component for each
//! point that nobody has seen. EM would ask for p(z|x), which no formula gives here; an encoder network learns to guess
//! it, and both networks climb the ELBO together (Kingma and Welling, 2014; chapter 7 of the book).
//!
//! [`Vae`] is the model, [`likelihood`] says how good it is. Programs: [`vae`], [`latent`], [`evaluate`], [`e_step`].

pub mod e_step;
pub mod evaluate;
pub mod latent;
pub mod likelihood;
mod linear_gaussian;
mod model;
pub mod train;
pub mod trained;
pub mod vae;

pub use linear_gaussian::LinearGaussian;
pub use model::{Decoder, Encoder, Gaussian, Vae, VaeLoss};
