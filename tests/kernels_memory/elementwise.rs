use super::*;
use tsukuru::kernels::{self, Binary, Unary, View, reference};
use tsukuru::shape::Shape;

/// Every operation on one number whose fast kernel has the same bits.
const EXACT: [Unary; 19] = [
    Unary::Neg,
    Unary::Softplus,
    Unary::Sqrt,
    Unary::Sin,
    Unary::Cos,
    Unary::Relu,
    Unary::Abs,
    Unary::Sign,
    Unary::Square,
    Unary::Pow(3.0),
    Unary::Pow(2.0),
    Unary::Pow(-1.0),
    Unary::Pow(-0.5),
    Unary::Clamp(-0.5, 1.0),
    Unary::Clamp(0.0, 0.0),
    Unary::Scale(-1.5),
    Unary::Scale(f32::INFINITY),
    Unary::Shift(0.3),
    Unary::Shift(f32::NAN),
];

/// Those that are calculated in another way; tests/kernels_memory/vmath.rs measures them exactly.
const ROUNDED: [Unary; 7] = [Unary::Exp, Unary::Ln, Unary::Tanh, Unary::Sigmoid, Unary::Erf, Unary::Silu, Unary::Gelu];

const BINARY: [Binary; 9] = [
    Binary::Add,
    Binary::Sub,
    Binary::Mul,
    Binary::Div,
    Binary::WherePositive,
    Binary::WhereWithin(-0.5, 1.0),
    Binary::WhereWithin(0.0, f32::INFINITY),
    Binary::Equal,
    Binary::Lerp(0.1),
];

#[test]
fn map_at_all_lengths() {
    for n in LENGTHS {
        let x = awkward_numbers(n, n as u64);
        let exact = EXACT.map(|op| (op, true)).into_iter();
        for (op, is_exact) in exact.chain(ROUNDED.map(|op| (op, false))) {
            let want = result(n, |y| reference::map(op, &x, y));
            let got = on_any_threads(|| result(n, |y| kernels::map(op, &x, y)));
            let assigned = on_any_threads(|| {
                let mut x = x.clone();
                kernels::map_assign(op, &mut x);
                x
            });
            assert_same_bits(&format!("map_assign {op:?} of {n}"), &assigned, &got);
            match is_exact {
                true => assert_same_bits(&format!("map {op:?} of {n}"), &got, &want),
                false => assert_close(&format!("map {op:?} of {n}"), &got, &want, 3e-7),
            }
        }
    }
}

#[test]
fn zip_at_all_lengths() {
    for n in LENGTHS {
        let (a, b) = (awkward_numbers(n, 1), awkward_numbers(n, 2));
        for op in BINARY {
            let shape = Shape::new(&[n]);
            check_zip(op, &a, &shape, &b, &shape);
            let want = result(n, |y| reference::zip(op, view(&a, &shape, &shape), view(&b, &shape, &shape), &shape, y));
            let got = on_any_threads(|| {
                let mut a = a.clone();
                kernels::zip_assign(op, &mut a, &b);
                a
            });
            assert_same_bits(&format!("zip_assign {op:?} of {n}"), &got, &want);
        }
    }
}

fn view<'a>(x: &'a [f32], own: &Shape, shape: &Shape) -> View<'a> {
    View { data: x, strides: own.strides_broadcast_to(shape) }
}

fn check_zip(op: Binary, a: &[f32], a_shape: &Shape, b: &[f32], b_shape: &Shape) {
    let shape = a_shape.broadcast(b_shape).expect("shapes that broadcast");
    let (a, b) = (view(a, a_shape, &shape), view(b, b_shape, &shape));
    let want = result(shape.count(), |y| reference::zip(op, a, b, &shape, y));
    let got = on_any_threads(|| result(shape.count(), |y| kernels::zip(op, a, b, &shape, y)));
    assert_same_bits(&format!("zip {op:?} of {a_shape} and {b_shape}"), &got, &want);
}

#[test]
fn derivatives_of_activations() {
    for n in LENGTHS {
        let (gy, x, shape) = (numbers(n, 7), awkward_numbers(n, 8), Shape::new(&[n]));
        let (gy, x) = (view(&gy, &shape, &shape), view(&x, &shape, &shape));
        for op in [Binary::SiluDx, Binary::GeluDx] {
            let want = result(n, |gx| reference::zip(op, gy, x, &shape, gx));
            let got = on_any_threads(|| result(n, |gx| kernels::zip(op, gy, x, &shape, gx)));
            assert_close(&format!("{op:?} of {n}"), &got, &want, 1e-6);
        }
    }
}

#[test]
fn zip_broadcasts() {
    let pairs: [(&[usize], &[usize]); 14] = [
        (&[], &[]),
        (&[], &[5, 3]),
        (&[1, 1], &[7]),
        (&[33, 784], &[784]),
        (&[100, 10], &[100, 1]),
        (&[1, 37], &[1300, 1]),
        (&[9, 5, 7, 7], &[5, 1, 1]),
        (&[9, 16, 28, 28], &[1, 16, 1, 1]),
        (&[9, 16, 28, 28], &[9, 16, 1, 1]),
        (&[0, 3], &[1, 3]),
        (&[3, 0, 2], &[2]),
        (&[2, 1, 3, 1, 5, 1], &[1, 4, 1, 2, 1, 3]),
        (&[2, 4, 3, 2, 5, 3], &[2, 4, 1, 1, 5, 3]),
        (&[20_000, 3], &[3]),
    ];
    for (a_shape, b_shape) in pairs.map(|(a, b)| (Shape::new(a), Shape::new(b))) {
        let (a, b) = (awkward_numbers(a_shape.count(), 3), awkward_numbers(b_shape.count(), 4));
        for op in BINARY {
            check_zip(op, &a, &a_shape, &b, &b_shape);
            check_zip(op, &b, &b_shape, &a, &a_shape);
        }
    }
}

/// Every way in which up to six axes of either side may be 1.
#[test]
fn zip_broadcasts_six_axes() {
    const SIZES: [usize; 6] = [2, 3, 2, 4, 3, 5];
    let shape =
        |ones: usize| Shape::new(&std::array::from_fn::<_, 6, _>(|i| if ones >> i & 1 == 1 { 1 } else { SIZES[i] }));
    let x = numbers(SIZES.iter().product(), 5);
    for (a, b) in (0..64).flat_map(|a| (0..64).map(move |b| (shape(a), shape(b)))) {
        let y_shape = a.broadcast(&b).unwrap();
        let (va, vb) = (view(&x[..a.count()], &a, &y_shape), view(&x[x.len() - b.count()..], &b, &y_shape));
        let want = result(y_shape.count(), |y| reference::zip(Binary::Sub, va, vb, &y_shape, y));
        let got = result(y_shape.count(), |y| kernels::zip(Binary::Sub, va, vb, &y_shape, y));
        assert_same_bits(&format!("{a} - {b}"), &got, &want);
    }
}

#[test]
fn zip_reads_through_any_strides() {
    let (x, shape) = (numbers(70 * 900, 6), Shape::new(&[70, 900]));
    let (turned, own) = (View { data: &x, strides: [1, 70, 0, 0, 0, 0] }, View { data: &x, strides: shape.strides() });
    for (a, b) in [(turned, own), (own, turned), (turned, turned)] {
        let want = result(x.len(), |y| reference::zip(Binary::Sub, a, b, &shape, y));
        assert_same_bits(
            "strided",
            &on_any_threads(|| result(x.len(), |y| kernels::zip(Binary::Sub, a, b, &shape, y))),
            &want,
        );
    }
}
