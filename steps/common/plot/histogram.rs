//! [`Histogram`]: how many numbers lie in each of some bins.

/// Bins of one width, and how many numbers lie in each.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    /// Borders of the bins (bins + 1). A number on a border counts in the bin to its right, the largest in the last.
    pub edges: Vec<f64>,
    pub counts: Vec<usize>,
}

impl Histogram {
    /// As many bins as NumPy's `bins="auto"` makes: the width is that of Freedman and Diaconis, 2 IQR / n^(1/3), which
    /// is good for many numbers, but at least half of range / sqrt(n), and at most that of Sturges, range / (log2 n + 1),
    /// which is good for few.
    ///
    /// # Panics
    /// If a number is not finite.
    #[track_caller]
    pub fn auto(xs: &[f64]) -> Histogram {
        let mut sorted = xs.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let [low, .., high] = sorted[..] else { return Histogram::new(xs, 1) };
        let (n, range) = (xs.len() as f64, high - low);
        let iqr = quantile(&sorted, 0.75) - quantile(&sorted, 0.25);
        let freedman_diaconis = 2.0 * iqr * libm::pow(n, -1.0 / 3.0);
        let width = freedman_diaconis.max(range / n.sqrt() / 2.0).min(range / (libm::log2(n) + 1.0));
        Histogram::new(xs, if width > 0.0 { (range / width).ceil().max(1.0) as usize } else { 1 })
    }

    /// Bins of equal width from the smallest number to the largest (around a single one, from 1/2 below to 1/2 above).
    ///
    /// # Panics
    /// If a number is not finite, or `bins` is 0.
    #[track_caller]
    pub fn new(xs: &[f64], bins: usize) -> Histogram {
        assert!(xs.iter().all(|x| x.is_finite()), "Histogram: numbers must be finite");
        assert!(bins > 0, "Histogram: expected at least one bin");
        let (low, high) = xs.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), &x| (l.min(x), h.max(x)));
        let (low, high) = match () {
            () if xs.is_empty() => (0.0, 1.0),
            () if low == high => (low - 0.5, high + 0.5),
            () => (low, high),
        };
        let step = (high - low) / bins as f64;
        let between = (1..bins).map(|i| low + i as f64 * step);
        Histogram::over([low].into_iter().chain(between).chain([high]).collect(), xs)
    }

    /// The numbers in bins of one width with these `edges` (bins + 1), which lie from the first to the last of them.
    ///
    /// # Panics
    /// If a number lies outside.
    #[track_caller]
    pub fn over(edges: Vec<f64>, xs: &[f64]) -> Histogram {
        let bins = edges.len() - 1;
        let (low, high) = (edges[0], edges[bins]);
        let step = (high - low) / bins as f64;
        let mut counts = vec![0; bins];
        for &x in xs {
            assert!((low..=high).contains(&x), "Histogram: {x} is not from {low} to {high}");
            // The quotient may be rounded across a border, which the edges put right.
            let bin = (((x - low) / step) as usize).min(bins - 1);
            let bin = if x < edges[bin] { bin - 1 } else { bin };
            let bin = if x >= edges[bin + 1] && bin + 1 < bins { bin + 1 } else { bin };
            counts[bin] += 1;
        }
        Histogram { edges, counts }
    }

    /// Heights of the bars (bins) whose areas sum to 1.
    pub fn density(&self) -> Vec<f64> {
        let n = self.counts.iter().sum::<usize>().max(1) as f64;
        let widths = self.edges.windows(2).map(|edge| edge[1] - edge[0]);
        self.counts.iter().zip(widths).map(|(&count, width)| count as f64 / (n * width)).collect()
    }
}

/// The number below which a share p of the sorted numbers lies, linear between two of them.
fn quantile(sorted: &[f64], p: f64) -> f64 {
    let place = p * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    below + (above - below) * place.fract()
}
