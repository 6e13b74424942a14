//! The variational autoencoder: what it is made of, and its loss.

use tsukuru::Real;
use tsukuru::module;
use tsukuru::nn::Linear;
use tsukuru::ops::Reduction;
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;
use tsukuru::variable::Variable;

/// Normal distributions with diagonal covariance: mean mu and ln sigma^2, both (N, latent).
pub struct Gaussian {
    pub mu: Variable,
    pub logvar: Variable,
}

impl Gaussian {
    /// The reparameterisation trick, z = mu + sigma eps, through which a gradient flows to mu and sigma (Kingma and
    /// Welling, 2014, section 2.4): eps (N, latent) is standard normal.
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

/// p(z) = N(0, I), p(x|z) = N(decoder(z), I), and the encoder is q(z|x), the approximate posterior.
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

    /// Numbers of an image.
    pub fn inputs(&self) -> usize {
        self.decoder.linear2.bias.shape()[0]
    }

    /// Size of z.
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

/// Images x (N, C, H, W) as rows (N, C H W).
pub fn flatten(x: &Tensor) -> Variable {
    let n = x.shape()[0];
    x.reshape([n, x.shape().count() / n]).into()
}
