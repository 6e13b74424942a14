//! [`Denoiser`]: every diffusion model and every flow, as the one thing that its likelihood needs.

use crate::step11::{Network, Objective, Path};
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
pub struct NetworkDenoiser<'a> {
    pub network: &'a dyn Network,
    pub objective: Objective,
    pub path: &'a Path,
}

/// The network knows x_t = alpha_t x_1 + sigma_t x_0, which is alpha_t (x_1 + sigma x_0) at the time when sigma_t / alpha_t =
/// sigma.
impl Denoiser for NetworkDenoiser<'_> {
    fn denoise(&self, x: &Variable, sigma: &[f64]) -> Variable {
        let t = Vec::from_iter(sigma.iter().map(|&sigma| self.path.time_at(sigma)));
        let x_t = x * self.path.numbers(&t, |alpha, _| alpha);
        let y = self.network.forward(&x_t, &t, &vec![None; t.len()]);
        y * self.path.numbers(&t, |alpha, sigma| self.objective.data_factors(alpha, sigma).0)
            + x_t * self.path.numbers(&t, |alpha, sigma| self.objective.data_factors(alpha, sigma).1)
    }
}

/// `steps` + 1 noise levels from [`SIGMA_MIN`] to [`SIGMA_MAX`], each by the same factor above the one before.
pub fn sigmas(steps: usize) -> Vec<f64> {
    let ratio = libm::log(SIGMA_MAX / SIGMA_MIN);
    (0..=steps).map(|i| SIGMA_MIN * libm::exp(ratio * i as f64 / steps as f64)).collect()
}
