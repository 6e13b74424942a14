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
        "layer_norm" => x[0].layer_norm(&x[1], &x[2], s.number("eps")),
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

fn check(case: &Value, file: &SafeTensors) -> Result<(), String> {
    let (name, op) = (case["name"].as_str().expect("a name"), case["op"].as_str().expect("an op"));
    let golden = |part: &str| Golden::read(file, &format!("{name}.{part}"));
    let inputs = 0..case["inputs"].as_array().expect("inputs").len();
    let needed = |part: String| golden(&part).unwrap_or_else(|| panic!("{name}.{part} is missing"));
    let constant = |part: String| Variable::new(needed(part).tensor());
    let xs: Vec<Variable> = inputs.clone().map(|k| Variable::parameter(needed(format!("x{k}")).tensor())).collect();
    let xs_ref: Vec<&Variable> = xs.iter().collect();

    let y = apply(op, &Settings(case), &xs).ok_or_else(|| format!("{name}: the engine has no {op}"))?;
    needed("y".into()).check(&format!("{name}: value"), &y.value(), TOLERANCE[0])?;

    let zeros = |k: usize| Golden { shape: xs[k].shape().to_vec(), numbers: vec![0.0; xs[k].shape().count()] };
    let expect = |part: &str, k: usize| golden(&format!("{part}{k}")).unwrap_or_else(|| zeros(k));
    let gs = grads(&(y * constant("w".into())).sum(..), &xs_ref, true);
    for (k, g) in gs.iter().enumerate() {
        expect("g", k).check(&format!("{name}: gradient {k}"), &g.value(), TOLERANCE[0])?;
    }

    let along = inputs.clone().map(|k| (&gs[k] * constant(format!("v{k}"))).sum(..));
    let along = along.reduce(|a, b| a + b).expect("a case has inputs");
    let hs = match along.requires_grad() {
        true => grads(&along, &xs_ref, false),
        false => xs.iter().map(|x| Tensor::zeros(x.shape()).into()).collect(), // the gradient is a constant
    };
    for (k, h) in hs.iter().enumerate() {
        expect("h", k).check(&format!("{name}: second order {k}"), &h.value(), TOLERANCE[1])?;
    }
    Ok(())
}

/// The gradients that training takes, through `backward()`: there fused kernels run in place of formulas.
fn check_backward(case: &Value, file: &SafeTensors) -> Result<(), String> {
    let (name, op) = (case["name"].as_str().expect("a name"), case["op"].as_str().expect("an op"));
    let golden = |part: String| Golden::read(file, &format!("{name}.{part}"));
    let inputs = 0..case["inputs"].as_array().expect("inputs").len();
    let xs: Vec<Variable> =
        inputs.map(|k| Variable::parameter(golden(format!("x{k}")).expect("an input").tensor())).collect();
    let y = apply(op, &Settings(case), &xs).expect("checked before");
    y.backward_from(golden("w".into()).expect("weights").tensor());
    for (k, x) in xs.iter().enumerate() {
        if let Some(want) = golden(format!("g{k}")) {
            want.check(&format!("{name}: backward {k}"), &x.grad(), TOLERANCE[0])?;
        }
    }
    Ok(())
}

#[test]
fn every_operation_agrees_with_pytorch() {
    let cases: Vec<Value> = serde_json::from_slice(&golden::bytes("ops.json")).expect("ops.json is a list");
    let bytes = golden::bytes("ops.safetensors");
    let file = SafeTensors::deserialize(&bytes).expect("ops.safetensors is a safetensors file");
    let results = cases.iter().map(|case| check(case, &file).and_then(|()| check_backward(case, &file)));
    let wrong: Vec<String> = results.filter_map(Result::err).collect();
    assert!(wrong.is_empty(), "{} of {} cases are wrong:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    assert!(!cases.is_empty(), "no cases in {}", golden::folder().display());
}
