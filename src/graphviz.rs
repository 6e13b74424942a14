//! The graph behind a Variable as a picture: `dot -Tsvg` draws what [`Variable::to_dot`] writes.

use crate::backward::or_panic;
use crate::variable::Variable;
use std::collections::BTreeMap;
use std::fmt::Write;

impl Variable {
    /// The graph behind this Variable in Graphviz' language: a box for every operation, with its number if it has one,
    /// and an ellipse for every parameter, with its name if it is among `names`, else with its shape.
    ///
    /// # Panics
    /// If `backward()` freed the graph.
    #[track_caller]
    pub fn to_dot(&self, names: &[(&Variable, &str)]) -> String {
        let name = |id| names.iter().find(|(x, _)| x.node.as_ref().is_some_and(|node| node.id == id));
        let mut dot = String::from("digraph {\n");
        let mut waiting = BTreeMap::from_iter(self.node.iter().map(|node| (node.id, node.clone())));
        while let Some((id, node)) = waiting.pop_last() {
            let Some(function) = or_panic(node.function()) else {
                let label = name(id).map_or_else(|| node.shape.to_string(), |(_, name)| name.to_string());
                writeln!(dot, "  n{id} [label={label:?}]").expect("writing to a String does not fail");
                continue;
            };
            let number = node.number.get().map_or_else(String::new, |k| format!(" {k}"));
            writeln!(dot, "  n{id} [shape=box, label=\"{}{number}\"]", function.name)
                .expect("writing to a String does not fail");
            for input in function.next_nodes() {
                writeln!(dot, "  n{} -> n{id}", input.id).expect("writing to a String does not fail");
                waiting.insert(input.id, input.clone());
            }
        }
        dot + "}\n"
    }
}
