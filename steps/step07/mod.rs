//! # Step 7: the variational autoencoder
//!
//! An image x is described by a latent variable z of twenty numbers, as a point of step 4 is by the component that it
//! came from. EM would need the posterior p(z|x), which has no closed form here; an encoder network approximates it
//! (amortised inference), and both networks maximise the ELBO together (Kingma and Welling, 2014; chapter 7 of the book).
//!
//! [`Vae`] is the model, [`likelihood`] has bounds of its log-likelihood. Programs: [`vae`], [`latent`], [`evaluate`], [`e_step`].

pub mod e_step;
pub mod evaluate;
pub mod latent;
pub mod likelihood;
mod linear_gaussian;
mod model;
pub mod model_file;
pub mod vae;

pub use linear_gaussian::LinearGaussian;
pub use model::{Decoder, Encoder, Gaussian, Vae, VaeLoss, flatten};
