//! [`Denoiser`]: every diffusion model and every flow, as the one thing that its likelihood needs.

use crate::step11::{Network, Objective, Path};
use tsukuru::Real;
use tsukuru::tensor::Tensor;
use tsukuru::variable::Variable;

/// The noise levels between which the data become noise, as Karras et al. (2022, table 1) have them. The first is about
/// the noise of dequantised pixels in -1..1; before the last the data, whose variance is below 1, can hardly be seen.
pub const SIGMA_MIN: f64 = 0.002;
pub const SIGMA_MAX: f64 = 80.0;

/// D(x; sigma), a guess of the data in x = data + sigma noise: the best one in mean square is E[data | x] (Karras et al., 2022,
/// equation 2).
pub trait Denoiser {
    /// x (N, ..), each row with noise of its own sigma (N), to data of the same shape. No row depends on another.
    fn denoise(&self, x: &Variable, sigma: &[f64]) -> Variable;
}

/// A network of step 11 with any objective on any path.
pub struct Model<'a> {
    pub network: &'a dyn Network,
    pub objective: Objective,
    pub path: &'a Path,
}

/// The network knows x_t = alpha_t x_1 + sigma_t x_0, which is alpha_t (x_1 + sigma x_0) at the time when sigma_t / alpha_t =
/// sigma. From its prediction y of a x_1 + b x_0 follows x_1 = (sigma_t y - b x_t) / (sigma_t a - alpha_t b).
impl Denoiser for Model<'_> {
    fn denoise(&self, x: &Variable, sigma: &[f64]) -> Variable {
        let n = sigma.len();
        let t = Vec::from_iter(sigma.iter().map(|&sigma| self.path.time_at(sigma)));
        let numbers = |of: &dyn Fn(f64, f64) -> f64| {
            let number = |&t: &f64| {
                let (alpha, sigma) = self.path.alpha_sigma(t);
                of(alpha, sigma) as Real
            };
            Variable::new(Tensor::new([n, 1, 1, 1], &Vec::from_iter(t.iter().map(number))))
        };
        let determinant = |alpha: f64, sigma: f64| {
            let (a, b) = self.objective.factors(alpha, sigma);
            sigma * a - alpha * b
        };
        let x_t = x * numbers(&|alpha, _| alpha);
        let y = self.network.forward(&x_t, &t, &vec![None; n]);
        y * numbers(&|alpha, sigma| sigma / determinant(alpha, sigma))
            - x_t * numbers(&|alpha, sigma| self.objective.factors(alpha, sigma).1 / determinant(alpha, sigma))
    }
}

/// `steps` + 1 noise levels from [`SIGMA_MIN`] to [`SIGMA_MAX`], each by the same factor above the one before.
pub fn sigmas(steps: usize) -> Vec<f64> {
    let ratio = libm::log(SIGMA_MAX / SIGMA_MIN);
    (0..=steps).map(|i| SIGMA_MIN * libm::exp(ratio * i as f64 / steps as f64)).collect()
}
