//! A template's tree with a scale in front of whatever an operator, a filter, a test or a call reads whole. The engine
//! charges for what is made, not for what is read: a slice of a long text, a comparison of two deep lists and an item
//! looked for in a repeated one cost what they like. With its operands weighed first, each costs what it weighs.

use minijinja::machinery::Span;
use minijinja::machinery::ast::{self, BinOpKind, CallArg, Expr, Spanned};

pub use statements::guarded;

mod statements;

/// Charges for a value; gives a lazy one back as a list.
pub const WEIGH: &str = "(weigh)";
/// As [`WEIGH`], for a factor, which is no list: repeated lists are endless.
pub const FACTOR: &str = "(factor)";
/// As [`WEIGH`], for what a filter looks at again for each item of a list: short texts alone.
pub const SHORT: &str = "(short)";
/// Charges for a text of which one letter is taken, and for nothing else.
pub const TEXT: &str = "(text)";
/// As [`WEIGH`], for what a namespace is to keep: nothing that could come to hold the namespace itself.
pub const KEEP: &str = "(keep)";
/// Filters that go through a list and read their arguments once an item.
const ITEM_WISE: [&str; 14] = [
    "map",
    "select",
    "reject",
    "selectattr",
    "rejectattr",
    "sort",
    "groupby",
    "unique",
    "sum",
    "join",
    "min",
    "max",
    "dictsort",
    "attr",
];
/// Strings of a template's own up to this length are not weighed.
const LIGHT: usize = 256;

fn at<T, U>(old: &Spanned<T>, node: U) -> Spanned<U> {
    Spanned::new(node, old.span())
}

/// `expr` behind a scale.
fn through<'a>(name: &'static str, expr: Expr<'a>) -> Expr<'a> {
    if let Expr::Const(constant) = &expr
        && constant.value.as_object().is_none()
        && constant.value.as_str().is_none_or(|text| text.len() <= LIGHT)
    {
        return expr;
    }
    let span: Span = expr.span();
    Expr::Filter(Spanned::new(ast::Filter { name, expr: Some(expr), args: Vec::new() }, span))
}

fn weighed<'a>(expr: &Expr<'a>) -> Expr<'a> {
    through(WEIGH, expression(expr))
}

fn all_weighed<'a>(items: &[Expr<'a>]) -> Vec<Expr<'a>> {
    items.iter().map(weighed).collect()
}

fn expression<'a>(expr: &Expr<'a>) -> Expr<'a> {
    match expr {
        Expr::Var(var) => Expr::Var(at(var, ast::Var { id: var.id })),
        Expr::Const(constant) => Expr::Const(at(constant, ast::Const { value: constant.value.clone() })),
        Expr::Slice(slice) => through(WEIGH, Expr::Slice(at(slice, sliced(slice)))),
        Expr::UnaryOp(unary) => Expr::UnaryOp(at(unary, unary_op(unary))),
        Expr::BinOp(binary) => Expr::BinOp(at(binary, bin_op(binary))),
        Expr::Compare(compare) => Expr::Compare(at(compare, compared(compare))),
        Expr::IfExpr(choice) => Expr::IfExpr(at(choice, chosen(choice))),
        Expr::Filter(filter) => through(WEIGH, Expr::Filter(at(filter, filtered(filter)))),
        Expr::Test(test) => Expr::Test(at(test, tested(test))),
        Expr::GetAttr(get) => Expr::GetAttr(at(get, ast::GetAttr { expr: expression(&get.expr), name: get.name })),
        Expr::GetItem(get) => Expr::GetItem(at(get, item(get))),
        Expr::Call(call) => Expr::Call(called(call)),
        Expr::List(list) => Expr::List(at(list, ast::List { items: all_weighed(&list.items) })),
        Expr::Tuple(tuple) => Expr::Tuple(at(tuple, ast::Tuple { items: all_weighed(&tuple.items) })),
        Expr::Map(map) => {
            Expr::Map(at(map, ast::Map { keys: all_weighed(&map.keys), values: all_weighed(&map.values) }))
        }
    }
}

fn sliced<'a>(slice: &ast::Slice<'a>) -> ast::Slice<'a> {
    ast::Slice {
        expr: weighed(&slice.expr),
        start: slice.start.as_ref().map(expression),
        stop: slice.stop.as_ref().map(expression),
        step: slice.step.as_ref().map(expression),
    }
}

#[expect(clippy::needless_match, reason = "the kind is not Copy, and lies behind a reference")]
fn unary_op<'a>(unary: &ast::UnaryOp<'a>) -> ast::UnaryOp<'a> {
    let op = match unary.op {
        ast::UnaryOpKind::Not => ast::UnaryOpKind::Not,
        ast::UnaryOpKind::Neg => ast::UnaryOpKind::Neg,
    };
    ast::UnaryOp { op, expr: expression(&unary.expr) }
}

fn bin_op<'a>(binary: &ast::BinOp<'a>) -> ast::BinOp<'a> {
    let side = |side: &Expr<'a>| match binary.op {
        BinOpKind::ScAnd | BinOpKind::ScOr => expression(side),
        BinOpKind::Mul => through(FACTOR, expression(side)),
        _ => weighed(side),
    };
    ast::BinOp { op: binary.op, left: side(&binary.left), right: side(&binary.right) }
}

fn compared<'a>(compare: &ast::Compare<'a>) -> ast::Compare<'a> {
    let ops = compare.ops.iter().map(|op| ast::CompareOp { op: op.op, expr: weighed(&op.expr) });
    ast::Compare { expr: weighed(&compare.expr), ops: ops.collect() }
}

fn chosen<'a>(choice: &ast::IfExpr<'a>) -> ast::IfExpr<'a> {
    ast::IfExpr {
        test_expr: expression(&choice.test_expr),
        true_expr: expression(&choice.true_expr),
        false_expr: choice.false_expr.as_ref().map(expression),
    }
}

/// The innermost filter of a filter block has nothing in front of it: it works on the block's text.
fn filtered<'a>(filter: &ast::Filter<'a>) -> ast::Filter<'a> {
    let name = if ITEM_WISE.contains(&filter.name) { SHORT } else { WEIGH };
    ast::Filter { name: filter.name, expr: filter.expr.as_ref().map(weighed), args: arguments(name, &filter.args) }
}

fn tested<'a>(test: &ast::Test<'a>) -> ast::Test<'a> {
    ast::Test { name: test.name, expr: weighed(&test.expr), args: arguments(WEIGH, &test.args) }
}

fn item<'a>(get: &ast::GetItem<'a>) -> ast::GetItem<'a> {
    ast::GetItem { expr: through(TEXT, expression(&get.expr)), subscript_expr: weighed(&get.subscript_expr) }
}

fn called<'a>(call: &Spanned<ast::Call<'a>>) -> Spanned<ast::Call<'a>> {
    at(call, ast::Call { expr: expression(&call.expr), args: arguments(WEIGH, &call.args) })
}

fn arguments<'a>(scale: &'static str, args: &[CallArg<'a>]) -> Vec<CallArg<'a>> {
    let put = |expr: &Expr<'a>| through(scale, expression(expr));
    let one = |arg: &CallArg<'a>| match arg {
        CallArg::Pos(expr) => CallArg::Pos(put(expr)),
        CallArg::Kwarg(name, expr) => CallArg::Kwarg(name, put(expr)),
        CallArg::PosSplat(expr) => CallArg::PosSplat(put(expr)),
        CallArg::KwargSplat(expr) => CallArg::KwargSplat(put(expr)),
    };
    args.iter().map(one).collect()
}
