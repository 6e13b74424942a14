use super::*;
use tsukuru::kernels::{self, View, reference};
use tsukuru::shape::{Shape, Strides};

fn check_read(data: &[f32], strides: Strides, shape: &Shape) {
    let x = View { data, strides };
    let want = result(shape.count(), |y| reference::read_strided(x, shape, y));
    let got = on_any_threads(|| result(shape.count(), |y| kernels::read_strided(x, shape, y)));
    assert_same_bits(&format!("{shape} through {strides:?}"), &got, &want);
}

/// Every order of the axes of `sizes`.
fn check_transposes(sizes: &[usize]) {
    let (shape, n) = (Shape::new(sizes), sizes.len());
    let (x, strides) = (numbers(shape.count(), 9), shape.strides());
    let orders = (0..n.pow(n as u32)).map(|code| (0..n).map(|i| code / n.pow(i as u32) % n).collect::<Vec<_>>());
    for order in orders.filter(|order| (0..n).all(|axis| order.contains(&axis))) {
        let mut turned = Strides::default();
        order.iter().zip(&mut turned).for_each(|(&axis, stride)| *stride = strides[axis]);
        let sizes: Vec<usize> = order.iter().map(|&axis| sizes[axis]).collect();
        check_read(&x, turned, &Shape::new(&sizes));
    }
}

#[test]
fn transposes() {
    for sizes in [&[1, 1][..], &[15, 17], &[16, 32], &[33, 16], &[0, 3], &[300, 257], &[70_001, 2], &[2, 70_001]] {
        check_transposes(sizes);
    }
    for sizes in [&[3, 5, 7][..], &[33, 34, 48], &[2, 3, 4, 5], &[3, 17, 19, 60], &[2, 3, 2, 3, 2, 3]] {
        check_transposes(sizes);
    }
}

#[test]
fn broadcasts() {
    let x = numbers(100, 10);
    let shapes: [(&[usize], &[usize]); 8] = [
        (&[], &[]),
        (&[], &[7, 5]),
        (&[1], &[70_001]),
        (&[5], &[9, 5]),
        (&[3, 1], &[2, 3, 4]),
        (&[10, 10, 1, 1], &[10, 10, 28, 28]),
        (&[1, 5, 1, 4, 1, 3], &[2, 5, 3, 4, 2, 3]),
        (&[1, 3], &[0, 3]),
    ];
    for (from, to) in shapes.map(|(from, to)| (Shape::new(from), Shape::new(to))) {
        check_read(&x[..from.count()], from.strides_broadcast_to(&to), &to);
    }
}

#[test]
fn a_broadcast_transpose() {
    check_read(&numbers(20 * 30, 11), [0, 1, 0, 20, 0, 0], &Shape::new(&[3, 20, 2, 30]));
    check_read(&numbers(2 * 20 * 30, 11), [0, 2, 40, 0, 0, 0], &Shape::new(&[70, 20, 30]));
}

/// Part of each axis of a larger tensor, read and written.
#[test]
fn narrow_and_pad() {
    for (sizes, axis, before, after) in [
        (&[5][..], 0, 2, 3),
        (&[70_001], 0, 1, 0),
        (&[4, 7], 1, 1, 2),
        (&[33, 1], 1, 3, 1),
        (&[9, 16, 28, 28], 1, 5, 3),
        (&[9, 16, 28, 28], 0, 1, 1),
        (&[9, 16, 28, 28], 3, 1, 0),
        (&[2, 3, 2, 3, 2, 3], 4, 2, 2),
    ] {
        let (shape, mut padded) = (Shape::new(sizes), sizes.to_vec());
        padded[axis] += before + after;
        let padded = Shape::new(&padded);
        let (strides, offset) = (padded.strides(), before * padded.strides()[axis]);
        let (x, y) = (numbers(shape.count(), 12), numbers(padded.count(), 13));
        check_read(&y[offset..], strides, &shape);
        let write = |write: fn(&[f32], &Shape, &mut [f32], &Strides)| {
            let mut y = y.clone();
            write(&x, &shape, &mut y[offset..], &strides);
            y
        };
        let what = format!("pad axis {axis} of {shape} by {before} and {after}");
        assert_same_bits(&what, &on_any_threads(|| write(kernels::write_strided)), &write(reference::write_strided));
    }
}

/// Writing through strides that are not in order, and where later numbers overwrite earlier ones.
#[test]
fn write_through_any_strides() {
    let (x, shape) = (numbers(200 * 300, 14), Shape::new(&[200, 300]));
    for strides in
        [[1, 200, 0, 0, 0, 0], [0, 1, 0, 0, 0, 0], [300, 0, 0, 0, 0, 0], [100, 1, 0, 0, 0, 0], [601, 2, 0, 0, 0, 0]]
    {
        let want = result(200 * 601, |y| reference::write_strided(&x, &shape, y, &strides));
        let got = on_any_threads(|| result(200 * 601, |y| kernels::write_strided(&x, &shape, y, &strides)));
        assert_same_bits(&format!("through {strides:?}"), &got, &want);
    }
}
