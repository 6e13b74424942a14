//! A smooth curve through given points: the centripetal Catmull-Rom spline.

pub type Point = [f64; 2];

/// A point the pen goes through, smoothly or with a sharp turn.
#[derive(Clone, Copy)]
pub struct Knot {
    pub at: Point,
    pub corner: bool,
}

/// Straight pieces between two knots; fine enough that a 20-pixel digit shows no edges.
const PIECES: usize = 8;

/// The curve as a chain of points: each run between corners is one spline.
pub fn smooth(knots: &[Knot]) -> Vec<Point> {
    let mut chain = vec![knots[0].at];
    let mut start = 0;
    for end in 1..knots.len() {
        if knots[end].corner || end == knots.len() - 1 {
            let run: Vec<Point> = knots[start..=end].iter().map(|k| k.at).collect();
            spline(&run, &mut chain);
            start = end;
        }
    }
    chain
}

/// Appends the spline through `run` to `chain`, which already holds its first point.
fn spline(run: &[Point], chain: &mut Vec<Point>) {
    // Each piece from p1 to p2 looks at one neighbour on either side; past the ends, mirror images stand in.
    let mirrored = |at: Point, inner: Point| [2.0 * at[0] - inner[0], 2.0 * at[1] - inner[1]];
    let last = run.len() - 1;
    for i in 0..last {
        let p0 = if i > 0 { run[i - 1] } else { mirrored(run[0], run[1]) };
        let p3 = if i + 2 <= last { run[i + 2] } else { mirrored(run[last], run[last - 1]) };
        chain.extend((1..=PIECES).map(|k| between([p0, run[i], run[i + 1], p3], k as f64 / PIECES as f64)));
    }
}

/// The point at 0 <= u <= 1 between p1 and p2 of the uniform cubic B-spline.
fn between(p: [Point; 4], u: f64) -> Point {
    let v = 1.0 - u;
    let weights = [v * v * v, 4.0 - 3.0 * u * u * (2.0 - u), 4.0 - 3.0 * v * v * (2.0 - v), u * u * u];
    [0, 1].map(|k| (0..4).map(|i| weights[i] * p[i][k]).sum::<f64>() / 6.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn knots(points: &[Point], corner: bool) -> Vec<Knot> {
        points.iter().map(|&at| Knot { at, corner }).collect()
    }

    #[test]
    fn it_goes_through_every_point() {
        let points = [[0.0, 0.0], [0.3, 0.9], [0.4, 0.8], [1.0, 0.1]];
        for corner in [false, true] {
            let chain = smooth(&knots(&points, corner));
            assert_eq!(chain.len(), 3 * PIECES + 1);
            for (i, p) in points.iter().enumerate() {
                let q = chain[i * PIECES];
                assert!((p[0] - q[0]).abs() < 1e-12 && (p[1] - q[1]).abs() < 1e-12, "{p:?} {q:?}");
            }
        }
    }

    #[test]
    fn corners_make_straight_lines() {
        for [x, y] in smooth(&knots(&[[0.0, 0.0], [1.0, 2.0], [2.0, 0.0]], true)) {
            assert!((y - 2.0 * x.min(2.0 - x)).abs() < 1e-12, "{x} {y}");
        }
    }
}
