//! A column that is one of several values.

use std::marker::PhantomData;

use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::Bool;

use super::bind::{Bind, IntoBind, Values};

/// `column IN (...)`, for a number of values rounded up to a power of two by repeating the last: so there are few texts.
#[derive(Clone, Debug)]
pub struct OneOf<C, ST> {
    column: C,
    binds: Vec<Bind>,
    _type: PhantomData<ST>,
}

/// The column is one of `values`; of none, when there are none.
pub fn one_of<C, V>(column: C, values: impl IntoIterator<Item = V>) -> OneOf<C, C::SqlType>
where
    C: Expression,
    V: IntoBind<C::SqlType>,
{
    OneOf { column, binds: values.into_iter().map(IntoBind::into_bind).collect(), _type: PhantomData }
}

impl<DB: Values, C: QueryFragment<DB>, ST> QueryFragment<DB> for OneOf<C, ST> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.column.walk_ast(out.reborrow())?;
        let Some(last) = self.binds.last() else {
            // Nothing is NULL, and an index finds that out at once.
            out.push_sql(" IN (NULL)");
            return Ok(());
        };
        out.push_sql(" IN (");
        for place in 0..self.binds.len().next_power_of_two() {
            if place > 0 {
                out.push_sql(", ");
            }
            DB::push(self.binds.get(place).unwrap_or(last), &mut out)?;
        }
        out.push_sql(")");
        Ok(())
    }
}

impl<C, ST> QueryId for OneOf<C, ST> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<C: Expression, ST> Expression for OneOf<C, ST> {
    type SqlType = Bool;
}

impl<C: AppearsOnTable<QS>, ST, QS: ?Sized> AppearsOnTable<QS> for OneOf<C, ST> where Self: Expression {}

impl<C: SelectableExpression<QS>, ST, QS: ?Sized> SelectableExpression<QS> for OneOf<C, ST> where
    Self: AppearsOnTable<QS>
{
}

impl<C, ST> ValidGrouping<()> for OneOf<C, ST> {
    type IsAggregate = is_aggregate::No;
}
