//! Groups of rows and the functions of their values.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::ast::{AggregateFunction, Aggregation, SoqlCondition, SoqlExpression};
use super::evaluate::{compare_rows, is_met};
use super::field_path::FieldPath;
use crate::sandbox::salesforce::field_value::FieldValue;

/// One group: the values of its grouped fields, and what was aggregated of its rows, in the order of `RowGroups::functions`.
#[derive(Debug)]
struct RowGroup {
    keys: Vec<FieldValue>,
    columns: Vec<AggregatedColumn>,
}

/// The aggregated values of a column.
#[derive(Debug, Default, Clone)]
struct AggregatedColumn {
    count: u64,
    sum: f64,
    min: Option<FieldValue>,
    max: Option<FieldValue>,
    distinct: std::collections::BTreeSet<String>,
}

impl AggregatedColumn {
    fn add(&mut self, value: FieldValue, keep_distinct: bool) {
        if value == FieldValue::Null {
            return;
        }
        self.count += 1;
        if let FieldValue::Number(number) = value {
            self.sum += number;
        }
        if keep_distinct {
            self.distinct.insert(format!("{value:?}").to_lowercase());
        }
        let is_before = |left: &FieldValue, right: &Option<FieldValue>| right.as_ref().is_none_or(|right| left.is_before(right));
        if is_before(&value, &self.min) {
            self.min = Some(value.clone());
        }
        if self.max.as_ref().is_none_or(|max| max.is_before(&value)) {
            self.max = Some(value);
        }
    }

    fn result(&self, function: AggregateFunction) -> FieldValue {
        let number = |count: u64| FieldValue::Integer(i64::try_from(count).unwrap_or(i64::MAX));
        match function {
            AggregateFunction::Count => number(self.count),
            AggregateFunction::CountDistinct => number(self.distinct.len() as u64),
            AggregateFunction::Sum | AggregateFunction::Avg if self.count == 0 => FieldValue::Null,
            AggregateFunction::Sum => FieldValue::Number(self.sum),
            AggregateFunction::Avg => FieldValue::Number(self.sum / self.count as f64),
            AggregateFunction::Min => self.min.clone().unwrap_or(FieldValue::Null),
            AggregateFunction::Max => self.max.clone().unwrap_or(FieldValue::Null),
        }
    }
}

/// The groups of the rows read so far.
#[derive(Debug)]
pub struct RowGroups<'a> {
    aggregation: &'a Aggregation<FieldPath>,
    /// Every function that is selected, compared or sorted by.
    functions: Vec<(AggregateFunction, &'a FieldPath)>,
    groups: BTreeMap<String, RowGroup>,
}

fn collect_expressions<'a>(condition: &'a SoqlCondition<SoqlExpression<FieldPath>>, found: &mut Vec<&'a SoqlExpression<FieldPath>>) {
    match condition {
        SoqlCondition::And(all) | SoqlCondition::Or(all) => all.iter().for_each(|one| collect_expressions(one, found)),
        SoqlCondition::Not(inner) => collect_expressions(inner, found),
        SoqlCondition::Compare(expression, ..) | SoqlCondition::In(expression, ..) => found.push(expression),
    }
}

impl<'a> RowGroups<'a> {
    /// No rows yet.
    pub fn new(aggregation: &'a Aggregation<FieldPath>) -> Self {
        let mut expressions: Vec<&SoqlExpression<FieldPath>> = aggregation.selected.iter().map(|one| &one.expression).collect();
        expressions.extend(aggregation.order.iter().map(|key| &key.field));
        if let Some(having) = &aggregation.having {
            collect_expressions(having, &mut expressions);
        }
        let mut functions: Vec<(AggregateFunction, &FieldPath)> = Vec::new();
        for expression in expressions {
            if let SoqlExpression::Aggregate(function, field) = expression
                && !functions.contains(&(*function, field))
            {
                functions.push((*function, field));
            }
        }
        let mut groups = Self { aggregation, functions, groups: BTreeMap::new() };
        // Without GROUP BY there is one group, even of no rows.
        if aggregation.groups.is_empty() {
            groups.find_or_add(Vec::new());
        }
        groups
    }

    fn find_or_add(&mut self, keys: Vec<FieldValue>) -> &mut RowGroup {
        // Texts are grouped without regard to case.
        let name = format!("{keys:?}").to_lowercase();
        let columns = self.functions.len();
        self.groups.entry(name).or_insert_with(|| RowGroup { keys, columns: vec![AggregatedColumn::default(); columns] })
    }

    /// Adds a row.
    pub fn add_row(&mut self, value_of: impl Fn(&FieldPath) -> FieldValue) {
        let keys = self.aggregation.groups.iter().map(&value_of).collect();
        let values: Vec<(AggregateFunction, FieldValue)> =
            self.functions.iter().map(|(function, field)| (*function, value_of(field))).collect();
        let group = self.find_or_add(keys);
        for (column, (function, value)) in group.columns.iter_mut().zip(values) {
            column.add(value, function == AggregateFunction::CountDistinct);
        }
    }

    fn value(&self, group: &RowGroup, expression: &SoqlExpression<FieldPath>) -> FieldValue {
        match expression {
            SoqlExpression::Field(field) => {
                let position = self.aggregation.groups.iter().position(|grouped| grouped == field);
                position.and_then(|position| group.keys.get(position)).cloned().unwrap_or(FieldValue::Null)
            }
            SoqlExpression::Aggregate(function, field) => {
                let position = self.functions.iter().position(|known| *known == (*function, field));
                position.and_then(|position| group.columns.get(position)).map_or(FieldValue::Null, |column| column.result(*function))
            }
        }
    }

    /// The groups that meet the condition as JSON records, sorted. A function without an alias is named `expr0`, `expr1` and so on.
    pub fn into_records(self, offset: usize, limit: usize) -> Vec<Json> {
        let matching = self.groups.values().filter(|group| {
            self.aggregation
                .having
                .as_ref()
                .is_none_or(|having| is_met(having, &|expression: &SoqlExpression<FieldPath>| self.value(group, expression)))
        });
        let mut sorted: Vec<(Vec<FieldValue>, &RowGroup)> =
            matching.map(|group| (self.aggregation.order.iter().map(|key| self.value(group, &key.field)).collect(), group)).collect();
        sorted.sort_by(|(left, _), (right, _)| compare_rows(&self.aggregation.order, left, right));
        sorted.into_iter().skip(offset).take(limit).map(|(_, group)| self.render_record(group)).collect()
    }

    fn render_record(&self, group: &RowGroup) -> Json {
        let mut rendered = Map::new();
        rendered.insert("attributes".into(), json!({"type": "AggregateResult"}));
        let mut unnamed = 0;
        for one in &self.aggregation.selected {
            let name = match (&one.alias, &one.expression) {
                (Some(alias), _) => alias.clone(),
                (None, SoqlExpression::Field(field)) => field.field.name.to_owned(),
                (None, SoqlExpression::Aggregate(..)) => {
                    unnamed += 1;
                    format!("expr{}", unnamed - 1)
                }
            };
            rendered.insert(name, self.value(group, &one.expression).to_json());
        }
        Json::Object(rendered)
    }
}
