//! The pen's way: a smooth curve led by a few points, the uniform cubic B-spline.

pub type Point = [f64; 2];

/// A point that leads the pen. It passes near, and exactly through the first, the last and the corners.
#[derive(Clone, Copy)]
pub struct Guide {
    pub at: Point,
    /// A sharp turn.
    pub corner: bool,
}

/// Straight pieces from one guide to the next; fine enough that a digit of 20 pixels shows no edges.
const PIECES: usize = 8;

/// The curve as a chain of points. Each run from corner to corner is one spline.
pub fn smooth(guides: &[Guide]) -> Vec<Point> {
    let mut chain = vec![guides[0].at];
    let mut start = 0;
    for end in 1..guides.len() {
        if guides[end].corner || end == guides.len() - 1 {
            let run: Vec<Point> = guides[start..=end].iter().map(|g| g.at).collect();
            spline(&run, &mut chain);
            start = end;
        }
    }
    chain
}

/// Appends the spline led by `run` to `chain`, which already holds its first point.
fn spline(run: &[Point], chain: &mut Vec<Point>) {
    // Each piece is led by the points at its ends, p1 and p2, and one more on either side. Beyond the run's ends stand
    // mirror images: then the curve begins and ends in the run's end points, straight.
    let mirrored = |at: Point, inner: Point| [2.0 * at[0] - inner[0], 2.0 * at[1] - inner[1]];
    let last = run.len() - 1;
    for i in 0..last {
        let p0 = if i > 0 { run[i - 1] } else { mirrored(run[0], run[1]) };
        let p3 = if i + 2 <= last { run[i + 2] } else { mirrored(run[last], run[last - 1]) };
        chain.extend((1..=PIECES).map(|k| blend([p0, run[i], run[i + 1], p3], k as f64 / PIECES as f64)));
    }
}

/// The B-spline from near p1 (u = 0) to near p2 (u = 1), with v = 1 - u:
///
/// (v^3 p0 + (4 - 6 u^2 + 3 u^3) p1 + (4 - 6 v^2 + 3 v^3) p2 + u^3 p3) / 6
fn blend(p: [Point; 4], u: f64) -> Point {
    let v = 1.0 - u;
    let weights = [v * v * v, 4.0 - 3.0 * u * u * (2.0 - u), 4.0 - 3.0 * v * v * (2.0 - v), u * u * u];
    [0, 1].map(|k| (0..4).map(|i| weights[i] * p[i][k]).sum::<f64>() / 6.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guides(points: &[Point], corner: bool) -> Vec<Guide> {
        points.iter().map(|&at| Guide { at, corner }).collect()
    }

    fn distance(p: Point, q: Point) -> f64 {
        ((p[0] - q[0]) * (p[0] - q[0]) + (p[1] - q[1]) * (p[1] - q[1])).sqrt()
    }

    #[test]
    fn it_meets_ends_and_corners() {
        let points = [[0.0, 0.0], [0.3, 0.9], [0.4, 0.8], [1.0, 0.1]];
        for corner in [false, true] {
            let chain = smooth(&guides(&points, corner));
            assert_eq!(chain.len(), 3 * PIECES + 1);
            for (i, &p) in points.iter().enumerate() {
                let meets = distance(p, chain[i * PIECES]) < 1e-12;
                assert_eq!(meets, corner || i == 0 || i == 3, "{p:?}");
            }
        }
    }

    #[test]
    fn between_corners_it_is_straight() {
        for [x, y] in smooth(&guides(&[[0.0, 0.0], [1.0, 2.0], [2.0, 0.0]], true)) {
            assert!((y - 2.0 * x.min(2.0 - x)).abs() < 1e-12, "{x} {y}");
        }
    }

    #[test]
    fn without_corners_it_turns_gently() {
        let chain = smooth(&guides(&[[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]], false));
        for three in chain.windows(3) {
            let (a, b) = (distance(three[0], three[1]), distance(three[1], three[2]));
            let straight = distance(three[0], three[2]) / (a + b);
            assert!(straight > 0.98, "{three:?}");
        }
    }
}
