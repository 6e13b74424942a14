//! Reads a network that a program of this step has trained.

use super::{Dit, DitSize, Network, Objective, Path};
use crate::common::model_file;
use crate::step09::{build_unet, load_unet};
use anyhow::{Context, Result};
use std::path::Path as FilePath;
use tsukuru::checkpoint::{Data, Entries};
use tsukuru::nn;
use tsukuru::random::Rng;

/// A network, what it predicts and on which path, channels, height and width of its images, and the names of its labels, if it has any.
pub struct Trained {
    pub network: Box<dyn Network>,
    pub objective: Objective,
    pub path: Path,
    pub size: [usize; 3],
    pub classes: Vec<String>,
}

/// # Errors
/// If the file is damaged, or holds something else.
pub fn read(path: &FilePath) -> Result<Trained> {
    let state = model_file::read(path)?;
    let settings = &state.meta["settings"];
    let objective = settings["objective"].as_str().and_then(Objective::from_name);
    let expected = || format!("{}: expected a model.safetensors of step11", path.display());
    let objective = objective.with_context(expected)?;
    let way = settings["path"].as_str().map_or(Some(Path::Straight), Path::from_name).with_context(expected)?;
    if state.get("x_embedder.proj.weight").is_some() {
        let (dit, size, labels) = dit_size(&state).with_context(expected)?;
        let classes = model_file::classes(&state.meta, labels);
        let network = Dit::new(dit, size, labels, &mut Rng::new(0, "init", 0));
        nn::load_state_dict(&network, state).with_context(|| format!("a transformer {dit:?} was expected"))?;
        return Ok(Trained { network: Box::new(network), objective, path: way, size, classes });
    }
    let (network, size) = build_unet(path, &state)?;
    let classes = model_file::classes(&state.meta, network.labels());
    load_unet(&network, state)?;
    Ok(Trained { network: Box::new(network), objective, path: way, size, classes })
}

/// The sizes of a transformer, of its images, and how many labels it has. Those of the tensors are taken from the tensors, so
/// a small file cannot claim a large model.
fn dit_size(state: &Entries) -> Option<(DitSize, [usize; 3], usize)> {
    let shape = |name: &str| match state.get(name) {
        Some(Data::Real(weight)) => weight.shape().to_vec(),
        _ => vec![],
    };
    let &[dim, channels, patch, _] = &shape("x_embedder.proj.weight")[..] else { return None };
    let labels = shape("y_embedder.embedding_table.weight").first()?.checked_sub(1)?;
    let depth = (0..).take_while(|i| shape(&format!("blocks.{i}.mlp.0.weight")) == [4 * dim, dim]).count();
    let settings = &state.meta["settings"];
    let heads = settings["heads"].as_u64()? as usize;
    let [h, w]: [usize; 2] = serde_json::from_value(settings["size"].clone()).ok()?;
    let dit = DitSize { dim, depth, heads, patch };
    (h.max(w) <= 1024 && matches!(channels, 1 | 3) && labels > 0 && dit.check([h, w]).is_ok()).then_some((
        dit,
        [channels, h, w],
        labels,
    ))
}
