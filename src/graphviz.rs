//! The graph behind a Variable as a picture: `dot -Tsvg` draws what [`Variable::to_dot`] writes.

use crate::backward::or_panic;
use crate::variable::Variable;
use std::collections::BTreeMap;
use std::fmt::Write;

impl Variable {
    /// The graph behind this Variable in Graphviz' language: a box for every operation, an ellipse with its shape for
    /// every parameter.
    ///
    /// # Panics
    /// If `backward()` freed the graph.
    #[track_caller]
    pub fn to_dot(&self) -> String {
        let mut dot = String::from("digraph {\n");
        let mut waiting = BTreeMap::from_iter(self.node.iter().map(|node| (node.id, node.clone())));
        while let Some((id, node)) = waiting.pop_last() {
            let Some(function) = or_panic(node.function()) else {
                writeln!(dot, "  n{id} [label=\"{}\"]", node.shape).expect("writing to a String does not fail");
                continue;
            };
            writeln!(dot, "  n{id} [shape=box, label=\"{}\"]", function.name)
                .expect("writing to a String does not fail");
            for input in function.next_nodes() {
                writeln!(dot, "  n{} -> n{id}", input.id).expect("writing to a String does not fail");
                waiting.insert(input.id, input.clone());
            }
        }
        dot + "}\n"
    }
}
