//! [`Shape`]: the sizes of a tensor's axes, and NumPy's broadcasting rule.

use std::fmt;
use std::ops::Deref;

/// The most axes that a tensor may have.
pub const MAX_RANK: usize = 6;

/// No tensor holds more numbers than this; so no sum of a few sizes and no count of bytes overflows.
pub(crate) const MAX_COUNT: usize = isize::MAX as usize / 8;

/// Whether memory can address a tensor of these sizes. Sizes of 0 count as 1, so that no product of some of the axes
/// overflows either.
pub(crate) fn fits_into_memory(axes: &[usize]) -> bool {
    axes.iter().try_fold(1usize, |n, &size| n.checked_mul(size.max(1))).is_some_and(|n| n <= MAX_COUNT)
}

/// How far apart neighbours along each axis lie in memory. A stride of 0 repeats one number.
pub type Strides = [usize; MAX_RANK];

/// The sizes of a tensor's axes, outermost first. Reads like a slice: `shape[0]`, `shape.len()`, `shape.iter()`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shape {
    sizes: [usize; MAX_RANK],
    rank: usize,
}

impl Shape {
    /// The shape of a single number: no axes.
    pub const SCALAR: Shape = Shape { sizes: [0; MAX_RANK], rank: 0 };

    /// The shape of these sizes.
    ///
    /// # Panics
    /// If there are more than [`MAX_RANK`] axes, or more elements than memory can address.
    #[track_caller]
    pub fn new(axes: &[usize]) -> Shape {
        assert!(axes.len() <= MAX_RANK, "shape: {axes:?} has {} axes, at most {MAX_RANK} are possible", axes.len());
        assert!(fits_into_memory(axes), "shape: {axes:?} has too many elements");
        let mut sizes = [0; MAX_RANK];
        sizes[..axes.len()].copy_from_slice(axes);
        Shape { sizes, rank: axes.len() }
    }

    /// How many numbers a tensor of this shape holds; 1 for no axes.
    pub fn count(&self) -> usize {
        self.iter().product()
    }

    /// Strides of a contiguous tensor of this shape (the last axis has stride 1).
    pub fn strides(&self) -> Strides {
        let mut strides = [0; MAX_RANK];
        let mut step = 1;
        for axis in (0..self.rank).rev() {
            strides[axis] = step;
            step *= self.sizes[axis];
        }
        strides
    }

    /// Strides that read a contiguous tensor of this shape as if it had shape `target`:
    /// axes are aligned at the right, and an axis of size 1 is repeated.
    ///
    /// # Panics
    /// If `target` has fewer axes.
    pub fn strides_broadcast_to(&self, target: &Shape) -> Strides {
        let own = self.strides();
        let mut strides = [0; MAX_RANK];
        let missing = target.rank - self.rank;
        for axis in 0..self.rank {
            strides[missing + axis] = if self.sizes[axis] == 1 { 0 } else { own[axis] };
        }
        strides
    }

    /// NumPy's rule: axes are aligned at the right; sizes must be equal, or one of them 1.
    pub fn broadcast(&self, other: &Shape) -> Option<Shape> {
        let rank = self.rank.max(other.rank);
        let mut sizes = [0; MAX_RANK];
        for (axis, size) in sizes[..rank].iter_mut().enumerate() {
            let of = |shape: &Shape| (axis + shape.rank).checked_sub(rank).map_or(1, |i| shape.sizes[i]);
            *size = match (of(self), of(other)) {
                (a, b) if a == b => a,
                (1, b) => b,
                (a, 1) => a,
                _ => return None,
            };
        }
        Some(Shape { sizes, rank })
    }

    /// The place of `axis`, where -1 is the last axis.
    ///
    /// # Panics
    /// If there is no such axis; `op` names who asked.
    #[track_caller]
    pub fn axis(&self, op: &str, axis: isize) -> usize {
        let place = if axis < 0 { axis + self.rank as isize } else { axis };
        assert!(place >= 0 && place < self.rank as isize, "{op}: axis {axis} of shape {self} does not exist");
        place as usize
    }
}

impl Deref for Shape {
    type Target = [usize];
    fn deref(&self) -> &[usize] {
        &self.sizes[..self.rank]
    }
}

impl From<&[usize]> for Shape {
    #[track_caller]
    fn from(axes: &[usize]) -> Shape {
        Shape::new(axes)
    }
}

impl<const N: usize> From<[usize; N]> for Shape {
    #[track_caller]
    fn from(axes: [usize; N]) -> Shape {
        Shape::new(&axes)
    }
}

/// `(2, 3)`, `(5,)` and `()`, as NumPy and PyTorch print shapes.
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let sizes: Vec<String> = self.iter().map(|n| n.to_string()).collect();
        write!(f, "({}{})", sizes.join(", "), if self.rank == 1 { "," } else { "" })
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broadcasting_follows_numpy() {
        let shape = |axes: &[usize]| Shape::new(axes);
        let joined = |a: &[usize], b: &[usize]| shape(a).broadcast(&shape(b));
        assert_eq!(joined(&[3, 4], &[3, 4]), Some(shape(&[3, 4])));
        assert_eq!(joined(&[2, 1, 4], &[3, 1]), Some(shape(&[2, 3, 4])));
        assert_eq!(joined(&[3, 4], &[]), Some(shape(&[3, 4])));
        assert_eq!(joined(&[4], &[2, 3, 4]), Some(shape(&[2, 3, 4])));
        assert_eq!(joined(&[0, 3], &[1, 3]), Some(shape(&[0, 3])));
        assert_eq!((joined(&[3], &[4]), joined(&[2, 3], &[2, 1, 4])), (None, None));
        assert_eq!(shape(&[3, 1]).strides_broadcast_to(&shape(&[2, 3, 4]))[..3], [0, 1, 0]);
    }

    #[test]
    fn prints_as_numpy_does() {
        assert_eq!(format!("{} {} {}", Shape::SCALAR, Shape::new(&[5]), Shape::new(&[2, 3])), "() (5,) (2, 3)");
    }

    #[test]
    #[should_panic(expected = "too many elements")]
    fn refuses_a_shape_larger_than_memory() {
        Shape::new(&[0, usize::MAX, 2]);
    }
}
