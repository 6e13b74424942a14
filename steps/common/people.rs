//! Heights and weights of 25,000 people: those of the book if their folder is given, else simulated ones.
//!
//! The book's data were simulated too: SOCR (the Statistics Online Computational Resource of UCLA) publishes heights in
//! inches and weights in pounds, drawn from a bivariate normal distribution whose parameters come from a survey of
//! growth in Hong Kong in 1993 (<http://wiki.stat.ucla.edu/socr/index.php/SOCR_Data_Dinov_020108_HeightsWeights>); the
//! book converts them to centimetres and kilograms. [`simulated`] draws such data again.

use super::cli::People;
use super::table;
use anyhow::Result;
use std::fmt;
use std::path::PathBuf;
use tsukuru::random::Rng;

/// How many people were simulated.
const COUNT: usize = 25_000;
/// Mean of the published heights in cm and weights in kg.
const MEAN: [f64; 2] = [172.702_508_536_68, 57.642_208_800_96];
/// Variance of the heights in cm^2, covariance in cm kg, variance of the weights in kg^2 (divided by N).
const COVARIANCE: [f64; 3] = [23.330_517_821_055_6, 12.846_850_871_078_3, 27.975_468_013_151_2];

/// Where the numbers come from. Printed, it says so.
pub enum Source {
    File(PathBuf),
    Simulated,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Source::File(path) => write!(f, "data: {}", path.display()),
            Source::Simulated => write!(f, "data: built-in, simulated like the book's (for the originals: --data DIR)"),
        }
    }
}

impl People {
    /// Heights in cm (N), from `height.txt` if a folder is given.
    ///
    /// # Errors
    /// If the file is not there, or a line is not a number.
    pub fn heights(&self) -> Result<(Vec<f64>, Source)> {
        let Some(folder) = &self.data else {
            return Ok((simulated().iter().map(|person| person[0]).collect(), Source::Simulated));
        };
        let path = folder.join("height.txt");
        let rows = table::read(&path, None, "a height in cm")?;
        Ok((rows.into_iter().map(|[height]| height).collect(), Source::File(path)))
    }

    /// Rows of height in cm and weight in kg (N, 2), from `height_weight.txt` if a folder is given.
    ///
    /// # Errors
    /// If the file is not there, or a line is not two numbers.
    pub fn heights_and_weights(&self) -> Result<(Vec<[f64; 2]>, Source)> {
        let Some(folder) = &self.data else {
            return Ok((simulated(), Source::Simulated));
        };
        let path = folder.join("height_weight.txt");
        Ok((table::read(&path, None, "a height in cm and a weight in kg")?, Source::File(path)))
    }
}

/// 25,000 rows of height in cm and weight in kg, the same on every machine: independent normal numbers, moved and
/// mixed linearly so that their mean and covariance are those of the published rows, up to rounding. So every figure
/// that depends on mean and covariance only is the book's.
pub fn simulated() -> Vec<[f64; 2]> {
    let mut rng = Rng::new(0, "heights and weights", 0);
    let z: Vec<[f64; 2]> = (0..COUNT).map(|_| [rng.normal(), rng.normal()]).collect();
    let mean = |f: &dyn Fn(&[f64; 2]) -> f64| z.iter().map(f).sum::<f64>() / COUNT as f64;
    let middle = [mean(&|z| z[0]), mean(&|z| z[1])];
    let product = |i: usize, j: usize| mean(&|z| (z[i] - middle[i]) * (z[j] - middle[j]));
    let drawn = factor([product(0, 0), product(0, 1), product(1, 1)]);
    let wanted = factor(COVARIANCE);
    let moved = |z: &[f64; 2]| {
        // u = drawn^-1 (z - middle) has mean 0 and covariance 1 to the last bit; mean + wanted u has what is wanted.
        let u0 = (z[0] - middle[0]) / drawn[0];
        let u1 = (z[1] - middle[1] - drawn[1] * u0) / drawn[2];
        [MEAN[0] + wanted[0] * u0, MEAN[1] + wanted[1] * u0 + wanted[2] * u1]
    };
    z.iter().map(moved).collect()
}

/// The rows [a, 0], [b, c] whose product with their transpose has the variances `v[0]`, `v[2]` and the covariance `v[1]`.
fn factor(v: [f64; 3]) -> [f64; 3] {
    let a = v[0].sqrt();
    let b = v[1] / a;
    [a, b, (v[2] - b * b).sqrt()]
}
