//! Checkpoints: what is written is read again to the last bit, and what is wrong is an error that says so.

mod damaged;

use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use tsukuru::Real;
use tsukuru::checkpoint::{self, CheckpointError, Data, Entries};
use tsukuru::nn::{BatchNorm2d, load, load_state_dict, save, state_dict};
use tsukuru::random::Rng;
use tsukuru::shape::Shape;
use tsukuru::tensor::Tensor;

const F: &str = if size_of::<Real>() == 8 { "F64" } else { "F32" };

/// Two tensors, an empty one, and whole numbers; three F32s before the I64s would misalign them.
fn entries() -> Entries {
    let mut entries = Entries::new(json!({"lr": 0.1, "history": [1.25, 3.3e-300], "name": "数字 \"7\""}));
    entries.insert("w", Data::Real(Rng::new(0, "test", 0).normal_tensor([3, 5])));
    entries.insert("b", Data::Real(Tensor::from([Real::MIN_POSITIVE, -0.0, Real::INFINITY])));
    entries.insert("none", Data::Real(Tensor::zeros([0, 4])));
    entries.insert("steps", Data::Int(Shape::SCALAR, vec![i64::MAX]));
    entries.insert("more", Data::Int(Shape::new(&[2]), vec![-1, 1]));
    entries
}

fn same(a: &Entries, b: &Entries) -> bool {
    a.meta == b.meta && a.iter().eq(b.iter())
}

/// A file of `json` and then `numbers`.
fn file(json: &str, numbers: &[u8]) -> Vec<u8> {
    [&(json.len() as u64).to_le_bytes(), json.as_bytes(), numbers].concat()
}

fn read(bytes: &[u8]) -> Result<Entries, String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("file");
    fs::write(&path, bytes).unwrap();
    checkpoint::read(&path).map_err(|error| without_path(&path, error))
}

fn without_path(path: &Path, error: CheckpointError) -> String {
    let message = error.to_string();
    message.strip_prefix(&path.display().to_string()).expect("the path comes first").to_string()
}

fn message(json: &str, numbers: usize) -> String {
    read(&file(json, &vec![0; numbers])).expect_err("an error")
}

#[test]
fn entries_come_back_to_the_last_bit_and_in_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    checkpoint::write(&path, &entries()).unwrap();
    let first = fs::read(&path).unwrap();
    let back = checkpoint::read(&path).unwrap();
    assert!(same(&back, &entries()), "{back:?}");
    checkpoint::write(&path, &back).unwrap();
    assert_eq!(fs::read(&path).unwrap(), first);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing but the file");
    assert_eq!(back.meta["history"], json!([1.25, 3.3e-300]));
}

/// The library's own reader is the judge of what we write.
#[test]
fn other_readers_find_what_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    checkpoint::write(&path, &entries()).unwrap();
    let bytes = fs::read(&path).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let w = file.tensor("w").unwrap();
    assert_eq!((w.dtype().to_string().as_str(), w.shape()), (F, &[3, 5][..]));
    let steps = file.tensor("steps").unwrap();
    assert_eq!((steps.shape(), steps.data()), (&[][..], &i64::MAX.to_le_bytes()[..]));
    let start = bytes.as_ptr();
    for (name, tensor) in file.iter() {
        let offset = tensor.data().as_ptr() as usize - start as usize;
        assert_eq!(offset % (tensor.dtype().bitsize() / 8), 0, "{name} is aligned");
    }
    for name in (1..=8).map(|length| "w".repeat(length)) {
        let mut entries = Entries::new(Value::Null);
        entries.insert(&name, Data::Real(Tensor::scalar(1.0)));
        checkpoint::write(&path, &entries).unwrap();
        assert_eq!(fs::read(&path).unwrap()[0] % 8, 0, "the size of the header");
    }
}

#[test]
fn both_widths_become_real() {
    let json = r#"{"b":{"dtype":"F64","shape":[1],"data_offsets":[4,12]},"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}"#;
    let mut entries = read(&file(json, &[&1.5f32.to_le_bytes()[..], &(-0.1f64).to_le_bytes()].concat())).unwrap();
    assert_eq!(entries.meta, Value::Null);
    assert_eq!(entries.take_real("a", &Shape::SCALAR).unwrap(), Tensor::scalar(1.5));
    assert_eq!(entries.take_real("b", &Shape::new(&[1])).unwrap(), Tensor::from([-0.1 as Real]));
    entries.finish().unwrap();
}

#[test]
fn a_file_of_another_model_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    checkpoint::write(&path, &entries()).unwrap();
    let read = || checkpoint::read(&path).unwrap();
    let real = |name, axes: &[usize]| without_path(&path, read().take_real(name, &Shape::new(axes)).unwrap_err());
    assert_eq!(real("w", &[5, 3]), ", tensor `w`: expected numbers of shape (5, 3), found numbers of shape (3, 5)");
    assert_eq!(real("x", &[]), ", tensor `x`: expected numbers of shape (), found none");
    assert_eq!(real("steps", &[]), ", tensor `steps`: expected numbers of shape (), found whole numbers of shape ()");
    let unknown = without_path(&path, read().finish().unwrap_err());
    assert_eq!(
        unknown,
        ": does not fit this model: unexpected: `b`, `more`, `none`, `steps`, `w`. Build the model as the saved one was, or load another file"
    );
}

#[test]
fn what_lies_under_a_prefix_loses_it() {
    let mut all = Entries::default();
    let names = ["model.w", "model.model.w", "ema.model.w", "model", "models.w"];
    names.iter().enumerate().for_each(|(i, name)| all.insert(*name, Data::Real(Tensor::scalar(i as Real))));
    let under = all.under("model.");
    let named = |entries: &Entries| entries.iter().map(|(name, _)| name.to_string()).collect::<Vec<_>>();
    assert_eq!(named(&under), ["model.w", "w"]);
    assert_eq!(under.get("w"), Some(&Data::Real(Tensor::scalar(0.0))));
    assert_eq!(named(&all), ["ema.model.w", "model", "models.w"]);
}

/// `torch.compile` and `DataParallel` put a prefix before all names.
#[test]
fn the_prefixes_of_wrapped_models_are_removed_where_all_names_have_them() {
    let wrapped = |prefix: &str| {
        let mut state = Entries::new(json!("kept"));
        let model = state_dict(&BatchNorm2d::new(2));
        model.iter().for_each(|(name, data)| state.insert(format!("{prefix}{name}"), data.clone()));
        state
    };
    for prefix in ["", "_orig_mod.", "module.", "module._orig_mod."] {
        assert_eq!(load_state_dict(&BatchNorm2d::new(2), wrapped(prefix)).unwrap(), prefix);
        let mut state = wrapped(prefix);
        let removed: String = std::iter::from_fn(|| state.strip_wrapper()).collect();
        assert!(removed == prefix && same(&state, &wrapped("")));
    }
    // A part of one's own that is called `module`.
    struct Own {
        module: BatchNorm2d,
    }
    tsukuru::module!(Own { module });
    let own = Own { module: BatchNorm2d::new(2) };
    assert_eq!(load_state_dict(&own, state_dict(&own)).unwrap(), "");
    assert_eq!(load_state_dict(&own, wrapped("module.module.")).unwrap(), "module.");

    let mut prefix = Entries::new(Value::Null);
    prefix.insert("module.", Data::Real(Tensor::scalar(0.1)));
    assert_eq!(prefix.strip_wrapper(), None, "no name would be left");
    let mut some = wrapped("_orig_mod.");
    some.insert("momentum", Data::Real(Tensor::scalar(0.1)));
    let error = load_state_dict(&BatchNorm2d::new(2), some).unwrap_err().to_string();
    assert!(error.contains("`_orig_mod.`, of torch.compile, is removed only where all names have it"), "{error}");
}

/// Everything that is wrong stands in one error, and nothing has changed.
#[test]
fn a_model_that_does_not_fit_is_told_all_names() {
    let state = |tensors: &[(&str, &[usize])]| {
        let mut state = Entries::default();
        tensors.iter().for_each(|(name, shape)| state.insert(*name, Data::Real(Tensor::full(*shape, 7.0))));
        state
    };
    let model = BatchNorm2d::new(2);
    let mut other = state(&[("weight", &[3]), ("bias", &[2]), ("beta", &[2]), ("alpha", &[2])]);
    other.insert("running_mean", Data::Int(Shape::new(&[2]), vec![0, 0]));
    let error = load_state_dict(&model, other).unwrap_err();
    let said = "the state: does not fit this model: missing: `num_batches_tracked`, `running_var`; \
                unexpected: `alpha`, `beta`; of another shape: \
                `running_mean` (expected numbers of shape (2,), found whole numbers of shape (2,)), \
                `weight` (expected numbers of shape (2,), found numbers of shape (3,)). \
                Build the model as the saved one was, or load another file";
    assert_eq!((error.to_string(), format!("{error:?}")), (said.to_string(), said.to_string()));
    assert!(same(&state_dict(&model), &state_dict(&BatchNorm2d::new(2))));
}

#[test]
fn a_model_comes_back_from_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let (model, other) = (BatchNorm2d::new(2), BatchNorm2d::new(2));
    model.weight.update(|w| *w = Tensor::from([2.0, 3.0]));
    *model.running_mean.borrow_mut() = Tensor::from([4.0, 5.0]);
    model.num_batches_tracked.set(6);
    save(&model, &path).unwrap();
    load(&other, &path).unwrap();
    assert!(same(&state_dict(&other), &state_dict(&model)));
    assert_eq!((other.weight.value().data(), other.num_batches_tracked.get()), (&[2.0, 3.0][..], 6));
    fs::remove_file(&path).unwrap();
    assert!(load(&other, &path).is_err());
}

#[test]
#[should_panic(expected = "there are two tensors `w`")]
fn a_name_is_given_once() {
    entries().insert("w", Data::Real(Tensor::scalar(0.0)));
}

#[test]
#[should_panic(expected = "checkpoint: `steps` of shape (2,)")]
fn whole_numbers_fill_their_shape() {
    Entries::default().insert("steps", Data::Int(Shape::new(&[2]), vec![1]));
}

#[test]
#[should_panic(expected = "the name `__metadata__` belongs to the format")]
fn the_format_has_a_name_of_its_own() {
    Entries::default().insert("__metadata__", Data::Real(Tensor::scalar(0.0)));
}
