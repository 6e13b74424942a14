//! The variational autoencoder: what it is made of, and its loss.

use super::likelihood::LatentModel;
use super::train::{Autoencoder, flat};
use crate::common::training::Loss;
use tsukuru::Real;
use tsukuru::mode::no_grad;
use tsukuru::module;
use tsukuru::nn::Linear;
use tsukuru::ops::Reduction;
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;
use tsukuru::variable::Variable;

/// Normal distributions whose numbers are independent: mean mu and ln sigma^2, both (N, latent).
pub struct Gaussian {
    pub mu: Variable,
    pub logvar: Variable,
}

impl Gaussian {
    /// z = mu + sigma eps, so that a gradient flows through the drawing (Kingma and Welling, 2014, section 2.4):
    /// eps (N, latent) is standard normal.
    pub fn sample(&self, eps: &Variable) -> Variable {
        &self.mu + (&self.logvar * 0.5).exp() * eps
    }

    /// 2 KL(q || N(mean, I)) in nats, all rows together (Kingma and Welling, 2014, appendix B):
    /// -sum(1 + ln sigma^2 - (mu - mean)^2 - sigma^2). Twice the divergence, because the squared error is twice
    /// -ln p(x|z), too.
    pub fn twice_kl(&self, mean: impl Into<Variable>) -> Variable {
        -(1.0 + &self.logvar - (&self.mu - mean.into()).square() - self.logvar.exp()).sum(..)
    }
}

/// q(z|x), one hidden layer: x (N, inputs) to [`Gaussian`] (N, latent).
pub struct Encoder {
    linear: Linear,
    linear_mu: Linear,
    linear_logvar: Linear,
}

module!(Encoder { linear, linear_mu, linear_logvar });

impl Encoder {
    pub fn new(inputs: usize, hidden: usize, latent: usize, rng: &mut Rng) -> Encoder {
        Encoder {
            linear: Linear::new(inputs, hidden, rng),
            linear_mu: Linear::new(hidden, latent, rng),
            linear_logvar: Linear::new(hidden, latent, rng),
        }
    }

    #[track_caller]
    pub fn forward(&self, x: &Variable) -> Gaussian {
        let h = self.linear.forward(x).relu();
        Gaussian { mu: self.linear_mu.forward(&h), logvar: self.linear_logvar.forward(&h) }
    }
}

/// z (N, latent) to (N, outputs), one hidden layer and nothing behind the last.
pub struct Decoder {
    linear1: Linear,
    linear2: Linear,
}

module!(Decoder { linear1, linear2 });

impl Decoder {
    pub fn new(latent: usize, hidden: usize, outputs: usize, rng: &mut Rng) -> Decoder {
        Decoder { linear1: Linear::new(latent, hidden, rng), linear2: Linear::new(hidden, outputs, rng) }
    }

    #[track_caller]
    pub fn forward(&self, z: &Variable) -> Variable {
        self.linear2.forward(&self.linear1.forward(z).relu())
    }
}

/// z is drawn from N(0, I), x from N(decoder(z), I); the encoder guesses z from x.
pub struct Vae {
    encoder: Encoder,
    decoder: Decoder,
}

module!(Vae { encoder, decoder });

/// The loss of a batch, and its two parts.
pub struct VaeLoss {
    /// reconstruction + 2 kl: twice the negative ELBO, but for a constant.
    pub total: Variable,
    /// The squared error of an image, mean over the batch.
    pub reconstruction: Real,
    /// KL(q(z|x) || p(z)) in nats, mean over the batch.
    pub kl: Real,
}

impl Vae {
    pub fn new(inputs: usize, hidden: usize, latent: usize, rng: &mut Rng) -> Vae {
        let encoder = Encoder::new(inputs, hidden, latent, rng);
        Vae { encoder, decoder: Decoder::new(latent, hidden, inputs, rng) }
    }

    /// How many numbers an image has.
    pub fn inputs(&self) -> usize {
        self.decoder.linear2.bias.shape()[0]
    }

    /// How many numbers z has.
    pub fn latent(&self) -> usize {
        self.encoder.linear_mu.bias.shape()[0]
    }

    /// q(z|x) of images x (N, inputs).
    #[track_caller]
    pub fn encode(&self, x: &Variable) -> Gaussian {
        self.encoder.forward(x)
    }

    /// The mean image (N, inputs) of z (N, latent).
    #[track_caller]
    pub fn decode(&self, z: &Variable) -> Variable {
        self.decoder.forward(z).sigmoid()
    }

    /// For images x (N, inputs), numbers from 0 to 1, and standard normal eps (N, latent).
    #[track_caller]
    pub fn loss(&self, x: &Variable, eps: &Variable) -> VaeLoss {
        let q = self.encode(x);
        let x_hat = self.decode(&q.sample(eps));
        let l1 = x_hat.mse_loss(x, Reduction::Sum);
        let l2 = q.twice_kl(0.0);
        let batch = x.shape()[0] as Real;
        VaeLoss { total: (&l1 + &l2) / batch, reconstruction: l1.item() / batch, kl: l2.item() / 2.0 / batch }
    }
}

impl Loss for VaeLoss {
    const PARTS: &'static [&'static str] = &["reconstruction", "kl"];

    fn total(&self) -> &Variable {
        &self.total
    }

    fn parts(&self) -> Vec<Real> {
        vec![self.reconstruction, self.kl]
    }
}

impl LatentModel for Vae {
    fn encode(&self, x: &Variable) -> Gaussian {
        self.encode(x)
    }

    fn decode(&self, z: &Variable) -> Variable {
        self.decode(z)
    }
}

impl Autoencoder for Vae {
    type Loss = VaeLoss;

    fn batch_loss(&self, x: &Tensor, seed: u64, step: u64) -> VaeLoss {
        let x = flat(x);
        let eps = Rng::new(seed, "noise", step).normal_tensor([x.shape()[0], self.latent()]);
        self.loss(&x, &eps.into())
    }

    fn generate(&self, count: usize, rng: &mut Rng) -> Tensor {
        let z = rng.normal_tensor([count, self.latent()]);
        no_grad(|| self.decode(&z.into())).value().clone()
    }
}
