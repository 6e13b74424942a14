//! Heights and weights of 25,000 people: those of the book if their folder is given, else simulated ones.
//!
//! The book's data were simulated too: SOCR (the Statistics Online Computational Resource of UCLA) publishes heights in
//! inches and weights in pounds, drawn from a bivariate normal distribution whose parameters come from a survey of
//! growth in Hong Kong in 1993 (<http://wiki.stat.ucla.edu/socr/index.php/SOCR_Data_Dinov_020108_HeightsWeights>); the
//! book converts them to centimetres and kilograms. [`simulated`] draws such data again.

use super::cli::PeopleArgs;
use super::table;
use crate::step03::{Matrix, MultivariateNormal};
use anyhow::Result;
use std::fmt;
use std::path::PathBuf;
use tsukuru::random::Rng;

/// How many people were simulated.
const COUNT: usize = 25_000;
/// Mean of the published heights in cm and weights in kg.
const MEAN: [f64; 2] = [172.702_508_536_68, 57.642_208_800_96];
/// Their variances in cm^2 and kg^2 and their covariance in cm kg (divided by N).
const COVARIANCE: [[f64; 2]; 2] =
    [[23.330_517_821_055_6, 12.846_850_871_078_3], [12.846_850_871_078_3, 27.975_468_013_151_2]];

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

impl PeopleArgs {
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

/// 25,000 rows of height in cm and weight in kg, the same on every machine: independent normal numbers, transformed
/// linearly so that their mean and covariance are those of the published rows, up to rounding. So every figure that
/// depends on mean and covariance only is the book's.
pub fn simulated() -> Vec<[f64; 2]> {
    let mut rng = Rng::new(0, "heights and weights", 0);
    let z = Matrix::from_data(COUNT, 2, (0..2 * COUNT).map(|_| rng.normal()).collect());
    let sample = MultivariateNormal::fit(&z).expect("a plane full of points");
    let published = MultivariateNormal::new(MEAN.to_vec(), Matrix::new(&COVARIANCE)).expect("a covariance");
    // x = mu + L L_z^-1 (z - mu_z), where L L^T is the published covariance and L_z L_z^T that of the z.
    let transform = published.cholesky().dot(&sample.cholesky().inverse().expect("a positive diagonal"));
    let person = |z: &[f64]| {
        let z = [z[0] - sample.mean()[0], z[1] - sample.mean()[1]];
        [0, 1].map(|i| MEAN[i] + transform[(i, 0)] * z[0] + transform[(i, 1)] * z[1])
    };
    z.rows().map(person).collect()
}
