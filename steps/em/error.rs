//! [`EmError`]: why no mixture could be fitted.

/// Why no mixture could be fitted. Rows, columns and components count from 0, iterations from 1.
#[derive(Clone, PartialEq, thiserror::Error)]
#[allow(missing_docs)] // the messages say what the fields are
pub enum EmError {
    /// K is 0.
    #[error("K = 0: a mixture needs at least one component")]
    NoComponents,

    /// The data (n, d) hold no number.
    #[error("the data are {n} x {d}: a mixture is fitted to at least one point of at least one coordinate")]
    NoData { n: usize, d: usize },

    /// K is larger than N.
    #[error("K = {k} components for {n} points: at least as many points as components are needed")]
    TooFewPoints { k: usize, n: usize },

    /// A number of the data is NaN or infinite.
    #[error("row {row}, column {column} of the data is {value}: expected a finite number")]
    NotFinite { row: usize, column: usize, value: f64 },

    /// A column of the data has variance 0.
    #[error("column {column} of the data is {value} in every row: without variance there is no density; leave it out")]
    Constant { column: usize, value: f64 },

    /// The variance of a column overflows or underflows.
    #[error(
        "the numbers in column {column} of the data are so large or so small that no f64 holds their variance; \
         rescale them"
    )]
    Range { column: usize },

    /// The initial mixture has another K or D than the fit.
    #[error("the initial mixture has {found_k} components of {found_d} dimensions: expected {k} of {d}")]
    Initial { found_k: usize, found_d: usize, k: usize, d: usize },

    /// A number in [`EmOptions`](super::EmOptions) lies outside its range.
    #[error("{name} is {value}: expected {expected}")]
    Option { name: &'static str, value: f64, expected: &'static str },

    /// A covariance has no Cholesky factor, and `covariance_floor` is 0 or below f64's rounding.
    #[error(
        "iteration {iteration}: the covariance of component {component} is singular; \
         a larger covariance_floor prevents that, such as the default of 1e-6"
    )]
    Singular { component: usize, iteration: usize },

    /// The log-density of every point underflows to minus infinity.
    #[error(
        "iteration {iteration}: all points are so far from all components that even ln p(x) is minus infinity; \
         start from a mixture that is closer to the data"
    )]
    TooFar { iteration: usize },
}

tsukuru::debug_as_display!(EmError);
