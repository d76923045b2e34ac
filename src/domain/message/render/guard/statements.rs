//! Statements, rebuilt with their expressions guarded; see the parent.

use minijinja::machinery::ast::{self, Expr, Spanned, Stmt};

use super::{KEEP, at, called, expression, through};

/// The whole template, with every operand weighed before it is read.
pub fn guarded<'a>(stmt: &Stmt<'a>) -> Stmt<'a> {
    match stmt {
        Stmt::Template(node) => Stmt::Template(at(node, ast::Template { children: body(&node.children) })),
        Stmt::EmitExpr(node) => Stmt::EmitExpr(at(node, ast::EmitExpr { expr: expression(&node.expr) })),
        Stmt::EmitRaw(node) => Stmt::EmitRaw(at(node, ast::EmitRaw { raw: node.raw })),
        Stmt::ForLoop(node) => Stmt::ForLoop(at(node, for_loop(node))),
        Stmt::IfCond(node) => Stmt::IfCond(at(node, if_cond(node))),
        Stmt::WithBlock(node) => Stmt::WithBlock(at(node, with_block(node))),
        Stmt::Set(node) => Stmt::Set(at(node, set(node))),
        Stmt::SetBlock(node) => Stmt::SetBlock(at(node, set_block(node))),
        Stmt::AutoEscape(node) => {
            Stmt::AutoEscape(at(node, ast::AutoEscape { enabled: expression(&node.enabled), body: body(&node.body) }))
        }
        Stmt::FilterBlock(node) => Stmt::FilterBlock(at(
            node,
            ast::FilterBlock {
                filter: expression(&node.filter),
                filter_span: node.filter_span,
                body: body(&node.body),
            },
        )),
        Stmt::Macro(node) => Stmt::Macro(macro_of(node)),
        Stmt::CallBlock(node) => Stmt::CallBlock(at(node, call_block(node))),
        Stmt::Do(node) => Stmt::Do(at(node, ast::Do { call: called(&node.call) })),
        Stmt::Block(node) => {
            Stmt::Block(at(node, ast::Block { name: node.name, required: node.required, body: body(&node.body) }))
        }
        other => others(other),
    }
}

/// Those that name another template: there is none, as the engine says when it gets there.
fn others<'a>(stmt: &Stmt<'a>) -> Stmt<'a> {
    match stmt {
        Stmt::Import(node) => {
            Stmt::Import(at(node, ast::Import { expr: expression(&node.expr), name: expression(&node.name) }))
        }
        Stmt::FromImport(node) => Stmt::FromImport(at(node, from_import(node))),
        Stmt::Extends(node) => Stmt::Extends(at(node, ast::Extends { name: expression(&node.name) })),
        Stmt::Include(node) => {
            Stmt::Include(at(node, ast::Include { name: expression(&node.name), ignore_missing: node.ignore_missing }))
        }
        _ => unreachable!("every other statement has its place above"),
    }
}

fn body<'a>(statements: &[Stmt<'a>]) -> Vec<Stmt<'a>> {
    statements.iter().map(guarded).collect()
}

fn for_loop<'a>(node: &ast::ForLoop<'a>) -> ast::ForLoop<'a> {
    ast::ForLoop {
        target: target_of(&node.target),
        iter: expression(&node.iter),
        filter_expr: node.filter_expr.as_ref().map(expression),
        recursive: node.recursive,
        body: body(&node.body),
        else_body: body(&node.else_body),
    }
}

fn if_cond<'a>(node: &ast::IfCond<'a>) -> ast::IfCond<'a> {
    ast::IfCond { expr: expression(&node.expr), true_body: body(&node.true_body), false_body: body(&node.false_body) }
}

fn with_block<'a>(node: &ast::WithBlock<'a>) -> ast::WithBlock<'a> {
    let pair = |(target, value): &(Expr<'a>, Expr<'a>)| (target_of(target), kept(target, value));
    ast::WithBlock { assignments: node.assignments.iter().map(pair).collect(), body: body(&node.body) }
}

fn set<'a>(node: &ast::Set<'a>) -> ast::Set<'a> {
    ast::Set { target: target_of(&node.target), expr: kept(&node.target, &node.expr) }
}

fn set_block<'a>(node: &ast::SetBlock<'a>) -> ast::SetBlock<'a> {
    ast::SetBlock {
        target: target_of(&node.target),
        filter: node.filter.as_ref().map(|filter| kept(&node.target, filter)),
        body: body(&node.body),
    }
}

/// What is assigned: in front of a name as it is, in front of a namespace's place looked at first.
fn kept<'a>(target: &Expr<'a>, value: &Expr<'a>) -> Expr<'a> {
    let value = expression(value);
    if has_place(target) { through(KEEP, value) } else { value }
}

fn has_place(target: &Expr<'_>) -> bool {
    match target {
        Expr::List(list) => list.items.iter().any(has_place),
        Expr::Tuple(tuple) => tuple.items.iter().any(has_place),
        Expr::Var(_) => false,
        _ => true,
    }
}

/// Names and places are no values: they stay as they are.
fn target_of<'a>(target: &Expr<'a>) -> Expr<'a> {
    match target {
        Expr::List(list) => Expr::List(at(list, ast::List { items: list.items.iter().map(target_of).collect() })),
        Expr::Tuple(tuple) => Expr::Tuple(at(tuple, ast::Tuple { items: tuple.items.iter().map(target_of).collect() })),
        other => expression(other),
    }
}

fn macro_of<'a>(node: &Spanned<ast::Macro<'a>>) -> Spanned<ast::Macro<'a>> {
    let all = |exprs: &[Expr<'a>]| exprs.iter().map(expression).collect();
    at(
        node,
        ast::Macro { name: node.name, args: all(&node.args), defaults: all(&node.defaults), body: body(&node.body) },
    )
}

fn call_block<'a>(node: &ast::CallBlock<'a>) -> ast::CallBlock<'a> {
    ast::CallBlock {
        call: called(&node.call),
        call_expr_span: node.call_expr_span,
        macro_decl: macro_of(&node.macro_decl),
    }
}

fn from_import<'a>(node: &ast::FromImport<'a>) -> ast::FromImport<'a> {
    let pair = |(name, alias): &(Expr<'a>, Option<Expr<'a>>)| (expression(name), alias.as_ref().map(expression));
    ast::FromImport { expr: expression(&node.expr), names: node.names.iter().map(pair).collect() }
}
