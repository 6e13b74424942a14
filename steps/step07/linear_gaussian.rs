//! A linear model, whose likelihood is known: to check estimates against.

use super::likelihood::LatentModel;
use super::model::Gaussian;
use crate::step03::{Matrix, MultivariateNormal};
use tsukuru::Real;
use tsukuru::tensor::Tensor;
use tsukuru::variable::Variable;

/// x (D) = W z + b + noise, with standard normal z (L) and noise (D): so x is drawn from N(b, W W^T + I). The encoder
/// treats each number of z by itself, as if the columns of W were orthogonal; if they are, q(z|x) is exactly p(z|x).
pub struct LinearGaussian {
    /// (D, L)
    w: Tensor,
    /// (D)
    b: Tensor,
}

impl LinearGaussian {
    /// W is (D, L), b (D).
    pub fn new(w: Tensor, b: Tensor) -> LinearGaussian {
        LinearGaussian { w, b }
    }

    /// ln p(x) of x (D).
    pub fn log_likelihood(&self, x: &[Real]) -> f64 {
        let (d, latent) = (self.w.shape()[0], self.w.shape()[1]);
        let row = |i: usize| &self.w.data()[i * latent..][..latent];
        let mut covariance = Matrix::identity(d);
        for i in 0..d {
            for j in 0..d {
                covariance[(i, j)] +=
                    row(i).iter().zip(row(j)).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>();
            }
        }
        let wide = |x: &[Real]| x.iter().map(|&x| f64::from(x)).collect::<Vec<f64>>();
        let x_density =
            MultivariateNormal::new(wide(self.b.data()), covariance).expect("W W^T + I is positive definite");
        x_density.log_pdf(&wide(x))
    }
}

impl LatentModel for LinearGaussian {
    /// Of each z alone, p(z|x) has the precision 1 + |w|^2 and the mean w (x - b) / (1 + |w|^2), w its column of W.
    fn encode(&self, x: &Variable) -> Gaussian {
        let (w, b) = (Variable::new(self.w.clone()), Variable::new(self.b.clone()));
        let precision = w.square().sum(0) + 1.0;
        let mu = (x - b).matmul(&w) / &precision;
        let logvar = (-precision.ln()).broadcast_to(mu.shape());
        Gaussian { mu, logvar }
    }

    fn decode(&self, z: &Variable) -> Variable {
        z.linear(&self.w.clone().into(), Some(&self.b.clone().into()))
    }
}
