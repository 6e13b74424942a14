//! [`Objective`]: what a network predicts of noisy data.

use clap::ValueEnum;
use tsukuru::Real;
use tsukuru::tensor::Tensor;

/// What a network predicts of x_t = alpha x_1 + sigma x_0. Each is a mixture of the noise x_0 and the data x_1, and with x_t
/// known, each gives the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Objective {
    /// x_0, the noise, as in step 9.
    Noise,
    /// x_1, the data.
    Data,
    /// v = alpha x_0 - sigma x_1 (Salimans and Ho, 2022, appendix D).
    V,
    /// x_1 - x_0, the velocity of the straight path.
    Velocity,
}

impl Objective {
    /// As the files of models have it.
    pub fn name(self) -> &'static str {
        match self {
            Objective::Noise => "noise",
            Objective::Data => "data",
            Objective::V => "v",
            Objective::Velocity => "velocity",
        }
    }

    /// The objective of this name.
    pub fn from_name(name: &str) -> Option<Objective> {
        Objective::value_variants().iter().copied().find(|objective| objective.name() == name)
    }

    /// (a, b) of a x_1 + b x_0, which is to be predicted.
    pub fn factors(self, alpha: f64, sigma: f64) -> (f64, f64) {
        match self {
            Objective::Noise => (0.0, 1.0),
            Objective::Data => (1.0, 0.0),
            Objective::V => (-sigma, alpha),
            Objective::Velocity => (1.0, -1.0),
        }
    }

    /// The factors of y and x_t in the data x_1, as a prediction y of a x_1 + b x_0 has it. From both equations,
    /// x_1 = (sigma y - b x_t) / (sigma a - alpha b).
    pub fn data_factors(self, alpha: f64, sigma: f64) -> (f64, f64) {
        let (a, b) = self.factors(alpha, sigma);
        let determinant = sigma * a - alpha * b;
        (sigma / determinant, -b / determinant)
    }

    /// The data x_1 in x_t at one time, by a prediction y: all are (N, C, H, W).
    pub fn data(self, y: &Tensor, x_t: &Tensor, (alpha, sigma): (f64, f64)) -> Tensor {
        let (of_y, of_x) = self.data_factors(alpha, sigma);
        if self == Objective::Data { y.clone() } else { y * of_y as Real + x_t * of_x as Real }
    }

    /// The factor of the squared error that makes of it min(SNR, gamma) times that of the data, with SNR = alpha^2 / sigma^2
    /// (Hang et al., 2023, section 3.4): from x_1 - x_1' = sigma (y - y') / (sigma a - alpha b).
    pub fn min_snr_weight(self, (alpha, sigma): (f64, f64), gamma: f64) -> f64 {
        let (a, b) = self.factors(alpha, sigma);
        let snr = (alpha / sigma).powi(2);
        snr.min(gamma) * (sigma / (sigma * a - alpha * b)).powi(2)
    }
}
