//! Which mutants a source file has.

use proc_macro2::Span;
use std::ops::Range;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{BinOp, Block, Expr, Lit, RangeLimits, ReturnType, Signature, Stmt, Token, UnOp};

/// A function, where its body stands in the source, and what may be wrong in it.
pub struct Function {
    pub name: String,
    pub body: Range<usize>,
    pub edits: Vec<Edit>,
}

/// One fault: these bytes of the source are replaced.
pub struct Edit {
    pub at: Range<usize>,
    pub text: String,
}

/// The functions of a file outside `mod tests`. A function within another belongs to the outer one.
pub fn functions(source: &str) -> Vec<Function> {
    let mut finder = Finder { source, functions: vec![], depth: 0 };
    finder.visit_file(&syn::parse_file(source).expect("a Rust file"));
    finder.functions
}

struct Finder<'a> {
    source: &'a str,
    functions: Vec<Function>,
    depth: usize,
}

impl Finder<'_> {
    fn function(&mut self, signature: &Signature, body: &Block) {
        let closures = matches!(&signature.output, ReturnType::Type(_, t) if matches!(**t, syn::Type::ImplTrait(_)));
        let outer = self.depth == 0 && signature.constness.is_none() && !closures;
        if outer {
            let body_at = body.span().byte_range();
            self.functions.push(Function { name: signature.ident.to_string(), body: body_at.clone(), edits: vec![] });
            let results: &[&str] = match &signature.output {
                ReturnType::Default => &["{}"],
                ReturnType::Type(..) => &[
                    "{ Default::default() }",
                    "{ Ok(Default::default()) }",
                    "{ Some(Default::default()) }",
                    "{ true }",
                    "{ 1 }",
                    "{ 1.0 }",
                    "{ (0.0 as crate::Real).into() }",
                    "{ self.clone() }",
                ],
            };
            results.iter().for_each(|&text| self.edit(body_at.clone(), text));
        }
        if outer || self.depth > 0 {
            self.depth += 1;
            visit::visit_block(self, body);
            self.depth -= 1;
        }
    }

    fn edit(&mut self, at: Range<usize>, text: impl Into<String>) {
        let text = text.into();
        match self.functions.last_mut() {
            Some(function) if self.depth > 0 || at == function.body => function.edits.push(Edit { at, text }),
            _ => (), // a constant outside all functions
        }
    }

    fn text(&self, span: Span) -> String {
        self.source[span.byte_range()].to_string()
    }

    fn swap(&mut self, a: Span, b: Span) {
        let between = &self.source[a.byte_range().end..b.byte_range().start];
        let text = self.text(b) + between + &self.text(a);
        self.edit(a.byte_range().start..b.byte_range().end, text);
    }
}

impl<'a> Visit<'a> for Finder<'_> {
    fn visit_item_mod(&mut self, module: &'a syn::ItemMod) {
        if module.ident != "tests" {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_fn(&mut self, item: &'a syn::ItemFn) {
        self.function(&item.sig, &item.block);
    }

    fn visit_impl_item_fn(&mut self, item: &'a syn::ImplItemFn) {
        self.function(&item.sig, &item.block);
    }

    fn visit_trait_item_fn(&mut self, item: &'a syn::TraitItemFn) {
        item.default.iter().for_each(|body| self.function(&item.sig, body));
    }

    fn visit_expr_binary(&mut self, e: &'a syn::ExprBinary) {
        let others: &[&str] = match e.op {
            BinOp::Add(_) => &["-"],
            BinOp::Sub(_) => &["+"],
            BinOp::Mul(_) => &["/"],
            BinOp::Div(_) | BinOp::Rem(_) => &["*"],
            BinOp::And(_) => &["||"],
            BinOp::Or(_) => &["&&"],
            BinOp::Eq(_) => &["!="],
            BinOp::Ne(_) => &["=="],
            BinOp::Lt(_) => &["<=", ">="],
            BinOp::Le(_) => &["<", ">"],
            BinOp::Gt(_) => &[">=", "<="],
            BinOp::Ge(_) => &[">", "<"],
            BinOp::AddAssign(_) => &["-=", "="],
            BinOp::SubAssign(_) => &["+=", "="],
            BinOp::MulAssign(_) => &["/=", "="],
            BinOp::DivAssign(_) => &["*=", "="],
            BinOp::Shl(_) => &[">>"],
            BinOp::Shr(_) => &["<<"],
            _ => &[],
        };
        others.iter().for_each(|&op| self.edit(e.op.span().byte_range(), op));
        visit::visit_expr_binary(self, e);
    }

    fn visit_expr_unary(&mut self, e: &'a syn::ExprUnary) {
        if matches!(e.op, UnOp::Neg(_) | UnOp::Not(_)) {
            self.edit(e.op.span().byte_range(), "");
        }
        visit::visit_expr_unary(self, e);
    }

    fn visit_lit(&mut self, lit: &'a Lit) {
        let others = match lit {
            Lit::Bool(b) => vec![(!b.value).to_string()],
            Lit::Int(n) => match n.base10_parse::<u128>() {
                Ok(0) => vec![format!("1{}", n.suffix())],
                Ok(n_value) => [n_value - 1, n_value + 1].map(|other| format!("{other}{}", n.suffix())).into(),
                Err(_) => vec![],
            },
            Lit::Float(x) => match x.base10_parse::<f64>() {
                Ok(0.0) => vec!["1.0".into()],
                Ok(value) => vec!["0.0".into(), format!("{:?}{}", value + 1.0, x.suffix())],
                Err(_) => vec![],
            },
            _ => vec![],
        };
        others.into_iter().for_each(|other| self.edit(lit.span().byte_range(), other));
    }

    fn visit_expr_if(&mut self, e: &'a syn::ExprIf) {
        self.edit(e.cond.span().byte_range(), format!("!({})", self.text(e.cond.span())));
        visit::visit_expr_if(self, e);
    }

    fn visit_expr_while(&mut self, e: &'a syn::ExprWhile) {
        self.edit(e.cond.span().byte_range(), "false");
        visit::visit_expr_while(self, e);
    }

    fn visit_expr_match(&mut self, e: &'a syn::ExprMatch) {
        e.arms.windows(2).for_each(|arms| self.swap(arms[0].body.span(), arms[1].body.span()));
        let guards = e.arms.iter().filter_map(|arm| Some(&arm.guard.as_ref()?.1));
        guards.for_each(|guard| self.edit(guard.span().byte_range(), format!("!({})", self.text(guard.span()))));
        visit::visit_expr_match(self, e);
    }

    fn visit_expr_try(&mut self, e: &'a syn::ExprTry) {
        self.edit(e.question_token.span().byte_range(), ".unwrap()");
        visit::visit_expr_try(self, e);
    }

    fn visit_expr_range(&mut self, e: &'a syn::ExprRange) {
        if e.end.is_some() {
            let other = if matches!(e.limits, RangeLimits::Closed(_)) { ".." } else { "..=" };
            self.edit(e.limits.span().byte_range(), other);
        }
        visit::visit_expr_range(self, e);
    }

    /// x.f(y) becomes x.
    fn visit_expr_method_call(&mut self, e: &'a syn::ExprMethodCall) {
        let same = ["clone", "iter", "iter_mut", "into_iter", "into", "as_ref", "as_str", "collect", "to_vec"];
        if !same.iter().any(|name| e.method == name) {
            self.edit(e.receiver.span().byte_range().end..e.span().byte_range().end, "");
        }
        visit::visit_expr_method_call(self, e);
    }

    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::Expr(Expr::Return(_) | Expr::Break(_), _) => (),
            Stmt::Expr(_, Some(_)) | Stmt::Macro(_) => self.edit(statement.span().byte_range(), ";"),
            _ => (),
        }
        visit::visit_stmt(self, statement);
    }

    /// What stands in `vec![..]` and the condition of `assert!`; a message may say what it likes.
    fn visit_macro(&mut self, m: &'a syn::Macro) {
        let parse = Punctuated::<Expr, Token![,]>::parse_terminated;
        let count = match m.path.get_ident().map(ToString::to_string).as_deref() {
            Some("vec") => usize::MAX,
            Some("assert") => 1,
            _ => 0,
        };
        m.parse_body_with(parse).iter().flatten().take(count).for_each(|e| self.visit_expr(e));
    }
}
