//! Every operation against PyTorch: values, gradients, and gradients of gradients.

#[path = "common/golden.rs"]
mod golden;

use golden::Golden;
use safetensors::SafeTensors;
use serde_json::Value;
use tsukuru::Real;
use tsukuru::backward::grads;
use tsukuru::ops::{Axes, BatchStats, Reduction, keepdim};
use tsukuru::tensor::Tensor;
use tsukuru::variable::Variable;

#[cfg(not(feature = "f64"))]
const TOLERANCE: [f64; 2] = [1e-5, 1e-4];
#[cfg(feature = "f64")]
const TOLERANCE: [f64; 2] = [1e-10, 1e-10];

/// The settings of a case.
struct Settings<'a>(&'a Value);

impl Settings<'_> {
    fn number(&self, name: &str) -> f64 {
        self.0["args"][name].as_f64().unwrap_or_else(|| panic!("{}: no number {name}", self.0["name"]))
    }

    fn real(&self, name: &str) -> Real {
        self.number(name) as Real
    }

    fn size(&self, name: &str) -> usize {
        self.number(name) as usize
    }

    fn list(&self, group: &str, name: &str) -> Vec<f64> {
        let list = self.0[group][name].as_array().unwrap_or_else(|| panic!("{}: no list {name}", self.0["name"]));
        list.iter().map(|x| x.as_f64().expect("a number")).collect()
    }

    fn sizes(&self, group: &str, name: &str) -> Vec<usize> {
        self.list(group, name).into_iter().map(|x| x as usize).collect()
    }

    fn tensor(&self, name: &str) -> Tensor {
        let numbers: Vec<Real> = self.list("args", name).into_iter().map(|x| x as Real).collect();
        Tensor::new([numbers.len()], &numbers)
    }

    fn axis(&self) -> isize {
        self.number("axis") as isize
    }

    fn axes(&self) -> Axes {
        let axes = match &self.0["args"]["axis"] {
            Value::Null => Axes::from(..),
            Value::Array(list) => match &list[..] {
                [a, b] => Axes::from([a.as_i64().unwrap() as isize, b.as_i64().unwrap() as isize]),
                _ => panic!("{}: {} axes", self.0["name"], list.len()),
            },
            axis => Axes::from(axis.as_i64().expect("an axis") as isize),
        };
        if self.0["args"]["keepdim"] == true { keepdim(axes) } else { axes }
    }
}

/// The operation `op` of the engine; `None` if there is none of this name.
fn apply(op: &str, s: &Settings, x: &[Variable]) -> Option<Variable> {
    Some(match op {
        "add" => &x[0] + &x[1],
        "sub" => &x[0] - &x[1],
        "mul" => &x[0] * &x[1],
        "div" => &x[0] / &x[1],
        "neg" => -&x[0],
        "exp" => x[0].exp(),
        "ln" => x[0].ln(),
        "sqrt" => x[0].sqrt(),
        "sin" => x[0].sin(),
        "cos" => x[0].cos(),
        "tanh" => x[0].tanh(),
        "abs" => x[0].abs(),
        "square" => x[0].square(),
        "pow" => x[0].pow(s.real("exponent")),
        "clamp" => x[0].clamp(s.real("min"), s.real("max")),
        "relu" => x[0].relu(),
        "leaky_relu" => x[0].leaky_relu(s.real("slope")),
        "sigmoid" => x[0].sigmoid(),
        "silu" => x[0].silu(),
        "softplus" => x[0].softplus(),
        "gelu" => x[0].gelu(),
        "softmax" => x[0].softmax(s.axis()),
        "log_softmax" => x[0].log_softmax(s.axis()),
        "logsumexp" => x[0].logsumexp(s.axes()),
        "sum" => x[0].sum(s.axes()),
        "mean" => x[0].mean(s.axes()),
        "var" => x[0].var(s.axes()),
        "max" => x[0].max(s.axes()),
        "reshape" => x[0].reshape(&s.sizes("args", "shape")[..]),
        "transpose" => x[0].permute(&s.sizes("args", "axes")),
        "broadcast_to" => x[0].broadcast_to(&s.sizes("args", "shape")[..]),
        "narrow" => x[0].narrow(s.axis(), s.size("start"), s.size("len")),
        "cat" => Variable::cat(&x.iter().collect::<Vec<_>>(), s.axis()),
        "pad2d" => match s.sizes("args", "pad")[..] {
            [left, right, top, bottom] => x[0].pad2d(left, right, top, bottom),
            _ => panic!("pad2d has four sides"),
        },
        "gather" => x[0].gather(&s.sizes("ints", "index")),
        "embedding" => x[0].embedding(&s.sizes("ints", "index")),
        "matmul" => x[0].matmul(&x[1]),
        "linear" => x[0].linear(&x[1], Some(&x[2])),
        "conv2d" => x[0].conv2d(&x[1], Some(&x[2]), s.size("stride"), s.size("padding")),
        "conv_transpose2d" => x[0].conv_transpose2d(&x[1], Some(&x[2]), s.size("stride"), s.size("padding")),
        "max_pool2d" => x[0].max_pool2d(s.size("kernel"), s.size("stride")),
        "avg_pool2d" => x[0].avg_pool2d(s.size("kernel"), s.size("stride")),
        "upsample_bilinear2d" => x[0].upsample_bilinear2d(),
        "upsample_nearest2d" => x[0].upsample_nearest2d(s.size("scale")),
        "batch_norm" => x[0].batch_norm(&x[1], &x[2], s.number("eps")).0,
        "batch_norm_eval" => {
            let stats = BatchStats { mean: s.tensor("running_mean"), var: s.tensor("running_var") };
            x[0].batch_norm_eval(&x[1], &x[2], &stats, s.number("eps"))
        }
        "layer_norm" => x[0].layer_norm(Some((&x[1], &x[2])), s.number("eps")),
        "group_norm" => x[0].group_norm(s.size("groups"), &x[1], &x[2], s.number("eps")),
        "mse_loss" => {
            let sum = s.0["args"]["reduction"] == "sum";
            x[0].mse_loss(&x[1], if sum { Reduction::Sum } else { Reduction::Mean })
        }
        "cross_entropy" => x[0].cross_entropy(&s.sizes("ints", "target")),
        "bce" => x[0].binary_cross_entropy(&s.tensor("target").reshape(x[0].shape()).into()),
        "bce_with_logits" => x[0].binary_cross_entropy_with_logits(&s.tensor("target").reshape(x[0].shape()).into()),
        "scaled_dot_product_attention" => x[0].scaled_dot_product_attention(&x[1], &x[2]),
        _ => return None,
    })
}

/// The largest relative errors of value, gradient and second derivative, which is `None` where the gradient is constant.
type Errors = (f64, f64, Option<f64>);

fn check(case: &Value, file: &SafeTensors) -> Result<Errors, String> {
    let (name, op) = (case["name"].as_str().expect("a name"), case["op"].as_str().expect("an op"));
    let golden = |part: &str| Golden::read(file, &format!("{name}.{part}"));
    let inputs = 0..case["inputs"].as_array().expect("inputs").len();
    let needed = |part: String| golden(&part).unwrap_or_else(|| panic!("{name}.{part} is missing"));
    let constant = |part: String| Variable::new(needed(part).tensor());
    let xs: Vec<Variable> = inputs.clone().map(|k| Variable::parameter(needed(format!("x{k}")).tensor())).collect();
    let xs_ref: Vec<&Variable> = xs.iter().collect();

    let y = apply(op, &Settings(case), &xs).ok_or_else(|| format!("{name}: the engine has no {op}"))?;
    let value = needed("y".into()).check(&format!("{name}: value"), &y.value(), TOLERANCE[0])?;

    let zeros = |k: usize| Golden { shape: xs[k].shape().to_vec(), numbers: vec![0.0; xs[k].shape().count()] };
    let expect = |part: &str, k: usize| golden(&format!("{part}{k}")).unwrap_or_else(|| zeros(k));
    let gs = grads(&(y * constant("w".into())).sum(..), &xs_ref, true);
    let mut gradient: f64 = 0.0;
    for (k, g) in gs.iter().enumerate() {
        let error = expect("g", k).check(&format!("{name}: gradient {k}"), &g.value(), TOLERANCE[0])?;
        gradient = gradient.max(error);
    }

    let along = inputs.clone().map(|k| (&gs[k] * constant(format!("v{k}"))).sum(..));
    let along = along.reduce(|a, b| a + b).expect("a case has inputs");
    let hs = match along.requires_grad() {
        true => grads(&along, &xs_ref, false),
        false => xs.iter().map(|x| Tensor::zeros(x.shape()).into()).collect(), // the gradient is a constant
    };
    let mut second: f64 = 0.0;
    for (k, h) in hs.iter().enumerate() {
        let error = expect("h", k).check(&format!("{name}: second order {k}"), &h.value(), TOLERANCE[1])?;
        second = second.max(error);
    }
    Ok((value, gradient, along.requires_grad().then_some(second)))
}

/// The gradients that training takes, through `backward()`: there fused kernels run in place of formulas.
fn check_backward(case: &Value, file: &SafeTensors) -> Result<f64, String> {
    let (name, op) = (case["name"].as_str().expect("a name"), case["op"].as_str().expect("an op"));
    let golden = |part: String| Golden::read(file, &format!("{name}.{part}"));
    let inputs = 0..case["inputs"].as_array().expect("inputs").len();
    let xs: Vec<Variable> =
        inputs.map(|k| Variable::parameter(golden(format!("x{k}")).expect("an input").tensor())).collect();
    let y = apply(op, &Settings(case), &xs).expect("checked before");
    y.backward_from(golden("w".into()).expect("weights").tensor());
    let mut largest: f64 = 0.0;
    for (k, x) in xs.iter().enumerate() {
        if let Some(want) = golden(format!("g{k}")) {
            largest = largest.max(want.check(&format!("{name}: backward {k}"), &x.grad(), TOLERANCE[0])?);
        }
    }
    Ok(largest)
}

/// Each operation in the order of ops.json, with its number of cases and their largest errors.
fn table() -> Vec<(String, usize, Errors)> {
    let cases: Vec<Value> = serde_json::from_slice(&golden::bytes("ops.json")).expect("ops.json is a list");
    let bytes = golden::bytes("ops.safetensors");
    let file = SafeTensors::deserialize(&bytes).expect("ops.safetensors is a safetensors file");
    let (mut rows, mut wrong): (Vec<(String, usize, Errors)>, _) = (vec![], vec![]);
    for case in &cases {
        let op = case["op"].as_str().expect("an op");
        let of_case = check(case, &file).and_then(|(y, g, h)| Ok((y, g.max(check_backward(case, &file)?), h)));
        let Ok((y, g, h)) = of_case.map_err(|error| wrong.push(error)) else { continue };
        match rows.iter_mut().find(|(name, ..)| name == op) {
            Some((_, count, of_op)) => {
                *count += 1;
                *of_op = (of_op.0.max(y), of_op.1.max(g), of_op.2.into_iter().chain(h).reduce(f64::max));
            }
            None => rows.push((op.to_string(), 1, (y, g, h))),
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases are wrong:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    assert!(!cases.is_empty(), "no cases in {}", golden::folder().display());
    rows
}

#[test]
fn every_operation_agrees_with_pytorch() {
    table();
}

/// docs/op_errors.md has the errors of the reference kernels, which are the same on every computer. With WRITE_DOCS=1 it
/// is written.
#[test]
#[cfg(not(feature = "f64"))]
fn the_table_of_errors_is_that_of_the_reference() {
    use tsukuru::kernels::{Implementation, implementation};
    if implementation() != Implementation::Reference {
        return;
    }
    let number = |error: f64| if error == 0.0 { "0".to_string() } else { format!("{error:.0e}") };
    let mut text = "# The largest errors against PyTorch\n\n\
        An error is the largest difference in a tensor over the largest number in it, in f32 with the reference kernels against\n\
        PyTorch in f64; f32 has steps of 1e-7. Second derivatives stand where the gradient is no constant.\n\
        `WRITE_DOCS=1 KERNELS=reference cargo test --release --test golden` writes this table, and without WRITE_DOCS compares it.\n\n\
        | operation | cases | value | gradient | second derivative |\n|---|---:|---:|---:|---:|\n"
        .to_string();
    for (op, cases, (y, g, h)) in table() {
        text += &format!("| {op} | {cases} | {} | {} | {} |\n", number(y), number(g), h.map_or("".into(), number));
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/op_errors.md");
    if std::env::var_os("WRITE_DOCS").is_some() {
        std::fs::write(path, &text).expect("docs can be written");
    }
    assert_eq!(std::fs::read_to_string(path).expect("the table"), text);
}
