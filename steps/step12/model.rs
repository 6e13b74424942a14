//! [`Vae`]: a variational autoencoder with any number of levels whose pixels have variances of their own.

use super::Hierarchy;
use crate::step07::{Decoder, Encoder, Gaussian};
use std::cell::RefCell;
use tsukuru::Real;
use tsukuru::module;
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;
use tsukuru::variable::Variable;

/// p(z_L) = N(0, I), p(z_(l-1) | z_l) = N(decoder_l(z_l), I), and for the pixels, counted in their own means m and standard
/// deviations s over the training data, p(x | z_1) = N(m + s decoder_1(z_1), diag(s^2 exp(logvar))).
pub struct Vae {
    encoders: Vec<Encoder>,
    decoders: Vec<Decoder>,
    /// (D)
    logvar: Variable,
    /// m (D)
    mean: RefCell<Tensor>,
    /// s (D)
    std: RefCell<Tensor>,
}

module!(Vae { encoders, decoders, logvar, mean, std });

impl Vae {
    /// For x (N, D) as the rows of `data`, whose means and standard deviations it takes.
    pub fn new(data: &Variable, levels: usize, hidden: usize, latent: usize, rng: &mut Rng) -> Vae {
        let inputs = data.shape()[1];
        let below = |level: usize| if level == 0 { inputs } else { latent };
        Vae {
            encoders: (0..levels).map(|level| Encoder::new(below(level), hidden, latent, rng)).collect(),
            decoders: (0..levels).map(|level| Decoder::new(latent, hidden, below(level), rng)).collect(),
            logvar: Variable::parameter(Tensor::zeros([inputs])),
            mean: RefCell::new(data.mean(0).value().clone()),
            std: RefCell::new(data.var(0).sqrt().value().clone()),
        }
    }
}

impl Hierarchy for Vae {
    fn levels(&self) -> usize {
        self.encoders.len()
    }

    fn encode(&self, level: usize, below: &Variable) -> Gaussian {
        self.encoders[level - 1].forward(below)
    }

    fn decode(&self, level: usize, z: &Variable) -> Gaussian {
        let mu = self.decoders[level - 1].forward(z);
        if level > 1 {
            return Gaussian { logvar: Variable::new(Tensor::zeros(mu.shape())), mu };
        }
        let [mean, std] = [&self.mean, &self.std].map(|numbers| Variable::new(&*numbers.borrow()));
        Gaussian { mu: mean + &std * mu, logvar: std.ln() * 2.0 as Real + &self.logvar }
    }
}
