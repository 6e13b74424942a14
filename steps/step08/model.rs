//! The hierarchical autoencoder: two levels of latent variables.

use crate::step07::{Decoder, Encoder};
use tsukuru::Real;
use tsukuru::mode::no_grad;
use tsukuru::module;
use tsukuru::ops::Reduction;
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;
use tsukuru::variable::Variable;

/// p(z2) = N(0, I), p(z1|z2) = N(decoder2(z2), I), p(x|z1) = N(decoder1(z1), I); the encoders are q(z1|x) and q(z2|z1).
///
/// ```text
/// x --encoder1--> z1 --encoder2--> z2
/// x <--decoder1-- z1 <--decoder2-- z2
/// ```
pub struct Hvae {
    encoder1: Encoder,
    encoder2: Encoder,
    decoder1: Decoder,
    decoder2: Decoder,
    latent: usize,
}

module!(Hvae { encoder1, encoder2, decoder1, decoder2; latent });

/// The loss of a batch, and its three parts.
pub struct HvaeLoss {
    /// reconstruction + 2 (kl1 + kl2), as in the book (with `free_nats`, 2 max(kl2, free_nats) in place of 2 kl2). Twice the negative ELBO, but for a constant, would have
    /// E_q[ln q(z1|x) - ln p(z1|z2)] at the z1 from which z2 was drawn in place of kl1, which treats z1 and z2 as
    /// independent.
    pub total: Variable,
    /// The squared error of an image, mean over the batch.
    pub reconstruction: Real,
    /// KL(q(z1|x) || p(z1|z2)) in nats, mean over the batch.
    pub kl1: Real,
    /// KL(q(z2|z1) || p(z2)) in nats, mean over the batch.
    pub kl2: Real,
}

impl Hvae {
    pub fn new(inputs: usize, hidden: usize, latent: usize, rng: &mut Rng) -> Hvae {
        Hvae {
            encoder1: Encoder::new(inputs, hidden, latent, rng),
            encoder2: Encoder::new(latent, hidden, latent, rng),
            decoder1: Decoder::new(latent, hidden, inputs, rng),
            decoder2: Decoder::new(latent, hidden, latent, rng),
            latent,
        }
    }

    /// The mean image (N, inputs) of z1 (N, latent).
    fn decode(&self, z1: &Variable) -> Variable {
        self.decoder1.forward(z1).sigmoid()
    }

    /// For images x (N, inputs), numbers from 0 to 1, and standard normal eps1 and eps2, both (N, latent). So many
    /// `free_nats` of kl2 cost nothing (free bits: Kingma et al., 2016); the book has none.
    #[track_caller]
    pub fn loss(&self, x: &Variable, eps1: &Variable, eps2: &Variable, free_nats: Real) -> HvaeLoss {
        let q1 = self.encoder1.forward(x);
        let z1 = q1.sample(eps1);
        let q2 = self.encoder2.forward(&z1);
        let z2 = q2.sample(eps2);

        let l1 = self.decode(&z1).mse_loss(x, Reduction::Sum);
        let l2 = q2.twice_kl(0.0);
        let l3 = q1.twice_kl(self.decoder2.forward(&z2));
        let batch = x.shape()[0] as Real;
        let free = 2.0 * free_nats * batch;
        HvaeLoss {
            total: (&l1 + ((&l2 - free).relu() + free) + &l3) / batch,
            reconstruction: l1.item() / batch,
            kl1: l3.item() / 2.0 / batch,
            kl2: l2.item() / 2.0 / batch,
        }
    }

    /// New images (count, inputs): z2 from p(z2), z1 from p(z1|z2), and the mean of p(x|z1).
    pub fn generate(&self, count: usize, rng: &mut Rng) -> Tensor {
        let [z2, noise] = [0; 2].map(|_| Variable::new(rng.normal_tensor([count, self.latent])));
        no_grad(|| self.decode(&(self.decoder2.forward(&z2) + noise))).value().clone()
    }
}
