//! Every operation against finite differences, to the third order. In f64 only: `cargo test --features f64`.
#![cfg(feature = "f64")]

use std::collections::BTreeSet;
use tsukuru::backward::grad;
use tsukuru::gradcheck::check;
use tsukuru::ops::{BatchStats, Reduction, keepdim};
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;
use tsukuru::variable::Variable;

const ORDER: usize = 3;

type Operation = dyn Fn(&[Variable]) -> Variable;

struct Case {
    name: &'static str,
    xs: Vec<Tensor>,
    f: Box<Operation>,
}

/// Numbers between 0.3 and 1.7 apart from each other and from 1 by more than any step, so that no case sits on a kink
/// or a tie; `negative` gives every second one a minus sign.
fn numbers(shape: &[usize], negative: bool, seed: u64) -> Tensor {
    let count: usize = shape.iter().product();
    let order = Rng::new(seed, "gradcheck", 0).permutation(count);
    let place = |i: usize| 0.3 + 1.4 * (order[i] as f64 + 0.37) / count as f64;
    let signed = |i: usize| if negative && i % 2 == 1 { -place(i) } else { place(i) };
    let numbers: Vec<f64> = (0..count).map(signed).collect();
    Tensor::new(shape, &numbers)
}

fn case(name: &'static str, shapes: &[&[usize]], f: impl Fn(&[Variable]) -> Variable + 'static) -> Case {
    let xs = shapes.iter().enumerate().map(|(k, shape)| numbers(shape, true, k as u64)).collect();
    Case { name, xs, f: Box::new(f) }
}

/// For functions that are only defined for x > 0.
fn positive(name: &'static str, shape: &[usize], f: impl Fn(&[Variable]) -> Variable + 'static) -> Case {
    Case { name, xs: vec![numbers(shape, false, 0)], f: Box::new(f) }
}

fn cases() -> Vec<Case> {
    let stats = || BatchStats { mean: Tensor::from([0.1, -0.2]), var: Tensor::from([0.5, 1.5]) };
    vec![
        case("add", &[&[2, 3], &[3]], |x| (&x[0] + &x[1]).square()),
        case("sub", &[&[2, 1], &[2, 3]], |x| (&x[0] - &x[1]).square()),
        case("mul", &[&[2, 3], &[2, 1]], |x| &x[0] * &x[1]),
        case("div", &[&[2, 3], &[3]], |x| &x[0] / &x[1]),
        case("neg", &[&[3]], |x| -&x[0].square()),
        case("scale", &[&[3]], |x| (&x[0] * 3.0).square()),
        case("x over a number", &[&[3]], |x| (&x[0] / 3.0).square()),
        case("shift", &[&[3]], |x| (2.0 - &x[0] + 3.0).square()),
        case("number over x", &[&[3]], |x| 2.0 / &x[0]),
        case("the same x twice", &[&[3]], |x| &x[0] * &x[0] + &x[0] * x[0].sin()),
        case("exp", &[&[3]], |x| x[0].exp()),
        positive("ln", &[3], |x| x[0].ln()),
        positive("sqrt", &[3], |x| x[0].sqrt()),
        case("sin", &[&[3]], |x| x[0].sin()),
        case("cos", &[&[3]], |x| x[0].cos()),
        case("tanh", &[&[3]], |x| x[0].tanh()),
        case("square", &[&[3]], |x| x[0].square()),
        positive("pow", &[3], |x| x[0].pow(2.5)),
        case("abs", &[&[4]], |x| x[0].square().abs() * x[0].abs()),
        case("clamp", &[&[8]], |x| x[0].clamp(-1.0, 1.0).square()),
        case("relu", &[&[4]], |x| x[0].relu().square()),
        case("leaky_relu", &[&[4]], |x| x[0].leaky_relu(0.2).square()),
        case("sigmoid", &[&[3]], |x| x[0].sigmoid()),
        case("softplus", &[&[3]], |x| x[0].softplus()),
        case("silu", &[&[3]], |x| x[0].silu()),
        case("gelu", &[&[3]], |x| x[0].gelu()),
        case("dropout", &[&[8]], |x| x[0].dropout(0.5, &mut Rng::new(0, "dropout", 0)).square()),
        case("erf", &[&[3]], |x| x[0].erf()),
        case("softmax", &[&[2, 3]], |x| x[0].softmax(1)),
        case("log_softmax", &[&[2, 3]], |x| x[0].log_softmax(0)),
        case("logsumexp", &[&[2, 3]], |x| x[0].logsumexp([0, 1])),
        case("sum", &[&[2, 3, 2]], |x| x[0].sum([0, 2]).square()),
        case("sum over all", &[&[2, 3]], |x| x[0].sum(..).square()),
        case("mean", &[&[2, 3]], |x| x[0].mean(keepdim(1)).square()),
        case("var", &[&[2, 3, 2]], |x| x[0].var([0, 2])),
        case("max", &[&[2, 3]], |x| x[0].max(1).square()),
        case("reshape", &[&[2, 3]], |x| x[0].reshape([3, 2]).square()),
        case("flatten", &[&[2, 3, 2]], |x| x[0].flatten(1).square()),
        case("permute", &[&[2, 3, 2]], |x| x[0].permute(&[2, 0, 1]).square()),
        case("broadcast_to", &[&[3, 1]], |x| x[0].broadcast_to([2, 3, 2]).square()),
        case("narrow", &[&[4, 2]], |x| x[0].narrow(0, 1, 2).square()),
        case("pad", &[&[2, 2]], |x| x[0].pad(0, 1, 2).square()),
        case("pad2d", &[&[2, 2]], |x| x[0].pad2d(1, 0, 2, 1).square()),
        case("cat", &[&[2, 1], &[2, 2]], |x| Variable::cat(&[&x[0], &x[1]], 1).square()),
        case("gather", &[&[2, 3]], |x| x[0].gather(&[2, 0]).square()),
        case("transpose", &[&[2, 2, 3]], |x| x[0].transpose(-2, 0).square()),
        case("embedding", &[&[3, 2]], |x| x[0].embedding(&[0, 2, 0]).square()),
        case("index_select", &[&[3, 2, 2]], |x| x[0].index_select(0, &[2, 0, 2]).square()),
        case("index_select along another axis", &[&[2, 3, 2]], |x| x[0].index_select(-2, &[2, 0, 2]).square()),
        case("matmul", &[&[2, 3], &[3, 2]], |x| x[0].matmul(&x[1])),
        case("matmul, batched", &[&[2, 2, 3], &[1, 3, 2]], |x| x[0].matmul(&x[1])),
        case("matmul_t", &[&[2, 3], &[2, 3]], |x| x[0].matmul_t(&x[1])),
        case("linear", &[&[2, 3], &[2, 3], &[2]], |x| x[0].linear(&x[1], Some(&x[2]))),
        case("linear without bias", &[&[1, 2, 3], &[2, 3]], |x| x[0].linear(&x[1], None)),
        case("conv2d", &[&[2, 2, 3, 3], &[2, 2, 2, 2], &[2]], |x| x[0].conv2d(&x[1], Some(&x[2]), 1, 1)),
        case("conv2d with stride", &[&[1, 1, 5, 4], &[2, 1, 3, 3]], |x| x[0].conv2d(&x[1], None, 2, 1)),
        case("conv_transpose2d", &[&[1, 2, 2, 2], &[2, 1, 2, 2], &[1]], |x| {
            x[0].conv_transpose2d(&x[1], Some(&x[2]), 2, 1)
        }),
        case("max_pool2d", &[&[1, 2, 4, 4]], |x| x[0].sin().max_pool2d(2, 2).square()),
        case("max_pool2d, windows that overlap", &[&[1, 1, 5, 5]], |x| x[0].max_pool2d(3, 1).square()),
        case("avg_pool2d", &[&[1, 2, 4, 4]], |x| x[0].avg_pool2d(2, 2).square()),
        case("upsample_bilinear2d", &[&[1, 2, 2, 3]], |x| x[0].upsample_bilinear2d().square()),
        case("upsample_nearest2d", &[&[1, 2, 2, 2]], |x| x[0].upsample_nearest2d(2).square()),
        case("batch_norm", &[&[2, 2, 2], &[2], &[2]], |x| x[0].batch_norm(&x[1], &x[2], 1e-5).0.square()),
        case("batch_norm_eval", &[&[2, 2, 2], &[2], &[2]], move |x| {
            x[0].batch_norm_eval(&x[1], &x[2], &stats(), 1e-5).square()
        }),
        case("batch_norm_relu", &[&[2, 2, 2], &[2], &[2]], |x| x[0].batch_norm_relu(&x[1], &x[2], 1e-5).0.square()),
        case("batch_norm_relu_eval", &[&[2, 2, 2], &[2], &[2]], move |x| {
            x[0].batch_norm_relu_eval(&x[1], &x[2], &stats(), 1e-5).square()
        }),
        case("layer_norm", &[&[2, 3], &[3], &[3]], |x| x[0].layer_norm(Some((&x[1], &x[2])), 1e-5)),
        case("layer_norm without gamma and beta", &[&[2, 3]], |x| x[0].layer_norm(None, 1e-5)),
        case("layer_norm, adaptive", &[&[2, 2, 3], &[2, 1, 3], &[2, 1, 3]], |x| {
            x[0].layer_norm(Some((&x[1], &x[2])), 1e-5)
        }),
        case("group_norm", &[&[2, 4, 2], &[4], &[4]], |x| x[0].group_norm(2, &x[1], &x[2], 1e-5)),
        case("mse_loss", &[&[2, 3], &[2, 3]], |x| x[0].mse_loss(&x[1], Reduction::Mean).square()),
        case("cross_entropy", &[&[2, 3]], |x| x[0].cross_entropy(&[2, 0])),
        case("binary_cross_entropy", &[&[4]], |x| {
            (x[0].square() * 0.3).binary_cross_entropy(&Tensor::from([0.1, 0.9, 0.5, 0.0]).into())
        }),
        case("binary_cross_entropy_with_logits", &[&[3]], |x| {
            x[0].binary_cross_entropy_with_logits(&Tensor::from([0.1, 0.9, 1.0]).into())
        }),
        case("scaled_dot_product_attention", &[&[2, 2], &[3, 2], &[3, 2]], |x| {
            x[0].scaled_dot_product_attention(&x[1], &x[2])
        }),
        case("scaled_dot_product_attention, batched", &[&[2, 2, 2], &[1, 3, 2], &[3, 1]], |x| {
            x[0].scaled_dot_product_attention(&x[1], &x[2])
        }),
        case("attention_qkvpacked", &[&[2, 2, 12]], |x| x[0].attention_qkvpacked(2)),
    ]
}

/// The names of the operations that led to `y`.
fn operations(y: &Variable) -> BTreeSet<String> {
    let dot = y.to_dot(&[]);
    let names = dot.lines().filter_map(|line| line.split_once("box, label=\"")?.1.split_once('"'));
    names.filter_map(|(label, _)| Some(label.split(' ').next()?.to_string())).collect()
}

#[test]
fn derivatives_agree_with_finite_differences() {
    for Case { name, xs, f } in cases() {
        check(name, &*f, &xs, ORDER);
    }
}

fn sources() -> String {
    let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/ops")).expect("src/ops");
    files.map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap()).collect()
}

/// Every operation has a case: the names in the sources are compared with what the cases record.
#[test]
fn no_operation_is_left_out() {
    let mut covered = BTreeSet::new();
    for Case { name, xs, f } in cases() {
        (1..=ORDER).for_each(|order| covered.append(&mut operations(&check(name, &*f, &xs, order))));
    }
    let sources = sources();
    let recorded = sources.split("record(").skip(1).filter_map(|rest| rest.trim_start().strip_prefix('"'));
    let recorded: BTreeSet<String> = recorded.filter_map(|rest| Some(rest.split_once('"')?.0.to_string())).collect();
    assert!(recorded.len() > 30, "the scan finds the operations: {recorded:?}");
    let missing: Vec<_> = recorded.difference(&covered).collect();
    assert!(missing.is_empty(), "no gradient test meets {missing:?}");
}

/// The same for methods that record nothing of their own: each public one has a case that begins with its name.
#[test]
fn no_method_is_left_out() {
    let (sources, cases) = (sources(), cases());
    let methods = sources.split("pub fn ").skip(1).filter_map(|rest| {
        let (signature, _) = rest.split_once('{')?;
        let (name, result) = (signature.split(['(', '<']).next()?, signature.split_once("-> ")?.1);
        result.contains("Variable").then_some(name)
    });
    let methods: BTreeSet<&str> = methods.collect();
    assert!(methods.len() > 45, "the scan finds the methods: {methods:?}");
    let covered: BTreeSet<&str> = cases.iter().filter_map(|case| case.name.split([',', ' ']).next()).collect();
    let missing: Vec<_> = methods.difference(&covered).collect();
    assert!(missing.is_empty(), "no gradient test is called {missing:?}");
}

#[test]
#[should_panic(expected = "order 1, input 0, entry 0")]
fn a_wrong_derivative_is_found() {
    let wrong = |x: &[Variable]| x[0].detach() * &x[0]; // pretends that d(x x)/dx is x
    check("wrong", &wrong, &[numbers(&[3], true, 0)], 1);
}

#[test]
fn higher_orders_of_a_sine() {
    let x = Variable::parameter(0.7);
    let mut y = x.sin();
    for want in [0.7f64.cos(), -0.7f64.sin(), -0.7f64.cos(), 0.7f64.sin()] {
        [y] = grad(&y, [&x], true);
        assert!((y.item() - want).abs() < 1e-15, "{} {want}", y.item());
    }
}
