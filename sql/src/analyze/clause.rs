//! Where in a statement an expression stands: what may stand there, and what messages call it.

/// The place of an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clause {
    Select,
    Where,
    On,
    FromFunction,
    GroupBy,
    Having,
    OrderBy,
    DistinctOn,
    Limit,
    Offset,
    Values,
    Returning,
    Update,
    Window,
    Filter,
    Check,
    Default,
    Index,
    IndexPredicate,
    Generated,
    AlterType,
    CopyWhere,
    Time,
    Execute,
}

impl Clause {
    /// What messages call it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Clause::Select => "SELECT",
            Clause::Where => "WHERE",
            Clause::On => "JOIN conditions",
            Clause::FromFunction => "functions in FROM",
            Clause::GroupBy => "GROUP BY",
            Clause::Having => "HAVING",
            Clause::OrderBy => "ORDER BY",
            Clause::DistinctOn => "DISTINCT ON",
            Clause::Limit => "LIMIT",
            Clause::Offset => "OFFSET",
            Clause::Values => "VALUES",
            Clause::Returning => "RETURNING",
            Clause::Update => "UPDATE",
            Clause::Window => "window definitions",
            Clause::Filter => "FILTER",
            Clause::Check => "check constraints",
            Clause::Default => "DEFAULT expressions",
            Clause::Index => "index expressions",
            Clause::IndexPredicate => "index predicates",
            Clause::Generated => "column generation expressions",
            Clause::AlterType => "transform expressions",
            Clause::CopyWhere => "COPY FROM WHERE conditions",
            Clause::Time => "a time clause",
            Clause::Execute => "EXECUTE parameters",
        }
    }

    pub(super) fn allows_aggregates(self) -> bool {
        matches!(
            self,
            Clause::Select | Clause::Having | Clause::OrderBy | Clause::DistinctOn | Clause::Window
        )
    }

    pub(super) fn allows_windows(self) -> bool {
        matches!(self, Clause::Select | Clause::OrderBy | Clause::DistinctOn)
    }

    pub(super) fn allows_sets(self) -> bool {
        matches!(self, Clause::Select | Clause::OrderBy | Clause::DistinctOn | Clause::GroupBy)
    }

    pub(super) fn allows_subqueries(self) -> bool {
        !matches!(
            self,
            Clause::Check
                | Clause::Default
                | Clause::Index
                | Clause::IndexPredicate
                | Clause::Generated
                | Clause::AlterType
                | Clause::CopyWhere
                | Clause::Time
                | Clause::Execute
        )
    }

    /// The one word for the place in "cannot use subquery in ...".
    pub(super) fn subquery_place(self) -> &'static str {
        match self {
            Clause::Check => "check constraint",
            Clause::Default => "DEFAULT expression",
            Clause::Index => "index expression",
            Clause::IndexPredicate => "index predicate",
            Clause::Generated => "column generation expression",
            Clause::AlterType => "transform expression",
            Clause::CopyWhere => "COPY FROM WHERE condition",
            Clause::Time => "time clause",
            Clause::Execute => "EXECUTE parameter",
            Clause::Select
            | Clause::Where
            | Clause::On
            | Clause::FromFunction
            | Clause::GroupBy
            | Clause::Having
            | Clause::OrderBy
            | Clause::DistinctOn
            | Clause::Limit
            | Clause::Offset
            | Clause::Values
            | Clause::Returning
            | Clause::Update
            | Clause::Window
            | Clause::Filter => self.name(),
        }
    }
}
