//! [`RunningMean`]: the loss as the progress shows it; that of a single batch jumps too much to be read.

use std::collections::VecDeque;
use std::fmt;

/// So many losses count.
const COUNT: usize = 100;

/// The mean of the last hundred losses.
#[derive(Default)]
pub struct RunningMean(VecDeque<f64>);

impl RunningMean {
    /// The mean of this loss and those before.
    pub fn push(&mut self, loss: f64) -> &RunningMean {
        self.0.truncate(COUNT - 1);
        self.0.push_front(loss);
        self
    }
}

impl fmt::Display for RunningMean {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let count = self.0.len();
        write!(f, "loss {:.4} (mean of {count})", self.0.iter().sum::<f64>() / count as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_hundred_losses_count() {
        let mut mean = RunningMean::default();
        assert_eq!(mean.push(8.0).to_string(), "loss 8.0000 (mean of 1)");
        assert_eq!(mean.push(4.0).to_string(), "loss 6.0000 (mean of 2)");
        (0..99).for_each(|_| drop(mean.push(1.0).to_string()));
        assert_eq!(mean.push(2.0).to_string(), "loss 1.0100 (mean of 100)");
    }
}
